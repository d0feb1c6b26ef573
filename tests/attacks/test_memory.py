"""The operator's memory is bounded by its own objects, whatever others label, name and own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rasa_environments.api.base import JsonObject
from rasa_environments.desired.context import MANAGED_BY, MANAGED_BY_LABEL
from tests.integration.manifests import environment
from tests.integration.operator_process import OperatorProcess
from tests.integration.space import ENVIRONMENT, Space

LIMIT_MEGABYTES = 250
MEGABYTE = 1_000_000
PATIENCE = 240.0
LABELS = {MANAGED_BY_LABEL: MANAGED_BY}

pytestmark = pytest.mark.timeout(1500)


def peak(operator: OperatorProcess) -> int:
    """Return the peak memory of the process in megabytes."""
    found = re.search(r"^VmHWM:\s+(\d+) kB$", Path(f"/proc/{operator.pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) // 1024


def config_map(name: str, text: str, owner: JsonObject | None = None) -> JsonObject:
    """Return a ConfigMap with the operator's label, optionally with a claimed owner."""
    metadata = {"name": name, "labels": LABELS, **({"ownerReferences": [owner]} if owner else {})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"text": text}}


def secret(name: str, text: str, owner: JsonObject) -> JsonObject:
    """The same as a Secret."""
    made = config_map(name, "", owner)
    return {**made, "kind": "Secret", "data": None, "stringData": {"text": text}}


def deployment(number: int) -> JsonObject:
    """Return somebody else's Deployment with the operator's label and the name of a child."""
    selector = {"app": f"foreign-{number}"}
    container = {"name": "app", "image": "app", "env": [{"name": f"V{each}", "value": "x"} for each in range(20)]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"foreign-{number}-rasa", "labels": LABELS},
        "spec": {
            "paused": True,
            "replicas": 0,
            "selector": {"matchLabels": selector},
            "template": {"metadata": {"labels": selector}, "spec": {"containers": [container]}},
        },
    }


def pod(number: int) -> JsonObject:
    """Return a pod that claims to belong to an environment; nothing runs it."""
    container = {
        "name": "app",
        "image": "app",
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "env": [{"name": "TEXT", "value": "x" * MEGABYTE}],
    }
    security = {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"pod-{number}",
            "labels": {**LABELS, "app.kubernetes.io/instance": "production"},
            "annotations": {"text": "x" * 200_000},
        },
        "spec": {"schedulerName": "nobody", "securityContext": security, "containers": [container]},
    }


@pytest.fixture
def running(mortal: OperatorProcess, mortal_space: Space) -> Iterator[Space]:
    """Return a namespace with an environment and a running operator."""
    mortal.start()
    mortal_space.apply(environment())
    mortal_space.eventually(lambda: mortal_space.find_child("Deployment"), "its children", PATIENCE)
    yield mortal_space
    mortal_space.remove()


def create(space: Space, objects: Iterable[JsonObject]) -> None:
    """Create all of them, some at a time."""

    def post(obj: JsonObject) -> None:
        answer = space.api.request("POST", space.path(obj["kind"]), obj)
        assert answer.accepted, answer.body["message"]

    with ThreadPoolExecutor(4) as pool:
        for _ in pool.map(post, objects):
            pass


def assert_bounded(space: Space, operator: OperatorProcess, kind: str, *, unset: Callable[[], None]) -> None:
    """Check that memory stays below the limit, while everything arrives as events and while a new process lists it."""
    for start in (False, True):
        if start:
            operator.kill()
            operator.start()
        unset()
        space.eventually(
            lambda: space.find_child(kind), f"the operator to have seen all and put {kind} right", PATIENCE
        )
        assert peak(operator) < LIMIT_MEGABYTES, "listed" if start else "watched"


def owner(space: Space, kind: str, name: str) -> JsonObject:
    """Return a reference to a custom resource as the controller."""
    live = space.get(kind, name)
    return {
        "apiVersion": live["apiVersion"],
        "kind": kind,
        "name": name,
        "uid": live["metadata"]["uid"],
        "controller": True,
    }


def test_large_config_maps_with_our_label(running: Space, mortal: OperatorProcess) -> None:
    claimed = owner(running, ENVIRONMENT, "production")
    create(running, (config_map(f"large-{number}", "x" * MEGABYTE) for number in range(450)))
    create(running, (config_map(f"owned-{number}-rasa", "x" * MEGABYTE, claimed) for number in range(50)))
    create(running, (config_map(f"escaped-{number}", "<" * MEGABYTE) for number in range(50)))
    assert_bounded(running, mortal, "ConfigMap", unset=lambda: running.delete("ConfigMap", "production-rasa"))


def test_large_secrets_that_claim_to_be_ours(running: Space, mortal: OperatorProcess) -> None:
    token = running.token()
    for number, claimed in enumerate(
        (owner(running, ENVIRONMENT, "production"), owner(running, "ModelServer", "default"))
    ):
        create(running, (secret(f"large-{number}-{each}", "x" * MEGABYTE, claimed) for each in range(120)))
    assert_bounded(running, mortal, "Secret", unset=lambda: running.delete("Secret", "production-rasa"))
    assert token


def test_many_deployments_with_our_label(running: Space, mortal: OperatorProcess) -> None:
    create(running, map(deployment, range(5000)))
    assert_bounded(running, mortal, "Deployment", unset=lambda: running.delete("Deployment", "production-rasa"))


def test_large_pods_with_our_label(running: Space, mortal: OperatorProcess) -> None:
    create(running, map(pod, range(200)))
    assert_bounded(running, mortal, "ConfigMap", unset=lambda: running.delete("ConfigMap", "production-rasa"))


def test_large_environments(running: Space, mortal: OperatorProcess) -> None:
    """Of many short values, which managedFields name, of few long ones, and of annotations."""
    wide = {f"k{number}": "x" * 40 for number in range(15_000)}
    long = {"x": "x" * MEGABYTE}
    create(running, (environment(f"wide-{each}", suspend=True, credentials=wide) for each in range(60)))
    create(running, (environment(f"long-{each}", suspend=True, credentials=long) for each in range(60)))
    annotated = [environment(f"annotated-{each}", suspend=True) for each in range(60)]
    for each in annotated:
        each["metadata"]["annotations"] = {"note": "x" * 250_000}
    create(running, annotated)
    assert_bounded(running, mortal, "ConfigMap", unset=lambda: running.delete("ConfigMap", "production-rasa"))
    condition = running.wait_for_condition(ENVIRONMENT, "long-0", "Ready", status="False", reason="InvalidSpec")
    assert condition["message"].startswith("the object has more than 512 KiB")
