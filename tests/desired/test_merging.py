"""An environment's spec over the defaults of its ModelServer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.base import JsonObject
from rasa_environments.desired.errors import SpecError
from rasa_environments.desired.merging import bound, is_secret_value, merge
from tests.desired.contexts import context

NAMES = st.sampled_from(["a", "b", "c"])
REFERENCES = st.fixed_dictionaries(
    {"name": NAMES, "key": NAMES}, optional={"namespace": st.sampled_from(["bots", "platform", "elsewhere"])}
)
SECRET_VALUES = st.fixed_dictionaries({"secretKeyRef": REFERENCES})
SCALARS = st.integers(0, 3) | st.booleans() | NAMES
VALUES = st.recursive(
    SCALARS | st.none() | SECRET_VALUES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
MAPPINGS = st.dictionaries(NAMES, VALUES, max_size=3)


def leaves(value: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """What a mapping says, by path: all that is merged no further."""
    for key, inner in value.items():
        if isinstance(inner, Mapping) and inner and not is_secret_value(inner):
            yield from leaves(inner, (*path, key))
        elif inner is not None and inner != {}:
            yield (*path, key), inner


def at(value: Any, path: tuple[str, ...]) -> Any:
    """What stands at a path."""
    for key in path:
        value = value[key]
    return value


@given(under=MAPPINGS, over=MAPPINGS)
def test_the_own_value_always_wins(under: JsonObject, over: JsonObject) -> None:
    merged = merge(under, over)

    for path, value in leaves(over):
        assert at(merged, path) == value


@given(under=MAPPINGS, over=MAPPINGS)
def test_what_is_not_named_stays_as_the_default_has_it(under: JsonObject, over: JsonObject) -> None:
    merged = merge(under, over)

    for key in under.keys() - {key for key, value in over.items() if value is not None}:
        assert merged[key] == under[key]


@given(mapping=MAPPINGS)
def test_merging_nothing_changes_nothing(mapping: JsonObject) -> None:
    assert merge(mapping, {}) == mapping


@given(under=MAPPINGS, over=MAPPINGS)
def test_merging_twice_is_merging_once(under: JsonObject, over: JsonObject) -> None:
    once = merge(under, over)

    assert merge(once, over) == once


@given(over=SECRET_VALUES, under=SECRET_VALUES | st.dictionaries(NAMES, SCALARS))
def test_a_secret_value_is_never_mixed_with_another(over: JsonObject, under: JsonObject) -> None:
    assert merge({"token": under}, {"token": over}) == {"token": over}
    assert merge({"token": over}, {"token": {"a": 1}}) == {"token": {"a": 1}}


@given(value=MAPPINGS, namespace=NAMES)
def test_a_reference_belongs_to_who_wrote_it_whatever_it_claims(value: JsonObject, namespace: str) -> None:
    assert {reference["namespace"] for reference in references(bound(value, namespace))} <= {namespace}


@given(value=MAPPINGS, namespace=NAMES)
def test_all_but_the_namespace_of_references_stays(value: JsonObject, namespace: str) -> None:
    before, after = list(references(value)), list(references(bound(value, namespace)))

    assert [{**reference, "namespace": namespace} for reference in before] == after
    assert bound(bound(value, "elsewhere"), namespace) == bound(value, namespace)


def references(value: Any) -> Iterator[JsonObject]:
    """Every secretKeyRef in a value."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "secretKeyRef" and isinstance(inner, Mapping):
                yield dict(inner)
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def ref(name: str) -> JsonObject:
    """A secret value that claims to be of a foreign namespace."""
    return {"secretKeyRef": {"name": name, "key": "k", "namespace": "kube-system"}}


def test_each_reference_of_the_merged_spec_has_the_namespace_of_its_author() -> None:
    defaults = {
        "trackerStore": {"sql": {"host": "db", "username": "rasa", "password": ref("of-the-server")}},
        "actionEndpoint": {"url": "http://actions:5055", "token": ref("of-the-server")},
        "credentials": {"slack": {"token": ref("of-the-server")}, "list": [ref("of-the-server")]},
    }
    own = {
        "rasa": {"version": "3.6.21"},
        "jwt": ref("own"),
        "authToken": ref("own"),
        "actionEndpoint": {"url": "http://actions:5055", "token": ref("own")},
        "credentials": {"telegram": {"token": ref("own")}},
    }

    merged = context(own, defaults=defaults, server_namespace="platform").spec.model_dump(by_alias=True)

    found = {(reference["name"], reference["namespace"]) for reference in references(merged)}
    assert found == {("of-the-server", "platform"), ("own", "bots")}


MEMBERS: dict[str, dict[str, JsonObject]] = {
    "eventBroker": {
        "rabbitmq": {"host": "rabbitmq"},
        "kafka": {"bootstrapServers": ["kafka:9092"]},
        "sql": {"host": "db"},
    },
    "trackerStore": {"sql": {"host": "db"}, "redis": {"host": "redis"}},
}
ALTERNATIVES = [
    (union, default, own)
    for union, members in MEMBERS.items()
    for default in members
    for own in members
    if default != own
]


@pytest.mark.parametrize(("union", "default", "own"), ALTERNATIVES)
def test_naming_another_member_drops_that_of_the_defaults(union: str, default: str, own: str) -> None:
    members = MEMBERS[union]

    merged = context(
        {"rasa": {"version": "3.6.21"}, union: {own: members[own]}}, defaults={union: {default: members[default]}}
    )

    assert set(merged.spec.model_dump(by_alias=True, exclude_none=True)[union]) == {own}


def test_the_same_member_is_merged_field_by_field() -> None:
    merged = context(
        {"rasa": {"version": "3.6.21"}, "trackerStore": {"sql": {"host": "other"}}},
        defaults={"trackerStore": {"sql": {"host": "db", "username": "rasa", "port": 6543}}},
    )

    tracker_store = merged.spec.model_dump(by_alias=True, exclude_none=True)["trackerStore"]
    assert tracker_store == {"sql": {"host": "other", "username": "rasa", "port": 6543}}


def test_values_that_do_not_fit_together_are_told_with_their_field_and_server() -> None:
    with pytest.raises(SpecError, match=r"defaults of ModelServer platform/default: .*autoscaling.*minReplicas"):
        context(
            {"autoscaling": {"maxReplicas": 2}},
            defaults={"autoscaling": {"minReplicas": 3, "maxReplicas": 4}},
            server_namespace="platform",
        )
