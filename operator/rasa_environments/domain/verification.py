"""The rules of verification: which model has to be verified, which has passed or failed, and what is kept of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
    Stage,
    TestCase,
    VerificationRecord,
)
from rasa_environments.domain.desired_model import DesiredModel, Origin
from rasa_environments.domain.expectations import ConversationResult
from rasa_environments.domain.facts import Problem, TaggedModel
from rasa_environments.domain.live_results import good_models
from rasa_environments.domain.waiting import Waiting

RETRY = (
    "kubectl annotate modeltag {name} --namespace {namespace} --overwrite rasa-environments.io/retry-requested-at=NOW"
)

HELD_BY_SERVER: Final = frozenset({Reason.OUTSIDE_WINDOW, Reason.FROZEN})
"""What keeps a model that is let through otherwise from the tag: windows and freeze of the ModelServer."""


def retry_command(tag: ModelTag) -> str:
    """Return the command that requests another verification."""
    return RETRY.format(name=tag.metadata.name, namespace=tag.metadata.namespace)


@dataclass(frozen=True)
class Progress:
    """What is known of the verification of models, as the status keeps it, and what the tag waits for."""

    rejected: tuple[RejectedModel, ...] = ()
    records: tuple[VerificationRecord, ...] = ()
    """The latest first."""
    handled_retry: str | None = None
    problem: Problem | None = None
    """Why the tag may not move to the desired model now."""
    unverified: Problem | None = None
    """Why the model that has the tag does not count as verified: that is in progress, or it failed and keeps the
    tag."""
    requeue_after: float | None = None
    """Seconds until the verification goes on."""

    def idle(self) -> Progress:
        """Return the progress without a candidate's verification in progress."""
        kept = (each for each in self.records if each.result is not None or each.stage != "Candidate")
        return replace(self, records=tuple(kept))

    def waiting(self, reason: Reason, message: str, requeue_after: float | None, *, stalled: bool = False) -> Progress:
        """Return the progress with the problem that the tag waits."""
        return replace(self, problem=Problem(reason, message, stalled=stalled), requeue_after=requeue_after)


NO_PROGRESS: Final = Progress()


def recorded(tag: ModelTag, desired: str | None) -> Progress:
    """Return what the status says, without what no longer counts.

    A candidate's verification in progress ends with the desire for its model, a rejection on request, or if
    `spec.model` names another model and the rejected one has lost the tag.
    """
    status = tag.status
    if tag.spec.verification is None:
        return Progress(records=_finished(status.verifications), handled_retry=status.last_handled_retry_at)
    asked = tag.retry_requested_at
    retried = asked is not None and asked != status.last_handled_retry_at
    rejected = [each for each in status.rejected or () if _counts(each, tag) and not (retried and each.name == desired)]
    records = [
        each
        for each in status.verifications or ()
        if (each.result is not None or each.stage == "Live" or each.name == desired)
        and not (retried and each.name == desired and each.result != "Succeeded")
    ]
    handled = asked if retried else status.last_handled_retry_at
    return Progress(rejected=tuple(rejected), records=tuple(records), handled_retry=handled)


def _counts(rejected: RejectedModel, tag: ModelTag) -> bool:
    tagged = tag.status.tagged_model
    has_tag = tagged is not None and (tagged.name, tagged.hash) == (rejected.name, rejected.hash)
    return has_tag or tag.spec.model in {None, rejected.name}


def unasked(tag: ModelTag, desired: str | None) -> Progress:
    """Return what the status says while the model server cannot be asked: a rejected model stays rejected."""
    progress = recorded(tag, desired).idle()
    found = next((each for each in progress.rejected if each.name == desired), None)
    return progress if found is None else rejected_again(tag, found.name, found.message, progress)


def rejected_again(tag: ModelTag, model: str, why: str, progress: Progress) -> Progress:
    """Return the progress with the problem that the desired model was rejected."""
    message = (
        f"model {model} failed its verification and does not get tag {tag.tag}: {why}; promote another model, or "
        f"verify it again by `{retry_command(tag)}`"
    )
    return progress.waiting(Reason.MODEL_REJECTED, message, None, stalled=True)


def _finished(records: Sequence[VerificationRecord] | None) -> tuple[VerificationRecord, ...]:
    return tuple(each for each in records or () if each.result is not None)


def verifying_model(status: ModelTagStatus) -> ModelReference | None:
    """Return the model for which candidates run, by the status."""
    verifications = status.verifications or ()
    found = next((each for each in verifications if each.stage == "Candidate" and each.result is None), None)
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
    """Return whether the model had the tag before and did not fail there, so that it gets it back at once.

    `tagged` is the model that has the tag on the server, which counts for a ModelTag that is new.
    """
    if tag.status.tagged_model is None and not tag.status.history and tagged is not None:
        return tagged.name == model.name
    return (model.name, model.hash) in good_models(tag.status)


