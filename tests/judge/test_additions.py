"""What others may add to a child, and what is removed again."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.base import JsonObject
from rasa_environments.judge.additions import NO_INJECTORS, Injectors, additions
from tests.desired.contexts import children_by_kind, context

EVERYTHING: JsonObject = {
    "rasa": {"version": "3.6.21"},
    "autoscaling": {"maxReplicas": 3},
    "podDisruptionBudget": {"minAvailable": 1},
    "networkPolicy": {"from": "SameNamespace"},
    "ingress": {"hosts": [{"host": "chat.example.com"}]},
    "podTemplate": {
        "spec": {
            "containers": [{"name": "logs", "image": "logs", "args": ["--all"]}],
            "initContainers": [{"name": "prepare", "image": "prepare"}],
        }
    },
}
CHILDREN = children_by_kind(context(EVERYTHING))
Edit = Callable[[JsonObject], object]


def child(kind: str) -> JsonObject:
    """Return a desired child."""
    return copy.deepcopy(CHILDREN[kind])


def pod(deployment: JsonObject) -> JsonObject:
    """The pod spec of the Deployment."""
    spec: JsonObject = deployment["spec"]["template"]["spec"]
    return spec


def rasa(deployment: JsonObject) -> JsonObject:
    """The container of the Rasa server."""
    container: JsonObject = next(item for item in pod(deployment)["containers"] if item["name"] == "rasa")
    return container


def added(kind: str, edit: Edit, injectors: Injectors = NO_INJECTORS) -> list[str]:
    """Return the paths of an edit's additions."""
    live = child(kind)
    edit(live)
    return [path for part in additions(child(kind), live, injectors) for path in part.added]


CONTAINER_FIELDS: dict[str, Any] = {
    "command": ["python", "/elsewhere.py"],
    "envFrom": [{"configMapRef": {"name": "mine"}}],
    "stdin": True,
    "restartPolicy": "Always",
    "volumeDevices": [{"name": "disk", "devicePath": "/dev/disk"}],
    "a-field-of-a-later-kubernetes": "value",
}
POD_FIELDS: dict[str, Any] = {
    "hostAliases": [{"ip": "203.0.113.7", "hostnames": ["model-server"]}],
    "dnsConfig": {"nameservers": ["203.0.113.7"]},
    "dnsPolicy": "None",
    "hostNetwork": True,
    "hostPID": True,
    "hostIPC": True,
    "hostname": "production",
    "subdomain": "mine",
    "setHostnameAsFQDN": True,
    "shareProcessNamespace": True,
    "runtimeClassName": "mine",
    "schedulerName": "mine",
    "readinessGates": [{"conditionType": "mine"}],
    "imagePullSecrets": [{"name": "mine"}],
    "resourceClaims": [{"name": "device", "resourceClaimName": "mine"}],
    "a-field-of-a-later-kubernetes": "value",
}


@pytest.mark.parametrize("name", CONTAINER_FIELDS)
@pytest.mark.parametrize("container", [0, 1])
def test_a_field_that_is_added_to_a_container_is_found(name: str, container: int) -> None:
    def edit(live: JsonObject) -> None:
        pod(live)["containers"][container][name] = CONTAINER_FIELDS[name]

    place = pod(child("Deployment"))["containers"][container]["name"]
    assert added("Deployment", edit) == [f"spec.template.spec.containers[{place}].{name}"]


@pytest.mark.parametrize("name", POD_FIELDS)
def test_a_field_that_is_added_to_the_pod_is_found(name: str) -> None:
    assert added("Deployment", lambda live: pod(live).update({name: POD_FIELDS[name]})) == [
        f"spec.template.spec.{name}"
    ]


RASA = "spec.template.spec.containers[rasa]"


