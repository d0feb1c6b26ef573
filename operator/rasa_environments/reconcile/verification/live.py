"""The check after a tag has moved: conversations with the environments that pull it, and then Jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from rasa_environments.api.base import ModelReference, ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.api.verification import Check
from rasa_environments.domain.candidates import runs_job
from rasa_environments.domain.facts import Problem, TaggedModel
from rasa_environments.domain.live_verification import live_record, resumed, tested_live, untested, with_digest
from rasa_environments.domain.verdicts import Verdict, verdict_of_conversations, within
from rasa_environments.domain.verification import Progress, in_progress
from rasa_environments.judge.model_tag import follower, served_status
from rasa_environments.reconcile.verification.check_runner import CheckRunner
from rasa_environments.reconcile.verification.files import ConversationFiles, ConversationSet
from rasa_environments.reconcile.verification.live_servers import LiveServers
from rasa_environments.reconcile.verification.servers import ServerUnderTest

RECHECK_SECONDS: Final = 10.0
"""Seconds between two attempts after a server did not answer; what an environment serves is noticed at once."""


class LiveStage:
    """Carries on the verification of the model that has the tag, and ends it."""

    def __init__(self, files: ConversationFiles, servers: LiveServers, runner: CheckRunner) -> None:
        self._files = files
        self._servers = servers
        self._runner = runner
        self._paused: set[ObjectKey] = set()
        """ModelTags with nothing to verify: no environment pulls the tag."""

    async def forget(self, tag: ObjectKey) -> None:
        """End the verification for a ModelTag that is gone. Raises ApiError."""
        self._paused.discard(tag)
        await self._runner.forget(tag)

    async def _end(self, tag: ModelTag) -> None:
        """End the verification for a ModelTag that verifies no model now. Raises ApiError."""
        self._paused.discard(tag.metadata.key)
        await self._runner.end(tag)

    async def advance(self, tag: ModelTag, desired: str | None, progress: Progress) -> Progress:
        """Return the progress after the next conversations with the environments, if the model has the tag.

        Jobs follow them. Raises ApiError.
        """
        record, tagged = live_record(progress), tag.status.tagged_model
        check = None if tag.spec.verification is None else tag.spec.verification.live
        if check is None or record is None:
            await self._end(tag)
            return progress
        if tagged is None or desired != tagged.name or (record.name, record.hash) != (tagged.name, tagged.hash):
            await self._end(tag)
            return _announced(tag, record.name, progress)
        pulling = self._servers.environments(tag)
        environments = tested_live(tag, check, pulling)
        if not environments:
            return await self._pause(tag, tagged, progress, untested(tag) if pulling else None)
        if tag.metadata.key in self._paused:
            self._paused.discard(tag.metadata.key)
            return _verifying(tag, tagged, environments, resumed(progress, self._runner.now()), 0.0)
        if record not in (tag.status.verifications or ()):
            await self._end(tag)  # of an earlier verification
            return _verifying(tag, tagged, environments, progress, 0.0)  # Recorded first, as Jobs have its time.
        return await self._continue(tag, check, tagged, environments, progress)

    async def _pause(self, tag: ModelTag, tagged: ModelReference, progress: Progress, why: str | None) -> Progress:
        """Return the progress of a model that no environment tests now: its time does not count. Raises ApiError."""
        await self._end(tag)
        self._paused.add(tag.metadata.key)
        message = why or f"model {tagged.name} is verified once an environment pulls tag {tag.tag}"
        return replace(progress, unverified=Problem(Reason.NO_ENVIRONMENT, message, stalled=False))

    async def _continue(
        self,
        tag: ModelTag,
        check: Check,
        tagged: ModelReference,
        environments: Sequence[DeploymentEnvironment],
        progress: Progress,
    ) -> Progress:
        """Hold the next conversations, once every environment serves the model, and then look at the Jobs."""
        key, left = tag.metadata.key, self._runner.seconds_left(progress, check)
        model = TaggedModel(tagged.name, tagged.hash)
        servers, obstacle = await self._ready(environments, tagged, key)
        found = self._runner.conversations(key, model, check)
        if found is None and obstacle is None and left > 0:
            read = await self._files.read(key, check, "Live")
            found, obstacle = (None, read.message) if isinstance(read, Problem) else (read, None)
        if found is not None and found.digest != in_progress(progress, "Live").conversations_digest:
            await self._end(tag)  # of what was to be passed before
            return _verifying(tag, tagged, environments, with_digest(progress, found.digest), 0.0)
        if found is not None and obstacle is None and left > 0:
            self._runner.begin(key, model, check, found)
            await self._runner.converse(key, servers, left)
        verdict = await self._verdict(tag, check, environments, progress, found, obstacle)
        if verdict.passed is None:
            return _verifying(tag, tagged, environments, progress, verdict.requeue_after or 0.0, verdict.message)
        return self._ended(tag, check, progress, verdict)

    async def _verdict(
        self,
        tag: ModelTag,
        check: Check,
        environments: Sequence[DeploymentEnvironment],
        progress: Progress,
        found: ConversationSet | None,
        obstacle: str | None,
    ) -> Verdict:
        """Return what the check has come to; no Job starts while there is an obstacle. Raises ApiError."""
        left = self._runner.seconds_left(progress, check)
        if found is None:
            return _without_conversations(check, obstacle, left)
        held = self._runner.held(tag.metadata.key, environments, found)
        waits_for = obstacle or held.fault
        verdict = verdict_of_conversations(
            held,
            has_failed=held.has_failed,
            unfinished=_unfinished(check, waits_for),
            left=left,
            pause=0.0 if waits_for is None else RECHECK_SECONDS,
        )
        if verdict is not None:
            return verdict
        key, with_job = tag.metadata.key, [each for each in environments if runs_job(tag, each)]
        tested = [await self._servers.tested(each, key, obstacle) for each in with_job]
        return await self._runner.run_jobs(tag, check, progress, tested, held.cases)

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

    def _ended(self, tag: ModelTag, check: Check, progress: Progress, verdict: Verdict) -> Progress:
        """Return the progress with the model passed or rejected; what follows is decided once that is recorded."""
        ended = self._runner.ended(tag.metadata.key, progress, verdict)
        if verdict.passed:
            return replace(ended, requeue_after=None if check.job_template is None else 0.0)
        told = f"model {ended.rejected[0].name} failed its verification with tag {tag.tag}: {verdict.message}"
        return replace(ended, unverified=Problem(Reason.MODEL_REJECTED, told), requeue_after=0.0)


def _without_conversations(check: Check, obstacle: str | None, left: float) -> Verdict:
    """Return the verdict while the conversations are not read: they are once there is no obstacle."""
    if left <= 0:
        return Verdict(False, (), _unfinished(check, obstacle), Reason.VERIFICATION_TIMED_OUT)
    return Verdict(None, requeue_after=min(RECHECK_SECONDS, left))


def _unfinished(check: Check, waits_for: str | None) -> str:
    """Return why the conversations had not ended when the time was over."""
    return f"it did not pass {within(check.timeout_seconds, 'Live')}: {waits_for or 'the conversations took too long'}"


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