def rejection(progress: Progress, model: TaggedModel) -> RejectedModel | None:
    """Return the rejection of the model with this content, or None."""
    return next((each for each in progress.rejected if (each.name, each.hash) == (model.name, model.hash)), None)


def has_passed(progress: Progress, model: TaggedModel, digest: str) -> bool:
    """Return whether the model has passed these conversations."""
    found = _record(progress, model, digest)
    return found is not None and found.result == "Succeeded"


def may_have_passed(progress: Progress, model: TaggedModel) -> bool:
    """Return whether the model has passed some conversations, which may still be those that it has to pass."""
    passed = (each for each in progress.records if (each.stage, each.result) == ("Candidate", "Succeeded"))
    return any((each.name, each.hash) == (model.name, model.hash) for each in passed)


def started(progress: Progress, model: TaggedModel, digest: str, time: str) -> Progress:
    """Return the progress with a candidate's verification in progress, since `time` unless it started earlier."""
    found = _record(progress, model, digest)
    if found is not None and found.result is None:
        return progress
    record = VerificationRecord(
        name=model.name, hash=model.hash, stage="Candidate", conversations_digest=digest, start_time=time
    )
    return replace(progress, records=(record, *progress.idle().records)[:MAXIMUM_VERIFICATIONS])


def seconds_left(progress: Progress, time: str, timeout_seconds: int, stage: Stage = "Candidate") -> float:
    """Return how long the verification in progress may still take."""
    began = _moment(in_progress(progress, stage).start_time)
    return (began + timedelta(seconds=timeout_seconds) - _moment(time)).total_seconds()


def succeeded(progress: Progress, cases: Sequence[TestCase], time: str, stage: Stage = "Candidate") -> Progress:
    """Return the progress with the verification in progress passed, and no candidate any more."""
    return _ended(progress, "Succeeded", cases, time, stage)


def failed(
    progress: Progress,
    reason: Reason,
    message: str,
    cases: Sequence[TestCase],
    time: str,
    stage: Stage = "Candidate",
) -> Progress:
    """Return the progress with the verification in progress failed, and its model rejected."""
    record, ended = in_progress(progress, stage), _ended(progress, "Failed", cases, time, stage)
    entry = RejectedModel(name=record.name, hash=record.hash, reason=reason, message=message[:4096], rejected_time=time)
    others = (each for each in progress.rejected if each.name != record.name)
    return replace(ended, rejected=(entry, *others)[:MAXIMUM_REJECTED])


def case_results(results: Sequence[tuple[ObjectKey, ConversationResult]]) -> tuple[TestCase, ...]:
    """Return the results of conversations by environment as the status shows them, failed ones first."""
    return failed_first([_test_case(environment, result) for environment, result in results])


def failed_first(cases: Iterable[TestCase]) -> tuple[TestCase, ...]:
    """Return as many test cases as a status may have, failed ones first."""
    return tuple(sorted(cases, key=lambda case: case.failure is None)[:MAXIMUM_TEST_CASES])


def described_failure(case: TestCase) -> str:
    """Return what failed, in one sentence."""
    if case.step is None:
        return f"environment {case.environment}: Job {case.name} failed: {case.actual}"
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


def in_progress(progress: Progress, stage: Stage) -> VerificationRecord:
    """Return the verification in progress, of which there is one."""
    return next(each for each in progress.records if each.stage == stage and each.result is None)


def _ended(progress: Progress, result: str, cases: Sequence[TestCase], time: str, stage: Stage) -> Progress:
    """Return the progress with that result; of each stage, the latest verification has its test cases."""
    current = in_progress(progress, stage)
    ended = current.model_copy(update={"result": result, "completion_time": time, "test_cases": list(cases) or None})
    others = (each for each in progress.records if each is not current)
    cut = [each.model_copy(update={"test_cases": None}) if each.stage == stage else each for each in others]
    return replace(progress, records=(ended, *cut))


def _record(progress: Progress, model: TaggedModel, digest: str) -> VerificationRecord | None:
    """Return the candidate's verification of that model with these conversations."""
    wanted = ("Candidate", model.name, model.hash, digest)
    found = (each for each in progress.records if _identity(each) == wanted)
    return next(found, None)


def _identity(record: VerificationRecord) -> tuple[str, str, str, str]:
    return record.stage, record.name, record.hash, record.conversations_digest


def _moment(time: str) -> datetime:
    try:
        moment = datetime.fromisoformat(time)
    except ValueError:  # an edited status
        return datetime.fromtimestamp(0, UTC)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
