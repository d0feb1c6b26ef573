"""Merging one mapping over another, and the namespaces of the Secret references in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.base import JsonObject
from rasa_environments.desired.merging import bound, is_secret_value, merge

NAMES = st.sampled_from(["a", "b", "c"])
REFERENCES = st.fixed_dictionaries(
    {"name": NAMES, "key": NAMES}, optional={"namespace": st.sampled_from(["bots", "platform", "elsewhere"])}
)
SECRET_VALUES = st.fixed_dictionaries({"secretKeyRef": REFERENCES})
SCALARS = st.integers(0, 3) | st.booleans() | NAMES
VALUES = st.recursive(
    SCALARS | SECRET_VALUES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
MAPPINGS = st.dictionaries(NAMES, VALUES, max_size=3)


def leaves(value: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Return the content of a mapping by path, down to what is not merged further."""
    for key, inner in value.items():
        if isinstance(inner, Mapping) and inner and not is_secret_value(inner):
            yield from leaves(inner, (*path, key))
        elif inner != {}:
            yield (*path, key), inner


def at(value: Any, path: tuple[str, ...]) -> Any:
    """Return the value at a path."""
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

    for key in under.keys() - over.keys():
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
