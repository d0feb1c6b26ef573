"""Both stages of a verification: with candidates before a tag moves, and with the environments afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.api.verification import Stage
from rasa_environments.controller.state import State
from rasa_environments.domain.desired_model import DesiredModel
from rasa_environments.domain.facts import ServerObservation
from rasa_environments.domain.live_verification import without_rejected
from rasa_environments.domain.verification import Progress, held, to_be_verified, unasked
from rasa_environments.reconcile.clock import utc_now
from rasa_environments.reconcile.ports import ApiServer, ChildApplier, Forget, Jobs, Say, SecretReader
from rasa_environments.reconcile.verification.announcement import LiveAnnouncer
from rasa_environments.reconcile.verification.candidate_limits import CandidateLimits
from rasa_environments.reconcile.verification.candidate_stage import CandidateStage
from rasa_environments.reconcile.verification.candidates import Candidates
from rasa_environments.reconcile.verification.check_runner import CheckRunner
from rasa_environments.reconcile.verification.files import ConversationFiles
from rasa_environments.reconcile.verification.gate import CandidateGate, Unable
from rasa_environments.reconcile.verification.jobs import VerificationJobs
from rasa_environments.reconcile.verification.live import LiveStage
from rasa_environments.reconcile.verification.live_servers import LiveServers
from rasa_environments.reconcile.verification.runs import ConversationRuns


@dataclass(frozen=True)
class Ports:
    """What verifications read and write outside the process."""

    files: ApiServer
    jobs: Jobs
    children: ChildApplier
    secrets: SecretReader
    say: Say
    """Sends a message to a Rasa server (`rasa.conversations.say`)."""
    delete: Forget
    """Deletes a conversation with the server of an environment (`rasa.conversations.forget`)."""


class Stages:
    """Decides which model a tag carries while others are verified, and carries verifications on."""

    def __init__(self, candidate: CandidateGate, announcer: LiveAnnouncer, live: LiveStage) -> None:
        self._candidate = candidate
        self._announcer = announcer
        self._live = live

    async def forget(self, tag: ObjectKey) -> None:
        """End the verifications for a ModelTag that is gone. Raises ApiError."""
        await self._candidate.forget(tag)
        await self._live.forget(tag)

    async def check(
        self, tag: ModelTag, desired: DesiredModel, observation: ServerObservation, unable: Unable
    ) -> tuple[DesiredModel, Progress]:
        """Return the model that the tag should carry now, and the progress of the verifications.

        A model that waits for its verification, or failed, leaves the tag on the last one, or gives it back. Raises
        ApiError.
        """
        next_one = to_be_verified(desired)
        progress = await self._candidate.check(tag, next_one.name, observation, unable)
        progress = await self._announcer.prepare(tag, desired.name, progress, observation)
        kept = desired
        if progress.problem is not None:
            waits = held(next_one, tag.status, progress)
            kept = desired if waits is next_one else waits
        allowed, progress = without_rejected(tag, kept, next_one.name, progress, observation)
        return allowed, await self._live.advance(tag, allowed.name, progress)

    async def check_without_server(
        self, tag: ModelTag, desired: DesiredModel, observation: ServerObservation
    ) -> tuple[DesiredModel, Progress]:
        """Return the same while the model server cannot be asked: what users meet is verified all the same.

        Raises ApiError.
        """
        await self._candidate.end(tag)
        next_one = to_be_verified(desired)
        progress = unasked(tag, next_one.name)
        if tag.spec.verification is None:
            return desired, progress
        kept = held(desired, tag.status, progress)
        allowed, progress = without_rejected(tag, kept, next_one.name, progress, observation)
        return allowed, await self._live.advance(tag, allowed.name, progress)


def stages(state: State, ports: Ports, limit: int, now: Callable[[], str] = utc_now) -> Stages:
    """Return both stages; at most `limit` candidates run at the same time."""
    files, limits = ConversationFiles(ports.files), CandidateLimits(state.lister, limit)
    servers = LiveServers(state, ports.children, ports.secrets)

    def runner(stage: Stage, runs: ConversationRuns) -> CheckRunner:
        return CheckRunner(stage, state.queue, runs, VerificationJobs(ports.jobs, state.lister, stage), now)

    before = runner("Candidate", ConversationRuns(ports.say))  # A candidate takes its conversations with it.
    after = runner("Live", ConversationRuns(ports.say, ports.delete))
    candidates = CandidateStage(Candidates(state, ports.children), before, limits)
    return Stages(
        CandidateGate(state, files, before, limits, candidates),
        LiveAnnouncer(state, files, servers, after),
        LiveStage(files, servers, after),
    )