@pytest.mark.parametrize(
    ("edit", "path"),
    [
        (lambda live: rasa(live)["env"].append({"name": "PYTHONPATH", "value": "/a"}), f"{RASA}.env[PYTHONPATH]"),
        (lambda live: rasa(live)["env"].insert(0, {"name": "PYTHONPATH", "value": "/a"}), f"{RASA}.env[PYTHONPATH]"),
        (lambda live: rasa(live)["env"].append({"name": "HOME", "value": "/tmp"}), f"{RASA}.env[HOME]"),
        (
            lambda live: rasa(live)["env"][-1]["valueFrom"]["secretKeyRef"].update(optional=True),
            f"{RASA}.env[RASA_X_TOKEN].valueFrom.secretKeyRef.optional",
        ),
        (
            lambda live: rasa(live)["livenessProbe"]["httpGet"].update(host="203.0.113.7"),
            f"{RASA}.livenessProbe.httpGet.host",
        ),
        (
            lambda live: rasa(live)["startupProbe"].update(terminationGracePeriodSeconds=1),
            f"{RASA}.startupProbe.terminationGracePeriodSeconds",
        ),
        (
            lambda live: rasa(live)["lifecycle"].update(postStart={"exec": {"command": ["mine"]}}),
            f"{RASA}.lifecycle.postStart",
        ),
        (
            lambda live: rasa(live)["securityContext"].update(runAsUser=0),
            f"{RASA}.securityContext.runAsUser",
        ),
        (
            lambda live: rasa(live)["securityContext"]["capabilities"].update(add=["NET_RAW"]),
            f"{RASA}.securityContext.capabilities.add",
        ),
        (
            lambda live: rasa(live)["ports"][0].update(hostPort=5005),
            f"{RASA}.ports[5005/TCP].hostPort",
        ),
        (
            lambda live: rasa(live)["ports"].append({"containerPort": 22}),
            f"{RASA}.ports[22/TCP]",
        ),
        (
            lambda live: rasa(live)["volumeMounts"].append({"name": "tmp", "mountPath": "/app"}),
            f"{RASA}.volumeMounts[/app]",
        ),
        (
            lambda live: pod(live)["volumes"][0]["configMap"].update(items=[{"key": "a", "path": "b"}]),
            "spec.template.spec.volumes[config].configMap.items",
        ),
        (
            lambda live: pod(live)["volumes"].append({"name": "mine", "hostPath": {"path": "/"}}),
            "spec.template.spec.volumes[mine]",
        ),
        (
            lambda live: pod(live)["containers"].insert(0, {"name": "mine", "image": "mine"}),
            "spec.template.spec.containers[mine]",
        ),
        (
            lambda live: pod(live)["initContainers"].append({"name": "mine", "image": "mine"}),
            "spec.template.spec.initContainers[mine]",
        ),
        (
            lambda live: pod(live)["securityContext"].update(sysctls=[{"name": "a", "value": "b"}]),
            "spec.template.spec.securityContext.sysctls",
        ),
    ],
)
def test_what_is_added_deeper_down_is_found(edit: Edit, path: str) -> None:
    assert added("Deployment", edit) == [path]


@pytest.mark.parametrize(
    ("kind", "edit", "path"),
    [
        ("Deployment", lambda live: live["spec"].update(paused=True), "spec.paused"),
        ("Service", lambda live: live["spec"].update(externalIPs=["203.0.113.7"]), "spec.externalIPs"),
        ("Service", lambda live: live["spec"].update(externalName="mine.example.com"), "spec.externalName"),
        ("Service", lambda live: live["spec"].update(publishNotReadyAddresses=True), "spec.publishNotReadyAddresses"),
        ("NetworkPolicy", lambda live: live["spec"].update(egress=[{}]), "spec.egress"),
        (
            "NetworkPolicy",
            lambda live: live["spec"]["ingress"][0]["from"][0].update(namespaceSelector={}),
            "spec.ingress[0].from[0].namespaceSelector",
        ),
        (
            "NetworkPolicy",
            lambda live: live["spec"]["ingress"][0]["ports"][0].update(endPort=65535),
            "spec.ingress[0].ports[0].endPort",
        ),
        (
            "Ingress",
            lambda live: live["spec"].update(defaultBackend={"service": {"name": "mine"}}),
            "spec.defaultBackend",
        ),
        ("Ingress", lambda live: live["spec"].update(tls=[{"secretName": "mine"}]), "spec.tls"),
        (
            "HorizontalPodAutoscaler",
            lambda live: live["spec"].update(behavior={"scaleUp": {"selectPolicy": "Disabled"}}),
            "spec.behavior",
        ),
        ("PodDisruptionBudget", lambda live: live["spec"].update(unhealthyPodEvictionPolicy="AlwaysAllow"),
         "spec.unhealthyPodEvictionPolicy"),
        ("ConfigMap", lambda live: live["data"].update(more="1"), "data.more"),
        ("ConfigMap", lambda live: live.update(binaryData={"more": "MQ=="}), "binaryData.more"),
        ("Secret", lambda live: live["data"].update(more="MQ=="), "data.more"),
    ],
)  # fmt: skip
def test_what_is_added_to_another_child_is_found(kind: str, edit: Edit, path: str) -> None:
    assert added(kind, edit) == [path]


