"""The rules of the verification after a tag has moved: which model needs it, and what follows if it fails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rasa_environments.api.base import ModelReference
from rasa_environments.api.conditions import Reason
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_tag import ModelTag, ModelTagStatus
from rasa_environments.api.verification import MAXIMUM_VERIFICATIONS, Check, VerificationRecord
from rasa_environments.domain.candidates import runs_job
from rasa_environments.domain.desired_model import DesiredModel
from rasa_environments.domain.facts import Problem, ServerObservation, TaggedModel
from rasa_environments.domain.live_results import good_models, live_results, passed_live
from rasa_environments.domain.verification import Progress, rejection, retry_command, was_served


def needs_live(tag: ModelTag, model: TaggedModel, tagged: TaggedModel | None) -> bool:
    """Return whether the model is verified once it has the tag: it is new to it, or failed there before.

    `tagged` is the model that has the tag on the server, which counts for a ModelTag that is new.
    """
    if tag.spec.verification is None or tag.spec.verification.live is None:
        return False
    if passed_live(tag.status, ModelReference(name=model.name, hash=model.hash)):
        return False
    return not was_served(tag, model, tagged)


def is_requested_again(tag: ModelTag, model: TaggedModel, progress: Progress) -> bool:
    """Return whether another verification of the model that has the tag was requested just now."""
    tagged = tag.status.tagged_model
    has_tag = tagged is not None and (tagged.name, tagged.hash) == (model.name, model.hash)
    return has_tag and progress.handled_retry != tag.status.last_handled_retry_at


def tested_live(
    tag: ModelTag, check: Check, environments: Sequence[DeploymentEnvironment]
) -> tuple[DeploymentEnvironment, ...]:
    """Return the environments in which anything is tested; none if there is a jobTemplate that runs in none."""
    with_job = tuple(each for each in environments if runs_job(tag, each))
    if check.job_template is None or (check.conversations is not None and with_job):
        return tuple(environments)
    return with_job


def untested(tag: ModelTag) -> str:
    """Return why nothing is tested in the environments that pull the tag."""
    return (
        f"spec.verification.live.jobTemplate runs in namespace {tag.metadata.namespace} alone, and no environment "
        f"there pulls tag {tag.tag}: create one, or remove jobTemplate"
    )


def live_record(progress: Progress) -> VerificationRecord | None:
    """Return the live verification that is announced or in progress."""
    return next((each for each in progress.records if each.stage == "Live" and each.result is None), None)


def announced(progress: Progress, model: TaggedModel, digest: str, time: str) -> Progress:
    """Return the progress with the model to be verified live; earlier results of this content no longer count."""
    record = VerificationRecord(
        name=model.name, hash=model.hash, stage="Live", conversations_digest=digest, start_time=time
    )
    others = [each for each in progress.records if each.stage != "Live" or _is_another(each, record)]
    return replace(progress, records=(record, *others)[:MAXIMUM_VERIFICATIONS])


def _is_another(record: VerificationRecord, latest: VerificationRecord) -> bool:
    return record.result is not None and (record.name, record.hash) != (latest.name, latest.hash)


def abandoned(progress: Progress, desired: str | None) -> Progress:
    """Return the progress without the live verification of a model that is not desired any more."""
    kept = (each for each in progress.records if each.stage != "Live" or each.result is not None)
    record = live_record(progress)
    return progress if record is None or record.name == desired else replace(progress, records=tuple(kept))


def begun_with_tag(progress: Progress, status: ModelTagStatus, tagged: TaggedModel, time: str) -> Progress:
    """Return the progress in which the time for a live verification counts from now, if the model just got the tag."""
    last, record = status.tagged_model, live_record(progress)
    is_new = last is None or (last.name, last.hash) != (tagged.name, tagged.hash)
    is_its = record is not None and (record.name, record.hash) == (tagged.name, tagged.hash)
    return resumed(progress, time) if is_new and is_its else progress


def resumed(progress: Progress, time: str) -> Progress:
    """Return the progress in which the time for a live verification counts from now."""
    current = live_record(progress)
    records = [each.model_copy(update={"start_time": time}) if each is current else each for each in progress.records]
    return replace(progress, records=tuple(records))


def with_digest(progress: Progress, digest: str) -> Progress:
    """Return the progress of the live verification with other conversations or another jobTemplate than so far."""
    current, update = live_record(progress), {"conversations_digest": digest}
    records = [each.model_copy(update=update) if each is current else each for each in progress.records]
    return replace(progress, records=tuple(records))


def without_rejected(
    tag: ModelTag, kept: DesiredModel, checked: str | None, progress: Progress, observation: ServerObservation
) -> tuple[DesiredModel, Progress]:
    """Return the model that the tag carries if `kept` was rejected, and the progress that says so.

    A model that failed live loses the tag to the last good one, unless it is to stay or there is none. `checked` is the
    model that the problem in the progress is about.
    """
    last = tag.status.tagged_model
    rejected = None if last is None else rejection(progress, TaggedModel(last.name, last.hash))
    if last is None or rejected is None or kept.name != last.name:
        return kept, progress
    target = None if _holds(tag) else rollback_target(tag.status, last, observation)
    if target is not None:
        because = f"model {last.name} failed its verification"
        return replace(kept, name=target.name, hash=target.hash, rolled_back_because=because), progress
    problem = None if checked == last.name else progress.problem
    return kept, replace(progress, problem=problem, unverified=_keeps_tag(tag, last, rejected.message))


def rollback_target(
    status: ModelTagStatus, rejected: ModelReference, observation: ServerObservation
) -> ModelReference | None:
    """Return the model that had the tag last and passed live or, if none did, that did not fail; None without one.

    A model that the server does not list any more, or with other content, cannot get the tag.
    """
    good, results = good_models(status), live_results(status)
    found = [each for each in _earlier(status) if each.name != rejected.name and (each.name, each.hash) in good]
    found = [each for each in found if _is_listed(each, observation)]
    passed = (each for each in found if results.get((each.name, each.hash)) == "Succeeded")
    return next(passed, None) or next(iter(found), None)


def _earlier(status: ModelTagStatus) -> Iterator[ModelReference]:
    for entry in status.history or ():
        yield ModelReference(name=entry.model, hash=entry.hash)
    if status.previous_model is not None:
        yield status.previous_model


def _is_listed(model: ModelReference, observation: ServerObservation) -> bool:
    if not observation.known or not observation.lists or observation.problem is not None:
        return True
    listed = observation.models.get(model.name)
    return listed is not None and listed.hash == model.hash


def _holds(tag: ModelTag) -> bool:
    return tag.spec.verification is not None and tag.spec.verification.on_failure == "Hold"


def _keeps_tag(tag: ModelTag, model: ModelReference, why: str) -> Problem:
    """Return the problem that a rejected model keeps the tag."""
    because = "spec.verification.onFailure is Hold" if _holds(tag) else "no earlier model can have it"
    return Problem(
        Reason.MODEL_REJECTED,
        f"model {model.name} failed its verification and keeps tag {tag.tag}, since {because}: {why}; promote another "
        f"model, or verify it again by `{retry_command(tag)}`",
    )
