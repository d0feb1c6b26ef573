"""A partial pod template over a whole one, as `kubectl patch` lays it."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.base import JsonObject
from rasa_environments.desired.errors import SpecError
from rasa_environments.desired.pod_template import combine_pod_templates, merge_pod_template
from tests.desired.contexts import children_by_kind, context

NAMES = st.sampled_from(["rasa", "proxy", "logs"])


def lists_by(key: str, items: st.SearchStrategy[JsonObject]) -> st.SearchStrategy[list[JsonObject]]:
    """Lists whose items have different keys."""
    return st.lists(items, max_size=3, unique_by=lambda item: item[key])


def templates(*, nulls: bool) -> st.SearchStrategy[JsonObject]:
    """Pod templates, whole or partial; nulls remove what is below them."""

    def field(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return values | st.none() if nulls else values

    labels = st.dictionaries(NAMES, field(st.sampled_from(["1", "2"])), max_size=2)
    variables = st.fixed_dictionaries({"name": NAMES}, optional={"value": st.sampled_from(["1", "2"])}) | (
        st.fixed_dictionaries({"name": NAMES, "valueFrom": st.just({"fieldRef": {"fieldPath": "status.podIP"}})})
    )
    containers = st.fixed_dictionaries(
        {"name": NAMES},
        optional={
            "image": field(st.sampled_from(["a", "b"])),
            "args": field(st.lists(st.sampled_from(["x", "y"]), max_size=2)),
            "env": field(lists_by("name", variables)),
            "livenessProbe": field(st.dictionaries(NAMES, field(st.integers(1, 3)), max_size=2)),
        },
    )
    spec = st.fixed_dictionaries(
        {},
        optional={
            "containers": field(lists_by("name", containers)),
            "nodeSelector": field(labels),
            "tolerations": field(st.lists(labels, max_size=2)),
            "hostNetwork": field(st.booleans()),
        },
    )
    return st.fixed_dictionaries({}, optional={"metadata": st.fixed_dictionaries({"labels": labels}), "spec": spec})


WHOLE, PARTIAL = templates(nulls=False), templates(nulls=True)


@given(template=WHOLE)
def test_laying_nothing_on_a_template_changes_nothing(template: JsonObject) -> None:
    assert merge_pod_template(template, {}) == template


@given(template=WHOLE)
def test_a_template_laid_on_itself_is_itself(template: JsonObject) -> None:
    assert merge_pod_template(template, template) == template


@given(template=WHOLE, partial=PARTIAL)
def test_laying_it_on_twice_is_laying_it_on_once(template: JsonObject, partial: JsonObject) -> None:
    once = merge_pod_template(template, partial)

    assert merge_pod_template(once, partial) == once


@given(template=WHOLE, partial=PARTIAL)
def test_neither_template_is_changed(template: JsonObject, partial: JsonObject) -> None:
    before = copy.deepcopy((template, partial))

    merge_pod_template(template, partial)

    assert (template, partial) == before


@given(template=WHOLE, defaults=WHOLE, own=PARTIAL)
def test_two_partial_templates_combined_do_what_they_do_one_after_the_other(
    template: JsonObject, defaults: JsonObject, own: JsonObject
) -> None:
    one_by_one = merge_pod_template(merge_pod_template(template, defaults), own)

    assert merge_pod_template(template, combine_pod_templates(defaults, own)) == one_by_one


@given(first=WHOLE, second=WHOLE, third=PARTIAL)
def test_how_three_partial_templates_are_grouped_does_not_matter(
    first: JsonObject, second: JsonObject, third: JsonObject
) -> None:
    flat = combine_pod_templates(first, second, third)

    assert combine_pod_templates(first, combine_pod_templates(second, third)) == flat
    assert combine_pod_templates(combine_pod_templates(first, second), third) == flat


def test_a_null_removes() -> None:
    template = {
        "spec": {"nodeSelector": {"a": "1", "b": "2"}, "containers": [{"name": "rasa", "livenessProbe": {"a": 1}}]}
    }
    partial = {"spec": {"nodeSelector": {"a": None}, "containers": [{"name": "rasa", "livenessProbe": None}]}}

    merged = merge_pod_template(template, partial)

    assert merged == {"spec": {"nodeSelector": {"b": "2"}, "containers": [{"name": "rasa"}]}}


def test_a_null_of_the_defaults_removes_what_the_operator_writes() -> None:
    defaults = {"podTemplate": {"spec": {"containers": [{"name": "rasa", "livenessProbe": None}]}}}
    own = {"rasa": {"version": "3.6.21"}, "podTemplate": {"spec": {"hostNetwork": True}}}

    pod = children_by_kind(context(own, defaults=defaults))["Deployment"]["spec"]["template"]["spec"]

    assert "livenessProbe" not in pod["containers"][0]
    assert pod["hostNetwork"] is True


LISTS_BY_KEY = [
    ("containers", "name", "rasa", "proxy"),
    ("initContainers", "name", "setup", "other"),
    ("volumes", "name", "tmp", "cache"),
    ("imagePullSecrets", "name", "registry", "other"),
    ("hostAliases", "ip", "127.0.0.1", "127.0.0.2"),
    ("topologySpreadConstraints", "topologyKey", "zone", "host"),
]


@pytest.mark.parametrize(("name", "key", "known", "new"), LISTS_BY_KEY)
def test_an_item_of_a_known_key_is_merged_and_others_are_added(name: str, key: str, known: str, new: str) -> None:
    template = {"spec": {name: [{key: known, "left": 1, "over": 1}]}}
    partial = {"spec": {name: [{key: new}, {key: known, "over": 2}]}}

    merged = merge_pod_template(template, partial)["spec"][name]

    left = {} if name == "volumes" else {"left": 1}
    assert merged == [{key: known, **left, "over": 2}, {key: new}]


def test_a_variable_is_one_value() -> None:
    template = {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]}

    merged = merge_pod_template(template, {"env": [{"name": "A", "value": "1"}]})

    assert merged == {"env": [{"name": "A", "value": "1"}]}


def test_any_other_list_is_replaced() -> None:
    assert merge_pod_template({"args": ["a", "b"]}, {"args": ["c"]}) == {"args": ["c"]}


WRONG_SHAPES = [
    ({"spec": {"containers": {"name": "rasa"}}}, r"spec\.podTemplate\.spec\.containers must be a list, not a mapping"),
    ({"spec": {"containers": ["rasa"]}}, r"spec\.podTemplate\.spec\.containers\[0\] must be a mapping, not text"),
    (
        {"spec": {"containers": [{"image": "a"}]}},
        r"spec\.podTemplate\.spec\.containers\[0\] has no name, .*called rasa",
    ),
    (
        {"spec": {"containers": [{"name": "rasa", "env": [{"name": "A"}, {"value": "1"}]}]}},
        r"spec\.podTemplate\.spec\.containers\[0\]\.env\[1\] has no name",
    ),
    (
        {"spec": {"containers": [{"name": "rasa", "volumeMounts": [{"name": "a"}]}]}},
        r"volumeMounts\[0\] has no mountPath",
    ),
    ({"spec": []}, r"spec\.podTemplate\.spec must be a mapping, not a list"),
    ({"metadata": "rasa"}, r"spec\.podTemplate\.metadata must be a mapping, not text"),
]


@pytest.mark.parametrize(("partial", "message"), WRONG_SHAPES)
def test_a_wrong_shape_is_told_with_its_place(partial: JsonObject, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        children_by_kind(context({"rasa": {"version": "3.6.21"}, "podTemplate": partial}))


WHAT_WOULD_BREAK = [
    ({"metadata": {"labels": {"app.kubernetes.io/name": "other"}}}, "must leave app.kubernetes.io/name=rasa alone"),
    ({"spec": {"containers": None}}, "removes the container rasa"),
    (
        {"spec": {"containers": [{"name": "rasa", "env": [{"name": "RASA_ENVIRONMENT", "value": "other"}]}]}},
        "sets RASA_ENVIRONMENT: set spec.environment instead",
    ),
    *(
        (
            {"spec": {"containers": [{"name": "rasa", "env": [{"name": "LOG_LEVEL_LIBRARIES", **value}]}]}},
            "sets LOG_LEVEL_LIBRARIES: below WARNING .* set it to WARNING, ERROR or CRITICAL",
        )
        for value in (
            {"value": "DEBUG"},
            {"value": "INFO"},
            {"valueFrom": {"configMapKeyRef": {"name": "a", "key": "b"}}},
        )
    ),
]


@pytest.mark.parametrize(("partial", "message"), WHAT_WOULD_BREAK)
def test_what_the_operator_relies_on_cannot_be_taken_away(partial: JsonObject, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        children_by_kind(context({"rasa": {"version": "3.6.21"}, "podTemplate": partial}))


@pytest.mark.parametrize("level", ["WARNING", "ERROR", "CRITICAL"])
def test_libraries_may_log_what_holds_no_address(level: str) -> None:
    variable = {"name": "LOG_LEVEL_LIBRARIES", "value": level}
    template = {"spec": {"containers": [{"name": "rasa", "env": [variable]}]}}

    made = children_by_kind(context({"rasa": {"version": "3.6.21"}, "podTemplate": template}))

    assert variable in made["Deployment"]["spec"]["template"]["spec"]["containers"][0]["env"]
