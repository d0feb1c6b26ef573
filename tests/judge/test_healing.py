"""Which pods have lost their model, which one is restarted, and when."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from rasa_environments.api.base import ModelReference
from rasa_environments.api.conditions import ConditionType, Reason
from rasa_environments.api.deployment_environment import DeploymentEnvironment, EnvironmentStatus
from rasa_environments.domain.facts import PodFacts, ProbeResult, TaggedModel, pod_facts
from rasa_environments.judge.conditions import condition
from rasa_environments.judge.healing import ServingRecord, observe, pods_to_ask, remembered, to_restart
from tests.reconcile.objects import environment

A, B = TaggedModel("a", "hash-a"), TaggedModel("b", "hash-b")
FIRST, SECOND = PodFacts("first", "10.0.0.1", ready=True), PodFacts("second", "10.0.0.2", ready=True)
UNREADY = PodFacts("first", "10.0.0.1", ready=False, lost_readiness=True)
STARTING = PodFacts("second", "10.0.0.2", ready=False)
EVICTED = PodFacts("second", None, ready=False, finished=True)
TERMINATING = PodFacts("second", "10.0.0.2", ready=False, terminating=True)
UNLISTED = ProbeResult("", problem="not listed", reason=Reason.MODEL_UNKNOWN)
NO_ANSWER = ProbeResult("", problem="timed out")
NOTHING = ProbeResult("")
PATIENCE = 90.0


def serves(model: TaggedModel) -> ProbeResult:
    """The answer of a pod that serves the model."""
    return ProbeResult("", model=model.name)


def after(
    *steps: tuple[float, Mapping[PodFacts, ProbeResult | None]], wanted: TaggedModel = A
) -> tuple[ServingRecord, str | None]:
    """Return what is known after these observations of the pods, and which pod is to be restarted."""
    record: ServingRecord | None = None
    pod = None
    for now, pods in steps:
        answers = {pod.name: answer for pod, answer in pods.items() if answer is not None}
        record = observe(record, wanted, tuple(pods), answers, now)
        pod = to_restart(record, tuple(pods), now, PATIENCE)
    assert record is not None
    return record, pod


@pytest.mark.parametrize("answer", [serves(B), NOTHING, UNLISTED], ids=["another", "none", "unlisted"])
def test_a_pod_that_has_lost_its_model_for_long_enough_is_restarted(answer: ProbeResult) -> None:
    lost = ((0, {FIRST: serves(A)}), (10, {FIRST: answer}))

    assert after(*lost, (99, {FIRST: answer}))[1] is None
    assert after(*lost, (100, {FIRST: answer}))[1] == "first"


def test_a_pod_that_has_ceased_to_be_ready_because_it_has_no_model_is_restarted_though_nobody_saw_it_serve() -> None:
    assert after((0, {UNREADY: NOTHING}), (90, {UNREADY: NOTHING}))[1] == "first"


def test_a_pod_that_has_ceased_to_be_ready_for_another_reason_is_left_alone() -> None:
    assert after((0, {UNREADY: serves(B)}), (90, {UNREADY: serves(B)}))[0].lost_since == {}


@pytest.mark.parametrize("answer", [serves(B), NOTHING, UNLISTED], ids=["another", "none", "unlisted"])
def test_a_pod_that_has_never_served_the_desired_model_is_left_alone(answer: ProbeResult) -> None:
    assert after((0, {FIRST: answer}), (1000, {FIRST: answer})) == (ServingRecord(A), None)


def test_a_pod_that_still_serves_what_was_wanted_before_is_left_alone() -> None:
    record, _ = after((0, {FIRST: serves(B)}), wanted=B)

    record = observe(record, A, (FIRST,), {"first": serves(B)}, 10)
    record = observe(record, A, (FIRST,), {"first": serves(B)}, 1000)

    assert to_restart(record, (FIRST,), 1000, PATIENCE) is None


def test_a_pod_that_recovers_is_left_alone() -> None:
    lost, back = (10, {FIRST: NOTHING}), (50, {FIRST: serves(A)})

    assert after((0, {FIRST: serves(A)}), lost, back, (110, {FIRST: NOTHING}))[0].lost_since == {"first": 110}


def test_no_answer_proves_nothing() -> None:
    lost = ((0, {FIRST: serves(A)}), (10, {FIRST: NOTHING}))

    assert after((0, {FIRST: serves(A)}), (200, {FIRST: NO_ANSWER}))[0].lost_since == {}
    assert after(*lost, (200, {FIRST: NO_ANSWER})) == (after(*lost, (200, {FIRST: NO_ANSWER}))[0], None)
    assert after(*lost, (200, {FIRST: NO_ANSWER}), (210, {FIRST: NOTHING}))[1] == "first"


BOTH = (0, {FIRST: serves(A), SECOND: serves(A)})


def test_one_is_restarted_at_a_time() -> None:
    lost = (10, {FIRST: NOTHING, SECOND: NOTHING})

    assert after(BOTH, lost, (100, {FIRST: NOTHING, SECOND: NOTHING}))[1] == "first"
    assert after(BOTH, lost, (110, {SECOND: NOTHING, STARTING_FIRST: None}))[1] is None
    assert after(BOTH, lost, (200, {SECOND: NOTHING, FIRST: serves(A)}))[1] == "second"


STARTING_FIRST = PodFacts("first-of-new", "10.0.0.3", ready=False)


@pytest.mark.parametrize("other", [STARTING, TERMINATING])
def test_while_another_pod_is_not_up_none_is_restarted(other: PodFacts) -> None:
    assert after(BOTH, (10, {FIRST: NOTHING, other: None}), (100, {FIRST: NOTHING, other: None}))[1] is None


def test_a_pod_that_was_evicted_holds_nothing_up() -> None:
    assert after(BOTH, (10, {FIRST: NOTHING, EVICTED: None}), (100, {FIRST: NOTHING, EVICTED: None}))[1] == "first"


def test_a_deleted_pod_is_forgotten() -> None:
    assert after(BOTH, (10, {FIRST: NOTHING, SECOND: serves(A)}), (20, {SECOND: serves(A)}))[0].lost_since == {}


def pod(*, ready: str, changed: str, started: str) -> PodFacts:
    """Return a pod whose Rasa server started, and whose readiness changed, at these seconds."""
    return pod_facts(
        {
            "metadata": {"name": "first"},
            "status": {
                "conditions": [
                    {"type": "Ready", "status": ready, "lastTransitionTime": f"2026-01-01T00:00:{changed}Z"}
                ],
                "containerStatuses": [
                    {"name": "mine", "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}},
                    {"name": "rasa", "state": {"running": {"startedAt": f"2026-01-01T00:00:{started}Z"}}},
                ],
            },
        }
    )


def test_a_pod_that_was_ready_since_its_server_started_has_lost_its_readiness() -> None:
    assert pod(ready="False", started="10", changed="20").lost_readiness
    assert not pod(ready="True", started="10", changed="20").lost_readiness


def test_a_pod_that_was_never_ready_has_not() -> None:
    assert not pod(ready="False", started="10", changed="05").lost_readiness
    assert not pod_facts({"metadata": {"name": "first"}}).lost_readiness


def test_pods_that_are_ready_or_were_are_asked() -> None:
    assert pods_to_ask((FIRST, UNREADY, STARTING, EVICTED, TERMINATING)) == (FIRST, UNREADY)


def reporting(desired: TaggedModel, reason: Reason) -> DeploymentEnvironment:
    """Return an environment whose status was written by an earlier process."""
    served = condition(ConditionType.MODEL_SERVED, "True", reason, "")
    reference = ModelReference(name=desired.name, hash=desired.hash)
    status = EnvironmentStatus(desired_model=reference, conditions=[served])
    return environment("support").model_copy(update={"status": status})


@pytest.mark.parametrize("reason", [Reason.SERVED, Reason.MODEL_LOST])
def test_pods_that_served_the_model_before_this_process_are_remembered(reason: Reason) -> None:
    record = remembered(reporting(A, reason), A, (FIRST, SECOND))

    assert record == ServingRecord(A, served_by=frozenset({"first", "second"}))


@pytest.mark.parametrize(
    "before",
    [environment("support"), reporting(B, Reason.SERVED), reporting(A, Reason.ANOTHER_MODEL_SERVED)],
    ids=["no status", "another model", "not served"],
)
def test_nothing_is_remembered_of_pods_that_may_not_have_served_it(before: DeploymentEnvironment) -> None:
    assert remembered(before, A, (FIRST,)) is None
