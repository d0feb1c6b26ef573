"""Both stages of a verification: with candidates before a tag moves, and with the environments afterwards."""

from __future__ import annotations

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.domain.desired_model import DesiredModel
from rasa_environments.domain.facts import ServerObservation
from rasa_environments.domain.live_verification import without_rejected
from rasa_environments.domain.verification import Progress, held, to_be_verified, unasked
from rasa_environments.reconcile.verification.gate import CandidateGate, Unable
from rasa_environments.reconcile.verification.live import LiveStage


class Stages:
    """Decides which model a tag carries while others are verified, and carries verifications on."""

    def __init__(self, candidate: CandidateGate, live: LiveStage) -> None:
        self._candidate = candidate
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
        progress = await self._live.prepare(tag, desired.name, progress, observation)
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
