"""A partial pod template merged over a complete one, as `kubectl patch` does."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.base import JsonObject
from rasa_environments.desired.errors import SpecError
from rasa_environments.desired.pod_template import merge_pod_template
from tests.desired.contexts import children_by_kind, context

NAMES = st.sampled_from(["rasa", "proxy", "logs"])


def lists_by(key: str, items: st.SearchStrategy[JsonObject]) -> st.SearchStrategy[list[JsonObject]]:
    """Lists whose items have different keys."""
    return st.lists(items, max_size=3, unique_by=lambda item: item[key])


DELETE = {"$patch": "delete"}
DELETED_ITEM = st.fixed_dictionaries({"name": NAMES, "$patch": st.just("delete")})


def templates(*, partial: bool) -> st.SearchStrategy[JsonObject]:
    """Pod templates, whole or partial: these have nulls, and remove maps and items."""

    def field(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return values | st.none() if partial else values

    def part(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return field(values | st.just(DELETE)) if partial else values

    def item(values: st.SearchStrategy[JsonObject]) -> st.SearchStrategy[JsonObject]:
        return values | DELETED_ITEM if partial else values

    labels = st.dictionaries(NAMES, field(st.sampled_from(["1", "2"])), max_size=2)
    variables = st.fixed_dictionaries({"name": NAMES}, optional={"value": st.sampled_from(["1", "2"])}) | (
        st.fixed_dictionaries({"name": NAMES, "valueFrom": st.just({"fieldRef": {"fieldPath": "status.podIP"}})})
    )
    containers = st.fixed_dictionaries(
        {"name": NAMES},
        optional={
            "image": field(st.sampled_from(["a", "b"])),
            "args": field(st.lists(st.sampled_from(["x", "y"]), max_size=2)),
            "env": field(lists_by("name", item(variables))),
            "livenessProbe": part(st.dictionaries(NAMES, field(st.integers(1, 3)), max_size=2)),
        },
    )
    spec = st.fixed_dictionaries(
        {},
        optional={
            "containers": field(lists_by("name", item(containers))),
            "nodeSelector": part(labels),
            "tolerations": field(st.lists(labels, max_size=2)),
            "hostNetwork": field(st.booleans()),
        },
    )
    return st.fixed_dictionaries(
        {}, optional={"metadata": part(st.fixed_dictionaries({"labels": labels})), "spec": part(spec)}
    )


def entries(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield every key with its value, of all maps in a value."""
    if isinstance(value, dict):
        yield from value.items()
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from entries(inner)


def without_nulls(value: Any) -> Any:
    """Return the value as `kubectl apply` sends it."""
    if isinstance(value, dict):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


WHOLE, PARTIAL = templates(partial=False), templates(partial=True)


@given(template=WHOLE)
def test_laying_nothing_on_a_template_changes_nothing(template: JsonObject) -> None:
    assert merge_pod_template(template, {}) == template


@given(template=WHOLE)
def test_a_template_merged_into_itself_is_unchanged(template: JsonObject) -> None:
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


@given(template=WHOLE, partial=PARTIAL)
def test_a_null_means_nothing(template: JsonObject, partial: JsonObject) -> None:
    assert merge_pod_template(template, partial) == merge_pod_template(template, without_nulls(partial))


@given(template=WHOLE, partial=PARTIAL)
def test_a_pod_gets_neither_nulls_nor_directives(template: JsonObject, partial: JsonObject) -> None:
    merged = merge_pod_template(template, partial)

    assert not [key for key, value in entries(merged) if value is None or key.startswith("$")]


@given(template=WHOLE, name=NAMES)
def test_a_removed_item_is_gone_and_all_others_stay(template: JsonObject, name: str) -> None:
    merged = merge_pod_template(template, {"spec": {"containers": [{"name": name, **DELETE}]}})

    before = template.get("spec", {}).get("containers", [])
    assert merged["spec"]["containers"] == [each for each in before if each["name"] != name]


@given(template=WHOLE, field=st.sampled_from(["nodeSelector", "affinity"]))
def test_a_removed_map_is_gone_and_all_others_stay(template: JsonObject, field: str) -> None:
    merged = merge_pod_template(template, {"spec": {field: DELETE}})

    before = template.get("spec", {})
    assert merged["spec"] == {name: value for name, value in before.items() if name != field}


