"""The check after a tag has moved: conversations with the environments that pull it, and then Jobs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from rasa_environments.api.base import ModelReference, ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.api.verification import Check, TestCase
from rasa_environments.controller.queue import Kind, Request
from rasa_environments.controller.state import State
from rasa_environments.domain.candidates import runs_job
from rasa_environments.domain.facts import Problem, ServerObservation, TaggedModel
from rasa_environments.domain.lister import server_of_tag
from rasa_environments.domain.live_verification import (
    abandoned,
    announced,
    live_record,
    needs_live,
    resumed,
    with_digest,
)
from rasa_environments.domain.verification import (
    Progress,
    case_results,
    described_failure,
    failed,
    in_progress,
    rejection,
    seconds_left,
    succeeded,
)
from rasa_environments.domain.verification_jobs import verdict
from rasa_environments.judge.model_tag import follower, served_status
from rasa_environments.reconcile.clock import in_seconds, utc_now
from rasa_environments.reconcile.verification.files import ConversationFiles, ConversationSet
from rasa_environments.reconcile.verification.jobs import JOB_SECONDS, VerificationJobs
from rasa_environments.reconcile.verification.live_servers import LiveServers
from rasa_environments.reconcile.verification.runs import ConversationRuns
from rasa_environments.reconcile.verification.servers import ServerUnderTest

CONVERSATION_SECONDS: Final = 90.0
"""Seconds for one conversation with each environment."""
RECHECK_SECONDS: Final = 10.0
"""Seconds between two attempts after a server did not answer; what an environment serves is noticed at once."""
FILES_SECONDS: Final = 30.0
"""Seconds between two looks at conversations or a jobTemplate that cannot be used."""


class LiveStage:
    """Announces the verification of a model before it gets the tag, and carries it on afterwards."""

    def __init__(
        self,
        state: State,
        files: ConversationFiles,
        servers: LiveServers,
        runs: ConversationRuns,
        jobs: VerificationJobs,
        now: Callable[[], str] = utc_now,
    ) -> None:
        self._state = state
        self._files = files
        self._servers = servers
        self._runs = runs
        self._jobs = jobs
        self._now = now
        self._paused: set[ObjectKey] = set()
        """ModelTags with nothing to verify: no environment pulls the tag."""

    async def forget(self, tag: ObjectKey) -> None:
        """End the verification for a ModelTag that is gone. Raises ApiError."""
        self._discard(tag)
        await self._jobs.forget(tag)

    async def _end(self, tag: ModelTag) -> None:
        """End the verification for a ModelTag that verifies no model now. Raises ApiError."""
        self._discard(tag.metadata.key)
        await self._jobs.end(tag)

    def _discard(self, tag: ObjectKey) -> None:
        """Discard the conversations of a verification that ended."""
        self._runs.forget(tag)
        self._paused.discard(tag)

    async def prepare(
        self, tag: ModelTag, desired: str | None, progress: Progress, observation: ServerObservation
    ) -> Progress:
        """Return the progress with the verification of the desired model announced, if it needs one.

        It has a problem, and the tag stays, if conversations or jobTemplate cannot be used. Raises ApiError.
        """
        check = None if tag.spec.verification is None else tag.spec.verification.live
        last, moves = tag.status.tagged_model, progress.problem is None
        has_tag = desired if moves or last is None else last.name
        current = abandoned(progress, has_tag if check is not None else None)
        if check is None or desired is None or current.problem is not None:
            return current
        tagged = observation.tags.get(tag.tag)
        model = observation.models.get(desired) or (tagged if tagged is not None and tagged.name == desired else None)
        if model is None or not model.compatible or self._is_announced(current, model):
            return current
        if rejection(current, model) is not None:
            return current  # it keeps the tag while the next model is held
        if not needs_live(tag, model, tagged) and not _is_asked_for(tag, model, current):
            return abandoned(current, None)
        return await self._announce(tag, check, model, current)

    async def _announce(self, tag: ModelTag, check: Check, model: TaggedModel, current: Progress) -> Progress:
        """Return the progress with the verification announced, or why the tag stays. Raises ApiError."""
        found = await self._files.read(tag.metadata.key, check, "Live")
        if isinstance(found, Problem):
            return current.waiting(found.reason, found.message, FILES_SECONDS, stalled=found.stalled)
        problem = await self._refusal(tag, check, model)
        if problem is not None:
            return current.waiting(problem.reason, problem.message, FILES_SECONDS, stalled=problem.stalled)
        return announced(current, model, found.digest, self._now())

    async def _refusal(self, tag: ModelTag, check: Check, model: TaggedModel) -> Problem | None:
        """Return why no Job could test the model once it has the tag. Raises ApiError."""
        await self._state.index_claims(server_of_tag(tag))
        environments = self._servers.environments(tag)
        if environments and not _tested(tag, check, environments):
            return Problem(Reason.NO_ENVIRONMENT, _untested(tag))
        return await self._jobs.refusal(tag, check, model, environments)

    def _is_announced(self, progress: Progress, model: TaggedModel) -> bool:
        record = live_record(progress)
        return record is not None and (record.name, record.hash) == (model.name, model.hash)

    async def advance(self, tag: ModelTag, desired: str | None, progress: Progress) -> Progress:
        """Return the progress after the next conversations with the environments, if the model has the tag.

        Jobs follow them. Raises ApiError.
        """
        key, record, tagged = tag.metadata.key, live_record(progress), tag.status.tagged_model
        check = None if tag.spec.verification is None else tag.spec.verification.live
        if check is None or record is None:
            await self._end(tag)
            return progress
        if tagged is None or desired != tagged.name or (record.name, record.hash) != (tagged.name, tagged.hash):
            await self._end(tag)
            return _announced(tag, record.name, progress)
        pulling = self._servers.environments(tag)
        environments = _tested(tag, check, pulling)
        if not environments:
            await self._end(tag)
            self._paused.add(key)
            missing = f"model {tagged.name} is verified once an environment pulls tag {tag.tag}"
            message = _untested(tag) if pulling else missing
            return replace(progress, unverified=Problem(Reason.NO_ENVIRONMENT, message, stalled=False))
        if key in self._paused:
            self._paused.discard(key)
            return _verifying(tag, tagged, environments, resumed(progress, self._now()), 0.0)
        if record not in (tag.status.verifications or ()):
            await self._end(tag)  # of an earlier verification
            return _verifying(tag, tagged, environments, progress, 0.0)  # Recorded first, as Jobs have its time.
        return await self._continue(tag, check, tagged, environments, progress)

    async def _continue(
        self,
        tag: ModelTag,
        check: Check,
        tagged: ModelReference,
        environments: Sequence[DeploymentEnvironment],
        progress: Progress,
    ) -> Progress:
        """Hold the next conversations, once every environment serves the model; return the progress."""
        key, model = tag.metadata.key, TaggedModel(tagged.name, tagged.hash)
        servers, waits_for = await self._ready(environments, tagged, key)
        found = self._runs.conversations(key, model, check)
        left = seconds_left(progress, self._now(), check.timeout_seconds, "Live")
        if waits_for is None and found is None and left > 0:
            read = await self._files.read(key, check, "Live")
            found, waits_for = (None, read.message) if isinstance(read, Problem) else (read, None)
        if found is not None and found.digest != in_progress(progress, "Live").conversations_digest:
            await self._end(tag)  # of what was to be passed before
            return _verifying(tag, tagged, environments, with_digest(progress, found.digest), 0.0)
        if found is not None and waits_for is None and left > 0:
            await self._hold(key, model, check, found, servers, left)
            left = seconds_left(progress, self._now(), check.timeout_seconds, "Live")
        obstacle, waits_for = waits_for, waits_for or self._fault(key, environments)
        known = self._runs.results(key)
        cases = case_results([(each, result) for each, results in known.items() for result in results])
        if cases and cases[0].step is not None:
            return self._failed(tag, progress, Reason.VERIFICATION_FAILED, described_failure(cases[0]), cases)
        if found is not None and len(cases) == len(environments) * len(found.conversations):
            if check.job_template is not None:
                return await self._run_jobs(tag, check, tagged, environments, progress, cases, obstacle)
            return self._passed(tag, progress, cases, None)
        if left <= 0:
            within = f"within {check.timeout_seconds} s (spec.verification.live.timeoutSeconds)"
            message = f"it did not pass {within}: {waits_for or 'the conversations took too long'}"
            return self._failed(tag, progress, Reason.VERIFICATION_TIMED_OUT, message, cases)
        requeue_after = 0.0 if waits_for is None else min(RECHECK_SECONDS, left)
        return _verifying(tag, tagged, environments, progress, requeue_after)

    async def _run_jobs(
        self,
        tag: ModelTag,
        check: Check,
        tagged: ModelReference,
        environments: Sequence[DeploymentEnvironment],
        progress: Progress,
        cases: Sequence[TestCase],
        obstacle: str | None,
    ) -> Progress:
        """Look at the Jobs, after all conversations; return the progress with the result, if there is one.

        None starts while there is an obstacle.
        """
        left = seconds_left(progress, self._now(), check.timeout_seconds, "Live")
        servers = [self._servers.tested(each, obstacle) for each in environments if runs_job(tag, each)]
        results = await self._jobs.results(tag, check, in_progress(progress, "Live"), servers, left)
        seen = verdict(results, cases, left, check.timeout_seconds, "Live")
        if seen.passed:
            return self._passed(tag, progress, seen.cases, 0.0)
        if seen.passed is False:
            return self._failed(tag, progress, seen.reason, seen.message, seen.cases)
        return _verifying(tag, tagged, environments, progress, min(JOB_SECONDS, left), seen.message)

    def _passed(
        self, tag: ModelTag, progress: Progress, cases: Sequence[TestCase], requeue_after: float | None
    ) -> Progress:
        """Return the progress with the model passed; its Jobs end once that is recorded."""
        self._discard(tag.metadata.key)
        return replace(succeeded(progress, cases, self._now(), "Live"), requeue_after=requeue_after)

    def _fault(self, tag: ObjectKey, environments: Sequence[DeploymentEnvironment]) -> str | None:
        faults = ((each.metadata.key, self._runs.fault(tag, each.metadata.key)) for each in environments)
        return next((f"environment {key}: {fault}" for key, fault in faults if fault is not None), None)

    async def _ready(
        self, environments: Sequence[DeploymentEnvironment], model: ModelReference, tag: ObjectKey
    ) -> tuple[tuple[ServerUnderTest, ...], str | None]:
        """Return a server of each environment, and what is waited for."""
        servers = []
        for each in environments:
            seen = follower(each)
            if served_status(seen, model) != "True":
                return (), f"environment {each.metadata.key} does not serve it: {seen.served_message}"
            server = await self._servers.ready(each, tag)
            if isinstance(server, str):
                return (), f"environment {each.metadata.key}: {server}"
            servers.append(server)
        return tuple(servers), None

    async def _hold(
        self,
        tag: ObjectKey,
        model: TaggedModel,
        check: Check,
        found: ConversationSet,
        servers: Sequence[ServerUnderTest],
        left: float,
    ) -> None:
        """Hold the next conversation with each server, within the time that is left."""
        self._runs.begin(tag, model, check, found)
        try:
            async with self._state.queue.outside(
                Request(Kind.MODEL_TAG, tag), until=in_seconds(min(CONVERSATION_SECONDS, left))
            ):
                await self._runs.advance(tag, servers)
        except TimeoutError:
            return

    def _failed(
        self, tag: ModelTag, progress: Progress, reason: Reason, message: str, cases: Sequence[TestCase]
    ) -> Progress:
        """Return the progress with the model rejected; what follows is decided once that is recorded."""
        self._discard(tag.metadata.key)
        ended = failed(progress, reason, message, cases, self._now(), "Live")
        told = f"model {ended.rejected[0].name} failed its verification with tag {tag.tag}: {message}"
        return replace(ended, unverified=Problem(Reason.MODEL_REJECTED, told), requeue_after=0.0)


def _is_asked_for(tag: ModelTag, model: TaggedModel, progress: Progress) -> bool:
    """Return whether another verification of the model that has the tag was requested just now."""
    tagged = tag.status.tagged_model
    has_tag = tagged is not None and (tagged.name, tagged.hash) == (model.name, model.hash)
    return has_tag and progress.handled_retry != tag.status.last_handled_retry_at


def _tested(
    tag: ModelTag, check: Check, environments: Sequence[DeploymentEnvironment]
) -> tuple[DeploymentEnvironment, ...]:
    """Return the environments in which anything is tested; none if there is a jobTemplate that runs in none."""
    with_job = tuple(each for each in environments if runs_job(tag, each))
    if check.job_template is None or (check.conversations is not None and with_job):
        return tuple(environments)
    return with_job


def _untested(tag: ModelTag) -> str:
    return (
        f"spec.verification.live.jobTemplate runs in namespace {tag.metadata.namespace} alone, and no environment "
        f"there whose server the operator runs pulls tag {tag.tag}: create one, or remove jobTemplate"
    )


def _announced(tag: ModelTag, model: str, progress: Progress) -> Progress:
    """Return the progress of a model whose verification begins once it has the tag."""
    message = f"model {model} is verified with the environments that pull tag {tag.tag} once they serve it"
    return replace(progress, unverified=Problem(Reason.VERIFYING, message, stalled=False))


def _verifying(
    tag: ModelTag,
    model: ModelReference,
    environments: Sequence[DeploymentEnvironment],
    progress: Progress,
    requeue_after: float,
    waits_for: str = "",
) -> Progress:
    """Return the progress of a verification that goes on; `waits_for` is what the Jobs wait for."""
    names = ", ".join(str(each.metadata.key) for each in environments[:3])
    now = f"is verified with {names}: {waits_for}" if waits_for else f"holds its conversations with {names}"
    message = f"model {model.name} has tag {tag.tag}, and {now}"
    sooner = requeue_after if progress.requeue_after is None else min(progress.requeue_after, requeue_after)
    return replace(progress, unverified=Problem(Reason.VERIFYING, message, stalled=False), requeue_after=sooner)
