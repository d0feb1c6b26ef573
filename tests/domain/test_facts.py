"""The facts read from Deployments and pods."""

from __future__ import annotations

from typing import Any

import pytest

from rasa_environments.desired.context import MODEL_HASH_ANNOTATION
from rasa_environments.domain.facts import DeploymentFacts, PodFacts, deployment_facts, pod_facts, rolled_out_model

SETTLED = {"observedGeneration": 3, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}


def facts(status: dict[str, Any], *, replicas: int | None = 2) -> DeploymentFacts:
    """The facts of a Deployment at generation 3."""
    spec = {} if replicas is None else {"replicas": replicas}
    return deployment_facts({"metadata": {"generation": 3}, "spec": spec, "status": status})


def test_a_deployment_with_all_pods_available_is_settled() -> None:
    assert facts(SETTLED).settled
    assert facts(SETTLED).available_at_generation


@pytest.mark.parametrize(
    "change",
    [{"observedGeneration": 2}, {"updatedReplicas": 1}, {"availableReplicas": 1}, {"replicas": 3}],
    ids=["an old spec", "old pods", "unavailable pods", "pods left over"],
)
def test_a_rollout_under_way_is_not_settled(change: dict[str, int]) -> None:
    assert not facts({**SETTLED, **change}).settled


def test_a_deployment_without_replicas_in_its_spec_wants_one() -> None:
    assert facts(SETTLED, replicas=None).wanted == 1


def test_a_new_deployment_without_a_status_is_not_settled() -> None:
    assert not facts({}).settled


@pytest.mark.parametrize(
    ("condition", "failure"),
    [
        ({"type": "ReplicaFailure", "status": "True", "message": "quota"}, "quota"),
        ({"type": "Progressing", "status": "False", "message": "too long"}, "too long"),
        ({"type": "Progressing", "status": "True", "message": "going on"}, None),
        ({"type": "ReplicaFailure", "status": "False", "message": "over"}, None),
    ],
)
def test_a_failed_rollout_is_reported_by_its_message(condition: dict[str, str], failure: str | None) -> None:
    assert facts({**SETTLED, "conditions": [condition]}).failure == failure


def pod(status: dict[str, Any], **metadata: Any) -> PodFacts:
    """The facts of a pod."""
    return pod_facts({"metadata": {"name": "p", **metadata}, "status": status})


READY = {"conditions": [{"type": "Ready", "status": "True"}], "podIP": "10.0.0.1"}


def test_a_ready_pod_has_an_address() -> None:
    assert pod(READY) == PodFacts("p", "10.0.0.1", ready=True)


def test_a_pod_that_is_being_deleted_is_not_ready() -> None:
    assert not pod(READY, deletionTimestamp="2026-01-01T00:00:00Z").ready


@pytest.mark.parametrize("list_name", ["containerStatuses", "initContainerStatuses"])
def test_a_fault_of_a_container_is_reported(list_name: str) -> None:
    status = {list_name: [{"state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}

    assert pod(status) == PodFacts("p", None, ready=False, waiting="CrashLoopBackOff")


def test_a_container_that_is_being_created_is_no_fault() -> None:
    assert pod({"containerStatuses": [{"state": {"waiting": {"reason": "ContainerCreating"}}}]}).waiting is None


def test_a_deployment_says_which_model_its_pods_were_rolled_out_for() -> None:
    annotations = {MODEL_HASH_ANNOTATION: "hash-1"}

    assert rolled_out_model({"spec": {"template": {"metadata": {"annotations": annotations}}}}) == "hash-1"


@pytest.mark.parametrize("metadata", [{}, {"annotations": None}, {"annotations": {}}])
def test_pods_that_were_rolled_out_for_no_model_name_none(metadata: dict[str, Any]) -> None:
    assert rolled_out_model({"spec": {"template": {"metadata": metadata}}}) is None
