"""Who may change what all environments of a ModelServer serve."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rasa_environments.api.base import GROUP, JsonObject
from rasa_environments.api.model_server import ModelServerSpec
from tests.api.api_server import Answer
from tests.integration.manifests import model_server
from tests.integration.people import Person, Team, owner, refusal

SERVER = "ModelServer"
DECISIVE: JsonObject = {
    "url": "http://evil",
    "profile": "RasaX-0.32",
    "registration": "None",
    "environmentsFile": {"deploymentName": "rasa-x"},
    "project": "another",
    "modelPath": "/another/{tag}",
    "credentialsSecretRef": {"name": "another"},
    "authToken": {"secretKeyRef": {"name": "another", "key": "token"}},
    "defaults": {"rasa": {"image": "evil"}},
    "accessFrom": {"namespaces": ["somebody-else"]},
    "freeze": {"reason": "none"},
    "promotionWindows": [{"name": "w", "type": "Deny", "schedule": "* * * * *", "durationSeconds": 60}],
    "tls": {"mode": "Required", "certSecretRef": {"name": "another"}},
}
BELOW_ADMIN = ("dave", "carol", "erin")
SHIPPED = model_server("http://server")


def lacks_all(person: str, namespace: str) -> str:
    """Return the message of the refusal."""
    return (
        f'user "{person}" may not promote to every environment of ModelServer "default": needs the verb "promote" on '
        f'all deploymentenvironments.{GROUP} in namespace "{namespace}"'
    )


@pytest.mark.parametrize("name", BELOW_ADMIN)
def test_creating_one_needs_promote_on_all_environments(team: Team, name: str) -> None:
    assert refusal(team.person(name).create(SHIPPED)) == lacks_all(name, team.namespace)
    assert refusal(team.person(name).apply(SHIPPED)) == lacks_all(name, team.namespace)


def test_who_holds_promote_on_all_creates_changes_and_deletes_it(team: Team) -> None:
    alice = team.person("alice")

    assert alice.create(SHIPPED).accepted
    assert alice.change(SERVER, "default", url="http://another").accepted
    assert alice.delete(SERVER, "default").accepted


@pytest.mark.parametrize("field", DECISIVE)
def test_changing_what_it_serves_needs_promote_on_all_environments(team: Team, field: str) -> None:
    team.given(SHIPPED)

    answer = team.person("carol").change(SERVER, "default", **{field: DECISIVE[field]})

    assert refusal(answer) == lacks_all("carol", team.namespace)


def test_each_field_is_tried() -> None:
    assert {field.alias for field in ModelServerSpec.model_fields.values()} == DECISIVE.keys()


WAYS: dict[str, Callable[[Person, JsonObject], Answer]] = {
    "apply": lambda person, _: person.apply(model_server("http://evil"), "another-manager"),
    "replace": lambda person, now: person.replace({**now, "spec": {"url": "http://evil"}}),
    "json patch": lambda person, _: person.json_patch(
        SERVER, "default", {"op": "replace", "path": "/spec/url", "value": "http://evil"}
    ),
    "field removed": lambda person, _: person.change(SERVER, "default", credentialsSecretRef=None),
    "owner": lambda person, _: person.merge(
        SERVER, "default", {"metadata": {"ownerReferences": [owner("doomed", "1")]}}
    ),
    "delete": lambda person, _: person.delete(SERVER, "default"),
    "delete collection": lambda person, _: person.delete_all(SERVER),
}


@pytest.mark.parametrize("attempt", WAYS.values(), ids=WAYS)
def test_no_way_of_changing_it_goes_round(team: Team, attempt: Callable[[Person, JsonObject], Answer]) -> None:
    team.given(SHIPPED)
    before = team.get(SERVER, "default")

    answer = attempt(team.person("carol"), before)

    assert refusal(answer) == lacks_all("carol", team.namespace)
    assert team.get(SERVER, "default") == before


@pytest.mark.parametrize(
    "access", [None, {"namespaces": []}, {"namespaceSelectors": []}, {"namespaceSelectors": [{}]}], ids=str
)
def test_who_may_use_it_from_elsewhere_is_decided_by_promote_too(team: Team, access: JsonObject | None) -> None:
    labels: JsonObject = {"matchLabels": {"team": "bots"}}
    team.given(
        model_server("http://server", accessFrom={"namespaces": ["somebody-else"], "namespaceSelectors": [labels]})
    )

    answer = team.person("dave").change(SERVER, "default", accessFrom=access)

    assert refusal(answer) == lacks_all("dave", team.namespace)


def test_labels_and_annotations_are_free(team: Team) -> None:
    team.given(SHIPPED)
    change: JsonObject = {"metadata": {"labels": {"team": "bots"}, "annotations": {"note": "x"}}}

    answer = team.person("dave").merge(SERVER, "default", change)

    assert answer.accepted, answer.body["message"]


WINDOW: JsonObject = {"name": "w", "type": "Allow", "schedule": "0 9 * * *", "durationSeconds": 60}
LOOSENING: dict[str, Callable[[Person, JsonObject], Answer]] = {
    "no freeze": lambda person, _: person.change(SERVER, "default", freeze=None),
    "an earlier end": lambda person, _: person.change(SERVER, "default", freeze={"endTime": "2026-01-01T00:00:00Z"}),
    "no windows": lambda person, _: person.change(SERVER, "default", promotionWindows=None),
    "no windows, by json patch": lambda person, _: person.json_patch(
        SERVER, "default", {"op": "remove", "path": "/spec/promotionWindows/0"}
    ),
    "a longer window, applied by another": lambda person, _: person.apply(
        model_server("http://server", promotionWindows=[{**WINDOW, "durationSeconds": 86400}]), "another-manager"
    ),
    "neither, by replace": lambda person, now: person.replace({**now, "spec": {"url": now["spec"]["url"]}}),
    "delete": lambda person, _: person.delete(SERVER, "default"),
}


@pytest.mark.parametrize("attempt", LOOSENING.values(), ids=LOOSENING)
def test_lifting_a_freeze_or_a_window_needs_promote_on_all_environments(
    team: Team, attempt: Callable[[Person, JsonObject], Answer]
) -> None:
    team.given(model_server("http://server", freeze={"reason": "audit"}, promotionWindows=[WINDOW]))
    before = team.get(SERVER, "default")

    answer = attempt(team.person("carol"), before)

    assert refusal(answer) == lacks_all("carol", team.namespace)
    assert team.get(SERVER, "default") == before