def test_what_is_removed_can_be_written_anew_by_the_environment() -> None:
    probe = {"tcpSocket": {"port": 5005}}
    defaults = {"podTemplate": {"spec": {"containers": [{"name": "rasa", "livenessProbe": DELETE}]}}}
    own = {
        "rasa": {"version": "3.6.21"},
        "podTemplate": {"spec": {"containers": [{"name": "rasa", "livenessProbe": probe}]}},
    }

    assert rasa_container(own, defaults)["livenessProbe"] == probe


def test_the_defaults_may_remove_what_the_operator_writes() -> None:
    defaults = {"podTemplate": {"spec": {"containers": [{"name": "rasa", "livenessProbe": DELETE}]}}}
    own = {"rasa": {"version": "3.6.21"}, "podTemplate": {"spec": {"hostNetwork": True}}}

    assert "livenessProbe" not in rasa_container(own, defaults)


def test_an_environment_may_remove_what_the_defaults_add() -> None:
    sidecar = {"podTemplate": {"spec": {"containers": [{"name": "proxy", "image": "proxy:1"}]}}}
    own = {"rasa": {"version": "3.6.21"}, "podTemplate": {"spec": {"containers": [{"name": "proxy", **DELETE}]}}}

    pod = children_by_kind(context(own, defaults=sidecar))["Deployment"]["spec"]["template"]["spec"]

    assert [container["name"] for container in pod["containers"]] == ["rasa"]


def rasa_container(own: JsonObject, defaults: JsonObject) -> JsonObject:
    """The Rasa server's container."""
    pod = children_by_kind(context(own, defaults=defaults))["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    return dict(container)


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
    ({"spec": {"containers": {"name": "rasa"}}}, r"spec\.podTemplate\.spec\.containers must be a list, not a map"),
    ({"spec": {"containers": ["rasa"]}}, r"spec\.podTemplate\.spec\.containers\[0\] must be a map, not text"),
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
    ({"spec": []}, r"spec\.podTemplate\.spec must be a map, not a list"),
    ({"metadata": "rasa"}, r"spec\.podTemplate\.metadata must be a map, not text"),
    ({"spec": {"containers": [None]}}, r"spec\.podTemplate\.spec\.containers\[0\] must be a map, not null"),
    (DELETE, r"spec\.podTemplate removes the whole pod"),
    ({"spec": {"$patch": "replace"}}, r"spec\.podTemplate\.spec has \$patch: only \$patch: delete is supported"),
    ({"spec": {"$retainKeys": ["volumes"]}}, r"spec\.podTemplate\.spec has \$retainKeys: only \$patch: delete"),
    (
        {"spec": {"nodeSelector": {"disk": "fast", **DELETE}}},
        r"spec\.podTemplate\.spec\.nodeSelector has disk beside \$patch: delete, which removes it",
    ),
    (
        {"spec": {"containers": [{"name": "proxy", "image": "a", **DELETE}]}},
        r"spec\.podTemplate\.spec\.containers\[0\] has image beside \$patch: delete",
    ),
    (
        {"spec": {"tolerations": [{"key": "bots", **DELETE}]}},
        r"spec\.podTemplate\.spec\.tolerations\[0\] has \$patch: delete, but its list is replaced as a whole",
    ),
]


@pytest.mark.parametrize(("partial", "message"), WRONG_SHAPES)
def test_a_wrong_shape_is_reported_with_its_place(partial: JsonObject, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        children_by_kind(context({"rasa": {"version": "3.6.21"}, "podTemplate": partial}))


WHAT_WOULD_BREAK = [
    ({"metadata": {"labels": {"app.kubernetes.io/name": "other"}}}, "may not change app.kubernetes.io/name=rasa"),
    ({"metadata": DELETE}, "may not change app.kubernetes.io/name=rasa"),
    ({"spec": {"containers": [{"name": "rasa", **DELETE}]}}, "removes the container rasa"),
    ({"spec": DELETE}, "removes the container rasa"),
    *(
        (
            {"spec": {"containers": [{"name": "rasa", "env": [{"name": "RASA_ENVIRONMENT", **change}]}]}},
            "sets or removes RASA_ENVIRONMENT: set spec.environment instead",
        )
        for change in ({"value": "other"}, DELETE)
    ),
    *(
        (
            {"spec": {"containers": [{"name": "rasa", "env": [{"name": "LOG_LEVEL_LIBRARIES", **value}]}]}},
            "sets LOG_LEVEL_LIBRARIES: below WARNING, .* set it to WARNING, ERROR or CRITICAL",
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