@pytest.mark.parametrize(
    ("kind", "edit"),
    [
        ("Deployment", lambda live: pod(live).update(tolerations=[{"operator": "Exists"}], nodeSelector={"a": "b"})),
        ("Deployment", lambda live: pod(live).update(priorityClassName="high", terminationGracePeriodSeconds=60)),
        ("Deployment", lambda live: rasa(live).update(resources={"limits": {"memory": "2Gi"}})),
        ("Deployment", lambda live: live["spec"]["template"]["metadata"]["annotations"].update(restartedAt="now")),
        ("Deployment", lambda live: live["spec"].update(minReadySeconds=3)),
        ("Service", lambda live: live["spec"].update(clusterIP="10.0.0.1", ipFamilyPolicy="SingleStack")),
        ("Service", lambda live: live["spec"]["ports"].append({"name": "metrics", "port": 9090})),
        ("Service", lambda live: live["spec"]["ports"][0].update(nodePort=30000)),
        ("Ingress", lambda live: live["spec"].update(ingressClassName="nginx")),
        ("ServiceAccount", lambda live: live.update(imagePullSecrets=[{"name": "made-by-openshift"}])),
    ],
)
def test_what_neither_runs_code_nor_redirects_traffic_stays(kind: str, edit: Edit) -> None:
    assert added(kind, edit) == []


ISTIO = Injectors(("istio-*", "ISTIO_*"))


def inject(live: JsonObject) -> None:
    """What an injector adds to a Deployment."""
    pod(live)["containers"].insert(0, {"name": "istio-proxy", "image": "proxy", "securityContext": {"runAsUser": 0}})
    pod(live)["initContainers"].insert(0, {"name": "istio-init", "image": "proxy"})
    pod(live)["volumes"].append({"name": "istio-envoy", "emptyDir": {}})
    rasa(live)["volumeMounts"].append({"name": "istio-envoy", "mountPath": "/istio"})
    rasa(live)["env"].append({"name": "ISTIO_META", "value": "1"})


def test_injectors_are_allowed_by_name() -> None:
    assert added("Deployment", inject, ISTIO) == []
    assert len(added("Deployment", inject)) == 5


def test_a_name_that_is_allowed_lets_nobody_change_what_is_desired() -> None:
    def edit(live: JsonObject) -> None:
        inject(live)
        rasa(live)["command"] = ["mine"]

    assert added("Deployment", edit, Injectors(("*",))) == [f"{RASA}.command"]


def test_what_takes_the_place_of_a_desired_item_is_restored_with_what_may_stay_in_its_order() -> None:
    live = child("Deployment")
    inject(live)
    rasa(live)["name"] = "mine"
    pod(live)["tolerations"] = [{"operator": "Exists"}]

    (part,) = additions(child("Deployment"), live, ISTIO)

    assert part.path == ("spec",)
    made = part.value["template"]["spec"]
    assert [item["name"] for item in made["containers"]] == ["istio-proxy", "logs", "rasa"]
    assert [item["name"] for item in made["initContainers"]] == ["istio-init", "prepare"]
    assert made["tolerations"] == [{"operator": "Exists"}]


NAMES = st.sampled_from(["command", "args", "env", "volumes", "hostAliases", "selector", "ports", "data", "x"])
VALUES = st.recursive(
    st.none() | st.integers() | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=10,
)


@given(st.sampled_from(sorted(CHILDREN)), st.data())
def test_whatever_others_add_is_gone_when_the_guarded_parts_are_put_back(kind: str, data: st.DataObject) -> None:
    live = child(kind)
    for place in data.draw(st.lists(st.sampled_from(list(maps_of(live))), max_size=4)):
        for name, value in data.draw(st.dictionaries(NAMES, VALUES, max_size=2)).items():
            place.setdefault(name, value)

    for part in additions(child(kind), live):
        inner: Any = live
        for name in part.path[:-1]:
            inner = inner[name]
        inner[part.path[-1]] = part.value

    assert additions(child(kind), live) == ()


def maps_of(value: Any) -> Any:
    """Every map in the value."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from maps_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from maps_of(inner)
