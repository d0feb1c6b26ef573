"""The check after a tag has moved: conversations with the environments that pull it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from rasa_environments.api.base import ModelReference, ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.api.verification import LiveCheck, TestCase
from rasa_environments.controller.queue import Kind, Request
from rasa_environments.controller.state import State
from rasa_environments.domain.facts import Problem, ServerObservation, TaggedModel
from rasa_environments.domain.live_verification import abandoned, announced, live_record, needs_live, resumed
from rasa_environments.domain.verification import (
    Progress,
    case_results,
    described_failure,
    failed,
    rejection,
    seconds_left,
    succeeded,
)
from rasa_environments.judge.model_tag import follower, served_status
from rasa_environments.reconcile.clock import in_seconds, utc_now
from rasa_environments.reconcile.verification.files import ConversationFiles, ConversationSet
from rasa_environments.reconcile.verification.live_servers import LiveServers
from rasa_environments.reconcile.verification.runs import ConversationRuns
from rasa_environments.reconcile.verification.servers import ServerUnderTest

CONVERSATION_SECONDS: Final = 90.0
"""Seconds for one conversation with each environment."""
RECHECK_SECONDS: Final = 10.0
"""Seconds between two attempts after a server did not answer; what an environment serves is noticed at once."""
FILES_SECONDS: Final = 30.0
"""Seconds between two looks at conversations that cannot be used."""


class LiveStage:
    """Announces the verification of a model before it gets the tag, and carries it on afterwards."""

    def __init__(
        self,
        state: State,
        files: ConversationFiles,
        servers: LiveServers,
        runs: ConversationRuns,
        now: Callable[[], str] = utc_now,
    ) -> None:
        self._state = state
        self._files = files
        self._servers = servers
        self._runs = runs
        self._now = now
        self._paused: set[ObjectKey] = set()
        """ModelTags with nothing to verify: no environment pulls the tag."""

    def forget(self, tag: ObjectKey) -> None:
        """Discard what is known of the verification for a ModelTag that verifies no model, or is gone."""
        self._runs.forget(tag)
        self._paused.discard(tag)

    async def prepare(
        self, tag: ModelTag, desired: str | None, progress: Progress, observation: ServerObservation
    ) -> Progress:
        """Return the progress with the verification of the desired model announced, if it needs one.

        It has a problem, and the tag stays, if there are no usable conversations. Raises ApiError.
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
        found = await self._files.read(tag.metadata.key, check, "Live")
        if isinstance(found, Problem):
            return current.waiting(found.reason, found.message, FILES_SECONDS, stalled=found.stalled)
        return announced(current, model, found.digest, self._now())

    def _is_announced(self, progress: Progress, model: TaggedModel) -> bool:
        record = live_record(progress)
        return record is not None and (record.name, record.hash) == (model.name, model.hash)

    async def advance(self, tag: ModelTag, desired: str | None, progress: Progress) -> Progress:
        """Return the progress after the next conversations with the environments, if the model has the tag.

        Raises ApiError.
        """
        key, record, tagged = tag.metadata.key, live_record(progress), tag.status.tagged_model
        check = None if tag.spec.verification is None else tag.spec.verification.live
        if check is None or record is None:
            self.forget(key)
            return progress
        if tagged is None or desired != tagged.name or (record.name, record.hash) != (tagged.name, tagged.hash):
            self.forget(key)
            return _announced(tag, record.name, progress)
        environments = self._servers.environments(tag)
        if not environments:
            self._runs.forget(key)
            self._paused.add(key)
            message = f"model {tagged.name} is verified once an environment pulls tag {tag.tag}"
            return replace(progress, unverified=Problem(Reason.NO_ENVIRONMENT, message, stalled=False))
        if key in self._paused:
            self._paused.discard(key)
            progress = resumed(progress, self._now())
        return await self._continue(tag, check, tagged, environments, progress)

    async def _continue(
        self,
        tag: ModelTag,
        check: LiveCheck,
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
        if found is not None and waits_for is None and left > 0:
            await self._hold(key, model, check, found, servers, left)
            left = seconds_left(progress, self._now(), check.timeout_seconds, "Live")
        waits_for = waits_for or self._fault(key, environments)
        known = self._runs.results(key)
        cases = case_results([(each, result) for each, results in known.items() for result in results])
        if cases and cases[0].step is not None:
            return self._failed(tag, progress, Reason.VERIFICATION_FAILED, described_failure(cases[0]), cases)
        if found is not None and len(cases) == len(environments) * len(found.conversations):
            self.forget(key)
            return replace(succeeded(progress, cases, self._now(), "Live"), requeue_after=None)
        if left <= 0:
            within = f"within {check.timeout_seconds} s (spec.verification.live.timeoutSeconds)"
            message = f"it did not pass all conversations {within}: {waits_for or 'they took too long'}"
            return self._failed(tag, progress, Reason.VERIFICATION_TIMED_OUT, message, cases)
        requeue_after = 0.0 if waits_for is None else min(RECHECK_SECONDS, left)
        return _verifying(tag, tagged, environments, progress, requeue_after)

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
        check: LiveCheck,
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
        self.forget(tag.metadata.key)
        ended = failed(progress, reason, message, cases, self._now(), "Live")
        told = f"model {ended.rejected[0].name} failed its verification with tag {tag.tag}: {message}"
        return replace(ended, unverified=Problem(Reason.MODEL_REJECTED, told), requeue_after=0.0)


def _is_asked_for(tag: ModelTag, model: TaggedModel, progress: Progress) -> bool:
    """Return whether another verification of the model that has the tag was requested just now."""
    tagged = tag.status.tagged_model
    has_tag = tagged is not None and (tagged.name, tagged.hash) == (model.name, model.hash)
    return has_tag and progress.handled_retry != tag.status.last_handled_retry_at


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
) -> Progress:
    names = ", ".join(str(each.metadata.key) for each in environments[:3])
    message = f"model {model.name} has tag {tag.tag}, and holds its conversations with {names}"
    sooner = requeue_after if progress.requeue_after is None else min(progress.requeue_after, requeue_after)
    return replace(progress, unverified=Problem(Reason.VERIFYING, message, stalled=False), requeue_after=sooner)
