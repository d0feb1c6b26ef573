"""When a live object is in its desired state, and when it has to be corrected."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rasa_environments.api.base import JsonObject
from rasa_environments.judge.drift import difference, quantity


def deployment() -> JsonObject:
    """Return a desired Deployment."""
    container = {
        "name": "rasa",
        "image": "rasa/rasa:3.6.21",
        "args": ["run", "--enable-api"],
        "env": [{"name": "RASA_ENVIRONMENT", "value": "production"}, {"name": "RASA_HOME", "value": "/app"}],
        "ports": [{"name": "http", "containerPort": 5005}],
        "resources": {"limits": {"cpu": "1000m", "memory": "1024Mi"}},
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "production-rasa",
            "namespace": "bots",
            "labels": {"app": "rasa"},
            "ownerReferences": [
                {"kind": "DeploymentEnvironment", "name": "production", "uid": "1", "controller": True}
            ],
        },
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "rasa"}},
            "template": {
                "metadata": {"labels": {"app": "rasa"}},
                "spec": {"containers": [container], "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}}]},
            },
        },
    }


def network_policy() -> JsonObject:
    """Return a desired NetworkPolicy."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "production-rasa", "namespace": "bots"},
        "spec": {
            "podSelector": {"matchLabels": {"app": "rasa"}},
            "ingress": [{"from": [{"podSelector": {}}], "ports": [{"port": 5005}]}],
        },
    }


