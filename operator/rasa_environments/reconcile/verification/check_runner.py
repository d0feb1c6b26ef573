"""Runs the check of a stage, as both stages do: conversations with servers, then Jobs, within the time that it has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.api.verification import Check, Stage, TestCase
from rasa_environments.controller.queue import Kind, Request, WorkQueue
from rasa_environments.domain.facts import Problem, TaggedModel
from rasa_environments.domain.verdicts import HeldConversations, Verdict
from rasa_environments.domain.verification import Progress, failed, in_progress, seconds_left, succeeded
from rasa_environments.domain.verification_jobs import verdict
from rasa_environments.reconcile.clock import in_seconds, utc_now
from rasa_environments.reconcile.verification.files import ConversationSet
from rasa_environments.reconcile.verification.jobs import TestedServer, VerificationJobs
from rasa_environments.reconcile.verification.runs import ConversationRuns
from rasa_environments.reconcile.verification.servers import ServerUnderTest

CONVERSATION_SECONDS: Final = 90.0
"""Seconds for one conversation with each server."""


class CheckRunner:
    """Runs the check of one stage for every ModelTag, at most one at a time for each."""

    def __init__(
        self,
        stage: Stage,
        queue: WorkQueue,
        runs: ConversationRuns,
        jobs: VerificationJobs,
        now: Callable[[], str] = utc_now,
    ) -> None:
        self.stage: Stage = stage
        self._queue = queue
        self._runs = runs
        self._jobs = jobs
        self.now = now

    async def forget(self, tag: ObjectKey) -> None:
        """End the check for a ModelTag that is gone. Raises ApiError."""
        self._runs.forget(tag)
        await self._jobs.forget(tag)

    async def end(self, tag: ModelTag) -> None:
        """End the check for a ModelTag, and delete its Jobs. Raises ApiError."""
        self._runs.forget(tag.metadata.key)
        await self._jobs.end(tag)

    async def end_jobs(self, tag: ModelTag) -> None:
        """Delete the Jobs that an earlier check of a ModelTag may have left. Raises ApiError."""
        await self._jobs.end(tag)

    async def refusal(
        self, tag: ModelTag, check: Check, model: TaggedModel, environments: Sequence[DeploymentEnvironment]
    ) -> Problem | None:
        """Return why the API server would refuse a Job. Raises ApiError."""
        return await self._jobs.refusal(tag, check, model, environments)

    def conversations(self, tag: ObjectKey, model: TaggedModel, check: Check) -> ConversationSet | None:
        """Return the conversations in progress for that model and check, as read when they began."""
        return self._runs.conversations(tag, model, check)

    def begin(self, tag: ObjectKey, model: TaggedModel, check: Check, found: ConversationSet) -> None:
        """Begin these conversations, unless they are in progress."""
        self._runs.begin(tag, model, check, found)

    def seconds_left(self, progress: Progress, check: Check) -> float:
        """Return how long the check in progress may still take."""
        return seconds_left(progress, self.now(), check.timeout_seconds, self.stage)

    async def converse(self, tag: ObjectKey, servers: Sequence[ServerUnderTest], left: float) -> None:
        """Hold the next conversation with each server, within the seconds that are left."""
        if left <= 0 or not servers:
            return
        until = in_seconds(min(CONVERSATION_SECONDS, left))
        try:
            async with self._queue.outside(Request(Kind.MODEL_TAG, tag), until=until):
                await self._runs.advance(tag, servers)
        except TimeoutError:
            return

    def held(
        self, tag: ObjectKey, environments: Sequence[DeploymentEnvironment], found: ConversationSet
    ) -> HeldConversations:
        """Return what was held with these environments so far, of these conversations."""
        keys = tuple(each.metadata.key for each in environments)
        faults = {key: fault for key in keys if (fault := self._runs.fault(tag, key)) is not None}
        return HeldConversations(keys, len(found.conversations), self._runs.results(tag), faults)

    async def run_jobs(
        self,
        tag: ModelTag,
        check: Check,
        progress: Progress,
        servers: Sequence[TestedServer],
        cases: Sequence[TestCase],
    ) -> Verdict:
        """Look at the Jobs, after all conversations; return what they have come to. Raises ApiError."""
        left = self.seconds_left(progress, check)
        results = await self._jobs.results(tag, check, in_progress(progress, self.stage), servers, left)
        return verdict(results, cases, left, check.timeout_seconds, self.stage)

    def ended(self, tag: ObjectKey, progress: Progress, verdict: Verdict) -> Progress:
        """Return the progress with the model passed or rejected; its Jobs end once that is recorded."""
        self._runs.forget(tag)
        if verdict.passed:
            return succeeded(progress, verdict.cases, self.now(), self.stage)
        return failed(progress, verdict.reason, verdict.message, verdict.cases, self.now(), self.stage)
