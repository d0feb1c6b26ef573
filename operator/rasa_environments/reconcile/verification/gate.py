"""The gate before a tag: a model passes once it was verified with a candidate of every environment."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.api.verification import Check
from rasa_environments.controller.state import State
from rasa_environments.domain.candidates import hosts, no_host
from rasa_environments.domain.facts import Problem, ServerObservation, TaggedModel
from rasa_environments.domain.lister import server_of_tag
from rasa_environments.domain.verification import (
    Progress,
    has_passed,
    may_have_passed,
    recorded,
    rejected_again,
    rejection,
    started,
    verifying_model,
    was_served,
)
from rasa_environments.reconcile.verification.candidate_limits import CandidateLimits
from rasa_environments.reconcile.verification.candidate_stage import CandidateStage, verifying
from rasa_environments.reconcile.verification.check_runner import CheckRunner
from rasa_environments.reconcile.verification.files import ConversationFiles, ConversationSet

Unable: TypeAlias = Callable[[], Awaitable[Problem | None]]
LISTING_SECONDS: Final = 10.0
"""Seconds until the gate looks again whether the model server was listed, which enqueues the ModelTag as well."""
RECHECK_SECONDS: Final = 30.0
"""Seconds between two looks at what nobody announces: ConfigMaps, and candidates of other ModelTags."""


class CandidateGate:
    """Decides whether a model may get a tag, and begins its verification by `stage`."""

    def __init__(
        self,
        state: State,
        files: ConversationFiles,
        runner: CheckRunner,
        limits: CandidateLimits,
        stage: CandidateStage,
    ) -> None:
        self._state = state
        self._files = files
        self._runner = runner
        self._limits = limits
        self._stage = stage

    async def forget(self, tag: ObjectKey) -> None:
        """End the verification for a ModelTag that is gone. Raises ApiError."""
        await self._stage.forget(tag)

    async def end(self, tag: ModelTag) -> None:
        """End the verification for a ModelTag that verifies no model now. Raises ApiError."""
        await self._stage.end(tag)

    async def check(
        self, tag: ModelTag, desired: str | None, observation: ServerObservation, unable: Unable
    ) -> Progress:
        """Return the progress of the verification of the desired model; without a problem, it may get the tag.

        `unable` tells whether an environment could not even load it, which is asked before candidates are created.
        Raises ApiError.
        """
        progress, verification = recorded(tag, desired), tag.spec.verification
        if verification is None or desired is None:
            return await self._idle(tag, progress)
        if not observation.known:
            unlisted = f"model {desired} is verified once the model server is listed"
            return progress.waiting(Reason.PENDING, unlisted, LISTING_SECONDS)
        tagged = observation.tags.get(tag.tag)
        model = observation.models.get(desired) or (tagged if tagged is not None and tagged.name == desired else None)
        if model is None:
            idle = await self._idle(tag, progress)
            return idle.waiting(Reason.MODEL_NOT_FOUND, _unlisted(tag, desired), RECHECK_SECONDS)
        rejected = rejection(progress, model)
        if rejected is not None:
            return rejected_again(tag, model.name, rejected.message, await self._idle(tag, progress))
        if verification.candidate is None or not model.compatible or was_served(tag, model, tagged):
            return await self._idle(tag, progress)
        return await self._verify(tag, verification.candidate, model, progress, unable)

    async def _idle(self, tag: ModelTag, progress: Progress) -> Progress:
        """Return the progress without a verification in progress. Raises ApiError."""
        await self.end(tag)
        return progress.idle()

    async def _verify(
        self, tag: ModelTag, check: Check, model: TaggedModel, progress: Progress, unable: Unable
    ) -> Progress:
        """Return the progress of a model that must pass: it has passed, waits, or its verification goes on."""
        key = tag.metadata.key
        await self._state.index_claims(server_of_tag(tag))
        environments, obstacles = hosts(tag, self._state.lister)
        in_progress = verifying_model(tag.status) is not None
        problem = no_host(tag, check, environments, obstacles) or (None if in_progress else self._limits.refusal(tag))
        if problem is not None and not may_have_passed(progress, model):
            return await self._held(tag, progress, problem)  # Nothing is read for whoever has to wait anyway.
        found = self._runner.conversations(key, model, check) or await self._files.read(key, check)
        if isinstance(found, Problem):
            return await self._held(tag, progress, found)
        if has_passed(progress, model, found.digest):
            return await self._idle(tag, progress)
        if problem is None and not in_progress:
            problem = await unable() or await self._runner.refusal(tag, check, model, environments)
        if problem is not None:
            return await self._held(tag, progress, problem)
        return await self._begin(tag, check, model, found, environments, progress)

    async def _held(self, tag: ModelTag, progress: Progress, problem: Problem) -> Progress:
        """Return the progress of a verification that cannot go on: it starts anew once it can. Raises ApiError."""
        idle = await self._idle(tag, progress)
        return idle.waiting(problem.reason, problem.message, RECHECK_SECONDS, stalled=problem.stalled)

    async def _begin(
        self,
        tag: ModelTag,
        check: Check,
        model: TaggedModel,
        found: ConversationSet,
        environments: Sequence[DeploymentEnvironment],
        progress: Progress,
    ) -> Progress:
        """Return the progress with the verification begun, or carried on if that is recorded. Raises ApiError."""
        self._runner.begin(tag.metadata.key, model, check, found)
        begun = started(progress, model, found.digest, self._runner.now())
        if tag.status.verifications == list(begun.records):
            return await self._stage.advance(tag, check, model, found, environments, begun)
        await self._runner.end_jobs(tag)  # of an earlier verification
        return verifying(tag, model, environments, begun, 0.0)  # Recorded first; then the candidates are created.


def _unlisted(tag: ModelTag, model: str) -> str:
    return (
        f"model {model} is not listed by ModelServer {server_of_tag(tag)}, so it cannot be verified: upload it, or "
        "name one that it lists"
    )