def service() -> JsonObject:
    """Return a desired Service."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "production-rasa", "namespace": "bots"},
        "spec": {"selector": {"app": "rasa"}, "ports": [{"name": "http", "port": 5005, "targetPort": "http"}]},
    }


def container_of(obj: JsonObject) -> JsonObject:
    """The first container."""
    container: JsonObject = obj["spec"]["template"]["spec"]["containers"][0]
    return container


def test_what_the_api_server_adds_is_no_difference() -> None:
    live = deployment()
    live["metadata"] |= {"uid": "2", "resourceVersion": "7", "creationTimestamp": "2026-01-01T00:00:00Z"}
    live["spec"]["progressDeadlineSeconds"] = 600
    live["spec"]["template"]["metadata"]["creationTimestamp"] = None
    live["status"] = {"replicas": 1}
    container_of(live)["ports"][0]["protocol"] = "TCP"
    container_of(live)["terminationMessagePath"] = "/dev/termination-log"
    assert difference(deployment(), live) is None


def test_what_others_add_is_no_difference() -> None:
    live = deployment()
    live["metadata"]["annotations"] = {"someone/else": "yes"}
    live["metadata"]["labels"]["team"] = "bots"
    live["metadata"]["finalizers"] = ["someone/else"]
    container_of(live)["env"].insert(0, {"name": "INJECTED", "value": "1"})
    live["spec"]["template"]["spec"]["containers"].insert(0, {"name": "proxy", "image": "proxy"})
    assert difference(deployment(), live) is None


def test_replicas_that_are_not_asked_for_belong_to_the_autoscaler() -> None:
    desired, live = deployment(), deployment()
    del desired["spec"]["replicas"]
    live["spec"]["replicas"] = 7
    assert difference(desired, live) is None


def test_the_status_is_not_compared() -> None:
    assert difference(deployment() | {"status": {"replicas": 3}}, deployment()) is None


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda live: live["spec"].update(replicas=2), "spec.replicas"),
        (lambda live: live["spec"].pop("replicas"), "spec.replicas"),
        (lambda live: container_of(live).update(image="other"), "spec.template.spec.containers[rasa].image"),
        (lambda live: container_of(live)["args"].append("--debug"), "spec.template.spec.containers[rasa].args"),
        (lambda live: container_of(live)["args"].reverse(), "spec.template.spec.containers[rasa].args[0]"),
        (
            lambda live: container_of(live)["env"].pop(),
            "spec.template.spec.containers[rasa].env[RASA_HOME]",
        ),
        (
            lambda live: container_of(live)["ports"][0].update(protocol="UDP"),
            "spec.template.spec.containers[rasa].ports[5005/TCP]",
        ),
        (lambda live: live["spec"]["template"]["spec"]["containers"].pop(), "spec.template.spec.containers[rasa]"),
        (
            lambda live: container_of(live)["resources"]["limits"].update(cpu="2"),
            "spec.template.spec.containers[rasa].resources.limits.cpu",
        ),
        (
            lambda live: live["spec"]["template"]["spec"]["volumes"][0].pop("emptyDir"),
            "spec.template.spec.volumes[tmp].emptyDir",
        ),
        (lambda live: live["metadata"].pop("ownerReferences"), "metadata.ownerReferences"),
        (lambda live: live["metadata"]["labels"].clear(), "metadata.labels.app"),
    ],
)
def test_a_change_is_found_and_its_place_told(change: Any, path: str) -> None:
    live = deployment()
    change(live)
    assert difference(deployment(), live) == path


def test_lists_with_a_key_may_come_in_another_order() -> None:
    live = deployment()
    container_of(live)["env"].reverse()
    assert difference(deployment(), live) is None


@pytest.mark.parametrize(
    ("wanted", "live"), [("1000m", "1"), (1, "1"), ("0.5", "500m"), ("1024Mi", "1Gi"), ("1e3", "1k")]
)
def test_quantities_are_compared_by_value(wanted: str | int, live: str) -> None:
    ours, theirs = deployment(), deployment()
    container_of(ours)["resources"] = {"limits": {"example.com/thing": wanted}}
    container_of(theirs)["resources"] = {"limits": {"example.com/thing": live}}
    assert difference(ours, theirs) is None


def test_a_size_limit_is_a_quantity() -> None:
    live = deployment()
    live["spec"]["template"]["spec"]["volumes"][0]["emptyDir"]["sizeLimit"] = "1024Mi"
    assert difference(deployment(), live) is None


def test_a_variable_that_looks_like_a_quantity_is_text() -> None:
    desired, live = deployment(), deployment()
    container_of(desired)["env"][0]["value"] = "1000m"
    container_of(live)["env"][0]["value"] = "1"
    assert difference(desired, live) is not None


@pytest.mark.parametrize("text", ["", "1Zi", "one", "1 Gi", "--1", "1e99999"])
def test_what_is_no_quantity_has_no_value(text: str) -> None:
    assert quantity(text) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [("100m", "0.1"), ("1.5Gi", "1610612736"), ("1e3", "1000"), ("-5", "-5"), (".5", "0.5"), ("2E", "2e18")],
)
def test_the_value_of_a_quantity(text: str, value: str) -> None:
    assert quantity(text) == Decimal(value)


@pytest.mark.parametrize("empty", [None, {}, [], ""])
def test_empty_is_the_same_as_absent(empty: object) -> None:
    desired = deployment()
    desired["metadata"]["annotations"] = empty
    assert difference(desired, deployment()) is None


@pytest.mark.parametrize("field", ["hostNetwork", "hostPID"])
def test_false_is_the_same_as_absent_where_the_api_server_drops_it(field: str) -> None:
    desired = deployment()
    desired["spec"]["template"]["spec"][field] = False
    assert difference(desired, deployment()) is None


def test_false_is_not_the_same_as_absent_where_absent_means_true() -> None:
    desired = deployment()
    desired["spec"]["template"]["spec"]["automountServiceAccountToken"] = False
    assert difference(desired, deployment()) == "spec.template.spec.automountServiceAccountToken"


def test_an_empty_selector_is_not_an_absent_one() -> None:
    live = network_policy()
    del live["spec"]["ingress"][0]["from"][0]["podSelector"]
    assert difference(network_policy(), live) == "spec.ingress[0].from[0].podSelector"


def test_a_widened_network_policy_is_found() -> None:
    live = network_policy()
    live["spec"]["ingress"][0]["ports"].append({"port": 22})
    assert difference(network_policy(), live) == "spec.ingress[0].ports"


def test_a_selector_with_one_more_label_selects_something_else() -> None:
    live = service()
    live["spec"]["selector"]["version"] = "2"
    assert difference(service(), live) == "spec.selector"


def test_a_port_that_somebody_added_to_the_service_stays() -> None:
    live = service()
    live["spec"]["ports"].append({"name": "metrics", "port": 9090, "protocol": "TCP"})
    live["spec"]["ports"][0] |= {"protocol": "TCP", "nodePort": 30000}
    assert difference(service(), live) is None


def test_a_number_and_its_text_are_the_same() -> None:
    desired, live = service(), service()
    desired["spec"]["ports"][0]["targetPort"] = "5005"
    live["spec"]["ports"][0]["targetPort"] = 5005
    assert difference(desired, live) is None


def test_the_value_of_a_secret_is_not_told() -> None:
    secret = {"kind": "Secret", "metadata": {"name": "a"}, "data": {"token": "aHVudGVyMg=="}}
    live = copy.deepcopy(secret) | {"data": {"token": "b3RoZXI="}}
    assert difference(secret, live) == "data.token"


NAMES = st.text("abcdefgh", min_size=1, max_size=4)
SCALARS = st.booleans() | st.integers(1, 9) | st.text("xyz", min_size=1, max_size=3)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=12
)
KEYED = st.dictionaries(NAMES, st.dictionaries(NAMES, VALUES, max_size=3), max_size=3).map(
    lambda items: [{"name": name, **fields} for name, fields in items.items()]
)
SPECS = st.fixed_dictionaries(
    {},
    optional={
        "containers": KEYED,
        "volumes": KEYED,
        "args": st.lists(SCALARS),
        "settings": VALUES,
        "replicas": SCALARS,
    },
)
OBJECTS = SPECS.map(lambda spec: {"kind": "Deployment", "metadata": {"name": "a"}, "spec": spec})


@given(OBJECTS)
def test_an_object_never_differs_from_itself(obj: JsonObject) -> None:
    assert difference(obj, copy.deepcopy(obj)) is None


@given(OBJECTS, st.randoms(use_true_random=False))
def test_foreign_fields_never_make_a_difference(obj: JsonObject, random: Any) -> None:
    assert difference(obj, with_foreign_fields(obj, random)) is None


@given(OBJECTS, st.data())
def test_any_changed_leaf_is_a_difference(obj: JsonObject, data: st.DataObject) -> None:
    leaves = list(leaves_of(obj["spec"]))
    assume(leaves)
    live = copy.deepcopy(obj)
    change(live["spec"], data.draw(st.sampled_from(leaves)))
    assert difference(obj, live) is not None


def with_foreign_fields(value: Any, random: Any, name: str = "") -> Any:
    """Return the value with fields added to its maps, and items added to its keyed lists, which are also shuffled."""
    if isinstance(value, dict):
        grown = {key: with_foreign_fields(inner, random, key) for key, inner in value.items()}
        return grown | {"foreign": random.choice([1, "text", {"a": []}])}
    if not isinstance(value, list):
        return value
    grown_items = [with_foreign_fields(item, random) for item in value]
    if name in ("containers", "volumes"):
        grown_items.append({"name": "foreign", "image": "foreign"})
        random.shuffle(grown_items)
    return grown_items


def leaves_of(value: Any, path: tuple[Any, ...] = ()) -> Any:
    """The paths of all scalars."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves_of(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves_of(inner, (*path, index))
    else:
        yield path


def change(value: Any, path: tuple[Any, ...]) -> None:
    """Put another scalar there."""
    for part in path[:-1]:
        value = value[part]
    before = value[path[-1]]
    value[path[-1]] = (
        (not before) if isinstance(before, bool) else f"{before}0" if isinstance(before, str) else before + 10
    )
