"""Each field of the spec changes the intended child, and rolls the pods only if they need to know."""

from __future__ import annotations

from typing import Any

import pytest

from rasa_environments.api.base import JsonObject
from rasa_environments.desired.secret_variables import TOKEN_KEY, TOKEN_VARIABLE
from tests.desired.action_server_changes import ACTION_SERVER_CHANGES
from tests.desired.change import FIRST, SECOND, Change
from tests.desired.changes import CHANGES, NOT_SHOWN, SEPARATE_CHANGES, SHARED_CHANGES, leaf_fields
from tests.desired.connection_changes import RASA_PRO_CHANGES
from tests.desired.contexts import URL, children_by_kind, context

BY_FIELD = pytest.mark.parametrize("change", [*CHANGES, *SEPARATE_CHANGES], ids=lambda change: change.field)


def test_no_field_is_forgotten() -> None:
    certificates = {field for field in leaf_fields() if field.endswith(".certSecretRef")}

    told = {change.field for change in (*CHANGES, *SEPARATE_CHANGES, *ACTION_SERVER_CHANGES)}
    told |= NOT_SHOWN | certificates
    assert told == set(leaf_fields())


def made(change: Change, value: Any) -> dict[str, JsonObject]:
    """The children with a value of the field."""
    secrets = {}
    if change.kind == "Secret" and value is not None:
        key = value["secretKeyRef"]["key"]
        secrets[variable_of(change)] = {"first": FIRST, "second": SECOND}[key]
    server = {"project": "second"} if change.field == "modelServerRef" and value else {}
    version = "3.6.21"
    if change in RASA_PRO_CHANGES:
        server, version = {"profile": "RasaPro"}, "3.21.0"
    spec = with_version(change.spec(value), version)
    return children_by_kind(context(spec, server=server, secret_values=secrets))


def variable_of(change: Change) -> str:
    """The variable whose value the key of the environment's Secret holds."""
    key = str(change.path[-1])
    return TOKEN_VARIABLE if key == TOKEN_KEY else key.upper().replace("-", "_")


def with_version(spec: JsonObject, version: str = "3.6.21") -> JsonObject:
    """The spec with a version of Rasa, unless it has its own."""
    return {**spec, "rasa": {"version": version, **spec.get("rasa", {})}}


@BY_FIELD
def test_a_changed_field_changes_its_child(change: Change) -> None:
    before, after = made(change, change.before), made(change, change.after)

    assert shown(change, before) != change.shows
    assert shown(change, after) == change.shows


@BY_FIELD
def test_only_what_pods_must_know_rolls_them(change: Change) -> None:
    before, after = made(change, change.before)["Deployment"], made(change, change.after)["Deployment"]

    assert (before["spec"]["template"] != after["spec"]["template"]) is change.rolls


@pytest.mark.parametrize("change", SHARED_CHANGES, ids=lambda change: change.field)
def test_the_defaults_of_a_server_do_what_the_spec_of_an_environment_does(change: Change) -> None:
    spec = with_version(change.spec(change.after))

    assert children_by_kind(context({}, defaults=spec)) == children_by_kind(context(spec))


@pytest.mark.parametrize("change", SHARED_CHANGES, ids=lambda change: change.field)
def test_the_spec_of_an_environment_wins_over_the_defaults(change: Change) -> None:
    own, defaults = with_version(change.spec(change.after)), with_version(change.spec(change.before))

    assert children_by_kind(context(own, defaults=defaults)) == children_by_kind(context(own))


def shown(change: Change, children: dict[str, JsonObject]) -> object:
    """What the child of the change shows."""
    found = change.seen_in(children.get(change.kind, {}))
    return found.removeprefix(URL) if isinstance(found, str) else found
