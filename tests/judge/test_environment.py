"""The verdicts on an environment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.conditions import Condition, Reason
from rasa_environments.api.deployment_environment import EnvironmentStatus, ModelStatus
from rasa_environments.judge.environment import EnvironmentFindings, judged, suspended
from rasa_environments.judge.findings import DeploymentFacts, PodFacts, Problem, ServedFact, TaggedModel

A, B = TaggedModel("A", "hash-a"), TaggedModel("B", "hash-b")
AVAILABLE = DeploymentFacts(wanted=2, replicas=2, updated=2, available=2, current=True, failure=None)
PODS = (PodFacts("p1", "10.0.0.1", ready=True), PodFacts("p2", "10.0.0.2", ready=True))
SERVING_A = (ServedFact("p1", model="A"), ServedFact("p2", model="A"))
WELL = EnvironmentFindings(
    environment="production",
    tag="production",
    child=ObjectKey("bots", "production-rasa"),
    server=ObjectKey("bots", "default"),
    url="http://production-rasa.bots.svc:5005",
    wanted=A,
    deployment=AVAILABLE,
    pods=PODS,
    served=SERVING_A,
    selector="app=rasa",
)
UNREACHABLE = Problem(Reason.MODEL_SERVER_UNREACHABLE, "the model server cannot be reached", stalled=False)
UNAUTHORIZED = Problem(Reason.UNAUTHORIZED, "the token is refused", stalled=False)
INVALID = Problem(Reason.INVALID_SPEC, "spec.x is wrong")
Verdict = tuple[str, str]


def verdicts(findings: EnvironmentFindings) -> dict[str, Verdict]:
    """Status and reason of each condition."""
    _, conditions = judged(findings, EnvironmentStatus())
    return {entry.type: (entry.status, entry.reason) for entry in conditions}


def test_an_environment_that_serves_what_is_wanted_is_ready() -> None:
    assert verdicts(WELL) == {
        "Ready": ("True", "Ready"),
        "Reconciling": ("False", "Settled"),
        "Stalled": ("False", "Settled"),
        "ModelAvailable": ("True", "ModelFound"),
        "ModelServed": ("True", "Served"),
    }


CASES: dict[str, tuple[dict[str, Any], dict[str, Verdict]]] = {
    "one pod serves another model": (
        {"served": (SERVING_A[0], ServedFact("p2", model="B"))},
        {
            "Ready": ("False", "AnotherModelServed"),
            "ModelServed": ("False", "AnotherModelServed"),
            "Reconciling": ("True", "AnotherModelServed"),
            "Stalled": ("False", "Settled"),
        },
    ),
    "a pod serves no model": (
        {"served": (ServedFact("p1"), SERVING_A[1])},
        {"Ready": ("False", "NoModelServed"), "ModelServed": ("False", "NoModelServed")},
    ),
    "a pod cannot be asked": (
        {"served": (SERVING_A[0], ServedFact("p2", problem="refused"))},
        {"Ready": ("True", "Ready"), "ModelServed": ("Unknown", "PodsNotReachable")},
    ),
    "no pod is ready": (
        {"served": ()},
        {"Ready": ("True", "Ready"), "ModelServed": ("Unknown", "NoPods")},
    ),
    "no model carries the tag": (
        {"wanted": None, "served": (ServedFact("p1"),)},
        {"Ready": ("False", "TagNotFound"), "ModelAvailable": ("False", "TagNotFound")},
    ),
    "no model carries the tag and none is required": (
        {"wanted": None, "model_required": False, "served": ()},
        {"Ready": ("True", "Ready"), "ModelAvailable": ("False", "TagNotFound")},
    ),
    "the server is away, and the last known model is served": (
        {"tag_problem": UNREACHABLE},
        {"Ready": ("True", "Ready"), "ModelAvailable": ("Unknown", "ModelServerUnreachable")},
    ),
    "the server is away from the start": (
        {"tag_problem": UNREACHABLE, "wanted": None, "served": ()},
        {"Ready": ("False", "ModelServerUnreachable"), "ModelAvailable": ("Unknown", "ModelServerUnreachable")},
    ),
    "the token is refused": (
        {"tag_problem": UNAUTHORIZED},
        {"ModelAvailable": ("False", "Unauthorized")},
    ),
    "a person has to act": (
        {"problem": INVALID},
        {
            "Ready": ("False", "InvalidSpec"),
            "Stalled": ("True", "InvalidSpec"),
            "Reconciling": ("False", "Settled"),
        },
    ),
    "pods are on their way": (
        {"deployment": replace(AVAILABLE, available=1), "served": ()},
        {
            "Ready": ("False", "WaitingForPods"),
            "Reconciling": ("True", "WaitingForPods"),
            "Stalled": ("False", "Settled"),
        },
    ),
    "old pods are left": (
        {"deployment": replace(AVAILABLE, replicas=3), "served": ()},
        {"Ready": ("False", "WaitingForPods")},
    ),
    "the Deployment's controller has not seen the spec": (
        {"deployment": replace(AVAILABLE, current=False), "served": ()},
        {"Ready": ("False", "WaitingForPods")},
    ),
    "the rollout failed": (
        {"deployment": replace(AVAILABLE, available=0, failure="took too long"), "served": ()},
        {"Ready": ("False", "DeploymentFailed"), "Stalled": ("True", "DeploymentFailed")},
    ),
    "no replicas are wanted": (
        {"deployment": replace(AVAILABLE, wanted=0, replicas=0, updated=0, available=0), "pods": (), "served": ()},
        {"Ready": ("True", "Ready")},
    ),
    "replicas share nothing": (
        {"replicas_without_shared_stores": 2},
        {"Ready": ("True", "Ready"), "StoresShared": ("False", "ReplicasWithoutSharedStores")},
    ),
}


@pytest.mark.parametrize(("found", "expected"), CASES.values(), ids=CASES)
def test_each_finding_has_its_verdict(found: dict[str, Any], expected: dict[str, Verdict]) -> None:
    assert expected.items() <= verdicts(replace(WELL, **found)).items()


@pytest.mark.parametrize("found", [found for found, _ in CASES.values()], ids=CASES)
def test_an_environment_is_never_ready_and_stalled_or_served_unseen(found: dict[str, Any]) -> None:
    findings = replace(WELL, **found)
    shown = verdicts(findings)

    assert not (shown["Ready"][0] == "True" and shown["Stalled"][0] == "True")
    assert not (shown["Reconciling"][0] == "True" and shown["Stalled"][0] == "True")
    if any(answer.model != "A" for answer in findings.served) or not findings.served:
        assert shown["ModelServed"][0] != "True"


@pytest.mark.parametrize(
    ("served", "expected"),
    [
        (SERVING_A, ModelStatus(wanted="A", wanted_hash="hash-a", served="A", served_by="2/2")),
        (
            (SERVING_A[0], ServedFact("p2", model="B")),
            ModelStatus(wanted="A", wanted_hash="hash-a", served="A,B", served_by="1/2"),
        ),
        (
            (SERVING_A[0], ServedFact("p2", problem="refused")),
            ModelStatus(wanted="A", wanted_hash="hash-a", served="A", served_by="1/2"),
        ),
        ((ServedFact("p1", problem="refused"),), ModelStatus(wanted="A", wanted_hash="hash-a")),
        ((ServedFact("p1"),), ModelStatus(wanted="A", wanted_hash="hash-a", served_by="0/1")),
    ],
    ids=["all", "two models", "one is silent", "all are silent", "none"],
)
def test_the_status_counts_the_pods_that_serve_the_wanted_model(
    served: tuple[ServedFact, ...], expected: ModelStatus
) -> None:
    status, _ = judged(replace(WELL, served=served), EnvironmentStatus())

    assert status.model == expected


def test_a_waiting_pod_is_named_with_its_fault() -> None:
    pods = (PodFacts("p1", None, ready=False, waiting="ImagePullBackOff"),)
    _, conditions = judged(
        replace(WELL, deployment=replace(AVAILABLE, available=0), pods=pods, served=()), EnvironmentStatus()
    )

    message = conditions[0].message
    assert message == ("waiting for Deployment bots/production-rasa: 0 of 2 pods available; pod p1: ImagePullBackOff")


def test_what_is_not_known_in_this_pass_is_kept() -> None:
    before = EnvironmentStatus(url="http://old", token_secret="s", token_rotated_at="t", selector="a=b", replicas=2)
    findings = replace(WELL, problem=INVALID, url=None, selector=None, deployment=None, pods=(), served=())

    status, _ = judged(findings, before)

    assert (status.url, status.token_secret, status.token_rotated_at) == ("http://old", "s", "t")
    assert (status.selector, status.replicas) == ("a=b", 2)


@pytest.mark.parametrize(("last", "shown"), [("True", "True"), ("False", "False"), (None, "Unknown")])
def test_suspended_keeps_the_last_verdict(last: Any, shown: str) -> None:
    before = [Condition(type="Ready", status=last, reason="Ready", message="")] if last else None

    ready, reconciling_, *_ = suspended(EnvironmentStatus(conditions=before))

    assert (ready.status, ready.reason) == (shown, "Suspended")
    assert (reconciling_.status, reconciling_.reason) == ("False", "Suspended")
