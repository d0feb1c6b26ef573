"""The rules of verification: which model has to be verified, which has passed or failed, and what is kept of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from rasa_environments.api.base import ModelReference, ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.api.model_tag import ModelTag, ModelTagStatus
from rasa_environments.api.verification import (
    MAXIMUM_REJECTED,
    MAXIMUM_TEST_CASES,
    MAXIMUM_VERIFICATIONS,
    RejectedModel,
    TestCase,
    VerificationRecord,
)
from rasa_environments.domain.desired_model import DesiredModel, Origin
from rasa_environments.domain.expectations import ConversationResult
from rasa_environments.domain.facts import Problem, TaggedModel
from rasa_environments.domain.waiting import Waiting

RETRY = (
    "kubectl annotate modeltag {name} --namespace {namespace} --overwrite rasa-environments.io/retry-requested-at=NOW"
)

HELD_BY_SERVER: Final = frozenset({Reason.OUTSIDE_WINDOW, Reason.FROZEN})
"""What keeps a model that is let through otherwise from the tag: windows and freeze of the ModelServer."""


@dataclass(frozen=True)
class Progress:
    """What is known of the verification of models, as the status keeps it, and what the tag waits for."""

    rejected: tuple[RejectedModel, ...] = ()
    records: tuple[VerificationRecord, ...] = ()
    """The latest first."""
    handled_retry: str | None = None
    problem: Problem | None = None
    """Why the tag may not move to the desired model now."""
    requeue_after: float | None = None
    """Seconds until the verification goes on."""

    def idle(self) -> Progress:
        """Return the progress without a verification in progress."""
        return replace(self, records=tuple(each for each in self.records if each.result is not None))

    def waiting(self, reason: Reason, message: str, requeue_after: float | None, *, stalled: bool = False) -> Progress:
        """Return the progress with the problem that the tag waits."""
        return replace(self, problem=Problem(reason, message, stalled=stalled), requeue_after=requeue_after)


NO_PROGRESS: Final = Progress()


def recorded(tag: ModelTag, desired: str | None) -> Progress:
    """Return what the status says, without what no longer counts.

    A verification in progress ends with the desire for its model, a rejection if `spec.model` names another model, or
    on request.
    """
    status = tag.status
    if tag.spec.verification is None:
        return Progress(records=_finished(status.verifications), handled_retry=status.last_handled_retry_at)
    asked = tag.retry_requested_at
    retried = asked is not None and asked != status.last_handled_retry_at
    rejected = [
        each
        for each in status.rejected or ()
        if (tag.spec.model is None or each.name == tag.spec.model) and not (retried and each.name == desired)
    ]
    records = [
        each
        for each in status.verifications or ()
        if (each.result is not None or each.name == desired)
        and not (retried and each.name == desired and each.result != "Succeeded")
    ]
    handled = asked if retried else status.last_handled_retry_at
    return Progress(rejected=tuple(rejected), records=tuple(records), handled_retry=handled)


def _finished(records: Sequence[VerificationRecord] | None) -> tuple[VerificationRecord, ...]:
    return tuple(each for each in records or () if each.result is not None)


def verifying_model(status: ModelTagStatus) -> ModelReference | None:
    """Return the model for which candidates run, by the status."""
    found = next((each for each in status.verifications or () if each.result is None), None)
    return None if found is None else ModelReference(name=found.name, hash=found.hash)


def to_be_verified(desired: DesiredModel) -> DesiredModel:
    """Return the model that is verified now: the desired one, or the next one if only the ModelServer holds it.

    So a model has its verdict by the time that a promotion window opens, however short that is.
    """
    candidate, waiting = desired.candidate, desired.waiting
    if candidate is None or waiting is None or waiting.reason not in HELD_BY_SERVER:
        return desired
    return DesiredModel(candidate.name, desired.origin, candidate.hash)


def held(desired: DesiredModel, status: ModelTagStatus, progress: Progress) -> DesiredModel:
    """Return the model that the tag carries until the desired one is verified: the last one."""
    last = status.tagged_model
    if desired.name is None or (last is not None and last.name == desired.name):
        return desired
    problem = progress.problem
    is_rejected = problem is not None and problem.reason is Reason.MODEL_REJECTED
    known = next((each for each in progress.records if each.name == desired.name), None)
    waits = ModelReference(name=desired.name, hash=known.hash if known is not None else desired.hash)
    return DesiredModel(
        name=None if last is None else last.name,
        origin=Origin.NONE if last is None else desired.origin,
        hash="" if last is None else last.hash,
        candidate=None if is_rejected else waits,
        waiting=None if desired.origin is Origin.SPEC else _waiting(problem),
    )


def _waiting(problem: Problem | None) -> Waiting:
    if problem is None:
        return Waiting(Reason.PENDING, "the model is verified once the model server answers")
    return Waiting(problem.reason, problem.message)


def was_served(tag: ModelTag, model: TaggedModel, tagged: TaggedModel | None) -> bool:
    """Return whether the model had the tag before, so that it gets it back at once.

    `tagged` is the model that has the tag on the server, which counts for a ModelTag that is new.
    """
    status = tag.status
    known = [(entry.model, entry.hash) for entry in status.history or ()]
    known += [(each.name, each.hash) for each in (status.tagged_model, status.previous_model) if each is not None]
    if not known and tagged is not None:
        return tagged.name == model.name
    return (model.name, model.hash) in known


def rejection(progress: Progress, model: TaggedModel) -> RejectedModel | None:
    """Return the rejection of the model with this content, or None."""
    return next((each for each in progress.rejected if (each.name, each.hash) == (model.name, model.hash)), None)


def has_passed(progress: Progress, model: TaggedModel, digest: str) -> bool:
    """Return whether the model has passed these conversations."""
    found = _record(progress, model, digest)
    return found is not None and found.result == "Succeeded"


def may_have_passed(progress: Progress, model: TaggedModel) -> bool:
    """Return whether the model has passed some conversations, which may still be those that it has to pass."""
    passed = (each for each in progress.records if each.result == "Succeeded")
    return any((each.name, each.hash) == (model.name, model.hash) for each in passed)


def started(progress: Progress, model: TaggedModel, digest: str, time: str) -> Progress:
    """Return the progress with the verification in progress, since `time` unless it started earlier."""
    found = _record(progress, model, digest)
    if found is not None and found.result is None:
        return progress
    record = VerificationRecord(
        name=model.name, hash=model.hash, stage="Candidate", conversations_digest=digest, start_time=time
    )
    others = tuple(each for each in progress.records if each.result is not None)
    return replace(progress, records=(record, *others)[:MAXIMUM_VERIFICATIONS])


def seconds_left(progress: Progress, time: str, timeout_seconds: int) -> float:
    """Return how long the verification in progress may still take."""
    began = _moment(progress.records[0].start_time)
    return (began + timedelta(seconds=timeout_seconds) - _moment(time)).total_seconds()


def succeeded(progress: Progress, cases: Sequence[TestCase], time: str) -> Progress:
    """Return the progress with the verification in progress passed, and no candidate any more."""
    return _ended(progress, "Succeeded", cases, time)


def failed(progress: Progress, reason: Reason, message: str, cases: Sequence[TestCase], time: str) -> Progress:
    """Return the progress with the verification in progress failed, and its model rejected."""
    ended = _ended(progress, "Failed", cases, time)
    record = ended.records[0]
    entry = RejectedModel(name=record.name, hash=record.hash, reason=reason, message=message[:4096], rejected_time=time)
    others = (each for each in progress.rejected if each.name != record.name)
    return replace(ended, rejected=(entry, *others)[:MAXIMUM_REJECTED])


def case_results(results: Sequence[tuple[ObjectKey, ConversationResult]]) -> tuple[TestCase, ...]:
    """Return the results of conversations by environment as the status shows them, failed ones first."""
    cases = [_test_case(environment, result) for environment, result in results]
    return tuple(sorted(cases, key=lambda case: case.step is None)[:MAXIMUM_TEST_CASES])


def described_failure(case: TestCase) -> str:
    """Return what failed, in one sentence."""
    return (
        f"environment {case.environment}: test case {case.name!r} of {case.file}, step {case.step}: expected "
        f"{case.expectation}; the bot answered: {case.actual}"
    )


def _test_case(environment: ObjectKey, result: ConversationResult) -> TestCase:
    failure = result.failure
    told = (
        {} if failure is None else {"step": failure.step, "expectation": failure.expectation, "actual": failure.actual}
    )
    return TestCase.model_validate({"environment": str(environment), "file": result.file, "name": result.name, **told})


def _ended(progress: Progress, result: str, cases: Sequence[TestCase], time: str) -> Progress:
    update = {"result": result, "completion_time": time, "test_cases": list(cases) or None}
    record = progress.records[0].model_copy(update=update)
    others = tuple(each.model_copy(update={"test_cases": None}) for each in progress.records[1:])
    return replace(progress, records=(record, *others))


def _record(progress: Progress, model: TaggedModel, digest: str) -> VerificationRecord | None:
    wanted = (model.name, model.hash, digest)
    return next(
        (each for each in progress.records if (each.name, each.hash, each.conversations_digest) == wanted), None
    )


def _moment(time: str) -> datetime:
    try:
        moment = datetime.fromisoformat(time)
    except ValueError:  # an edited status
        return datetime.fromtimestamp(0, UTC)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
