"""Which values an environment takes from Secrets that people keep."""

from __future__ import annotations

import pytest

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.desired.merging import merged_spec
from rasa_environments.domain.facts import Problem
from rasa_environments.domain.generated import Generated
from rasa_environments.domain.lister import Lister
from rasa_environments.domain.planning import plan
from rasa_environments.domain.resolving import Resolved, resolve
from rasa_environments.domain.secret_contents import SecretContents
from rasa_environments.domain.secret_values import named_values
from tests.reconcile.objects import environment, server

LICENSE: JsonObject = {"rasa": {"license": {"secretKeyRef": {"name": "licenses", "key": "rasa"}}}}
LICENSES = ObjectKey("bots", "licenses")


@pytest.mark.parametrize(("profile", "names"), [("RasaPro", ["RASA_LICENSE"]), ("OpenSource", [])])
def test_of_environments_with_the_same_defaults_only_rasa_pro_gets_the_licence(profile: str, names: list[str]) -> None:
    support, shared = environment("support", profile=profile), server(defaults=LICENSE)

    named = named_values(support, shared, merged_spec(support, shared))

    assert [each.name for each in named] == names


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, Reason.SECRET_NOT_FOUND), ({"other": b"x"}, Reason.SECRET_KEY_NOT_FOUND)],
)
def test_a_licence_that_is_not_there_is_told_before_anything_is_made(
    content: dict[str, bytes] | None, reason: Reason
) -> None:
    support, lister = environment("support", profile="RasaPro", **LICENSE), Lister()
    lister.servers.put(server())
    lister.environments.put(support)
    resolved = resolve(support, lister)
    assert isinstance(resolved, Resolved)

    problem = plan(resolved, SecretContents({LICENSES: content}), Generated("token", "jwt", "salt"))

    assert isinstance(problem, Problem)
    assert (problem.reason, problem.field) == (reason, "spec.rasa.license")
    assert problem.message.startswith("spec.rasa.license: ")


def test_a_licence_in_the_defaults_of_a_server_elsewhere_is_told_as_the_licence() -> None:
    guest = environment("guest", namespace="guests", modelServerRef={"namespace": "bots"}, profile="RasaPro")
    lister = Lister()
    lister.servers.put(server(accessFrom={"namespaces": ["guests"]}, defaults=LICENSE))
    lister.environments.put(guest)

    problem = resolve(guest, lister)

    assert isinstance(problem, Problem)
    assert (problem.reason, problem.field) == (Reason.SECRET_NOT_FOUND, "spec.rasa.license")
