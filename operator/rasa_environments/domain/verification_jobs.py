"""What a Job that tests a server has come to: whether it has ended, how, and what keeps it from starting."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.api.shapes import mapping, mappings, number, text
from rasa_environments.api.verification import Stage, TestCase
from rasa_environments.domain.verdicts import Verdict, within
from rasa_environments.domain.verification import described_failure, failed_first
from rasa_environments.rasa.redaction import one_line

FILE: Final = "jobTemplate"
"""What stands in a report for the file of a conversation."""
EXPECTATION: Final = "the Job to complete"
DEADLINE_EXCEEDED: Final = "DeadlineExceeded"
JOB_SECONDS: Final = 5.0
"""Seconds between two looks at a Job that runs."""


@dataclass(frozen=True)
class JobResult:
    """What is known of the Job in one environment."""

    environment: ObjectKey
    job: ObjectKey
    passed: bool | None
    """None while it runs, or has not started."""
    message: str = ""
    """How it failed, or what it is waiting for; on one line of limited length."""
    reason: Reason = Reason.VERIFICATION_FAILED
    """Why the model is rejected, if it failed."""

    @property
    def test_case(self) -> TestCase:
        """The result as a status and reports show it."""
        told = {"expectation": EXPECTATION, "actual": self.message} if self.passed is False else {}
        case = {"environment": str(self.environment), "file": FILE, "name": self.job.name}
        return TestCase.model_validate({**case, **told})


def verdict(
    results: Sequence[JobResult], cases: Sequence[TestCase], left: float, timeout_seconds: int, stage: Stage
) -> Verdict:
    """Return what the Jobs have come to, after the conversations with these results, with so many seconds left."""
    told = failed_first([*(each.test_case for each in results if each.passed is not None), *cases])
    failure = next((each for each in results if each.passed is False), None)
    if failure is not None:
        return Verdict(False, told, described_failure(failure.test_case), failure.reason)
    waiting = next((each for each in results if each.passed is None), None)
    if waiting is None:
        return Verdict(True, told)
    what = f"environment {waiting.environment}: Job {waiting.job.name}: {waiting.message}"
    if left > 0:
        return Verdict(None, told, what, requeue_after=min(JOB_SECONDS, left))
    late = f"{what}; it had not completed {within(timeout_seconds, stage)}"
    return Verdict(False, told, late, Reason.VERIFICATION_TIMED_OUT)


def belongs_to(job: JsonObject, uid: str) -> bool:
    """Return whether the environment with that uid controls a Job."""
    owners = mappings(mapping(job.get("metadata")).get("ownerReferences"))
    return any(owner.get("uid") == uid and owner.get("controller") is True for owner in owners)


def has_passed(job: JsonObject) -> bool | None:
    """Return whether a Job has completed, or failed (False); None while it runs."""
    ended = {each.get("type") for each in _conditions(job) if each.get("status") == "True"}
    return True if "Complete" in ended else False if "Failed" in ended else None


def why_failed(job: JsonObject) -> tuple[Reason, str]:
    """Return why the model is rejected, and the reason and message of the failed Job."""
    failed = next(each for each in _conditions(job) if each.get("type") == "Failed")
    reason, message = text(failed.get("reason")) or "Failed", text(failed.get("message")) or ""
    is_late = reason == DEADLINE_EXCEEDED
    told = one_line(f"{reason}: {message}" if message else reason, ())
    return Reason.VERIFICATION_TIMED_OUT if is_late else Reason.VERIFICATION_FAILED, told


def has_started(job: JsonObject) -> bool:
    """Return whether a pod of the Job runs."""
    return number(mapping(job.get("status")).get("ready")) > 0


def described_end(pods: Sequence[JsonObject], secrets: Sequence[str]) -> str | None:
    """Return how the containers of a Job's latest failed pod ended, with their termination messages."""
    for pod in sorted(pods, key=_created, reverse=True):
        ends = list(_ends(pod))
        if ends:
            return one_line("; ".join(ends), secrets)
        status = mapping(pod.get("status"))
        if status.get("phase") == "Failed":
            return one_line(f"pod failed: {status.get('reason')}: {status.get('message')}", secrets)
    return None


def obstacle(job: ObjectKey, pods: Sequence[JsonObject], secrets: Sequence[str]) -> str:
    """Return why no pod of a Job runs yet."""
    for pod in pods:
        for container in _containers(pod):
            waiting = mapping(mapping(container.get("state")).get("waiting"))
            if waiting:
                told = f"{container.get('name')}: {waiting.get('reason')}: {waiting.get('message') or ''}"
                return one_line(f"container {told}", secrets).rstrip(": ")
        unscheduled = next((each for each in _conditions(pod) if each.get("reason") == "Unschedulable"), None)
        if unscheduled is not None:
            return one_line(f"no node takes its pod: {unscheduled.get('message')}", secrets)
    return "its pod starts" if pods else f"it has no pod: see `kubectl describe job {job.name} -n {job.namespace}`"


def _ends(pod: JsonObject) -> Iterator[str]:
    for container in _containers(pod):
        states = [mapping(mapping(container.get(field)).get("terminated")) for field in ("state", "lastState")]
        ended = next((state for state in states if number(state.get("exitCode"))), None)
        if ended is not None:
            message = text(ended.get("message"))
            why = f"container {container.get('name')} exited with {ended['exitCode']} ({ended.get('reason')})"
            yield f"{why}: {message}" if message else why


def _containers(pod: JsonObject) -> Iterator[JsonObject]:
    status = mapping(pod.get("status"))
    for field in ("initContainerStatuses", "containerStatuses"):
        yield from (dict(each) for each in mappings(status.get(field)))


def _conditions(obj: JsonObject) -> list[JsonObject]:
    return [dict(each) for each in mappings(mapping(obj.get("status")).get("conditions"))]


def _created(pod: JsonObject) -> str:
    return text(mapping(pod.get("metadata")).get("creationTimestamp")) or ""
