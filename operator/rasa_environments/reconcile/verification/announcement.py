"""Announces that a model is verified with the environments once it has the tag, before it gets it."""

from __future__ import annotations

from typing import Final

from rasa_environments.api.conditions import Reason
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.api.verification import Check
from rasa_environments.controller.state import State
from rasa_environments.domain.facts import Problem, ServerObservation, TaggedModel
from rasa_environments.domain.lister import server_of_tag
from rasa_environments.domain.live_verification import (
    abandoned,
    announced,
    is_requested_again,
    live_record,
    needs_live,
    tested_live,
    untested,
)
from rasa_environments.domain.verification import Progress, rejection
from rasa_environments.reconcile.verification.check_runner import CheckRunner
from rasa_environments.reconcile.verification.files import ConversationFiles
from rasa_environments.reconcile.verification.live_servers import LiveServers

FILES_SECONDS: Final = 30.0
"""Seconds between two looks at conversations or a jobTemplate that cannot be used."""


class LiveAnnouncer:
    """Announces live verifications; the tag stays while one could not be run."""

    def __init__(self, state: State, files: ConversationFiles, servers: LiveServers, runner: CheckRunner) -> None:
        self._state = state
        self._files = files
        self._servers = servers
        self._runner = runner

    async def prepare(
        self, tag: ModelTag, desired: str | None, progress: Progress, observation: ServerObservation
    ) -> Progress:
        """Return the progress with the verification of the desired model announced, if it needs one.

        It has a problem, and the tag stays, if conversations or jobTemplate cannot be used. Raises ApiError.
        """
        check = None if tag.spec.verification is None else tag.spec.verification.live
        current = abandoned(progress, _model_with_tag(tag, desired, progress) if check is not None else None)
        if check is None or desired is None or current.problem is not None:
            return current
        tagged = observation.tags.get(tag.tag)
        model = observation.models.get(desired) or (tagged if tagged is not None and tagged.name == desired else None)
        if model is None or not model.compatible or _is_announced(current, model):
            return current
        if rejection(current, model) is not None:
            return current  # it keeps the tag while the next model is held
        if not needs_live(tag, model, tagged) and not is_requested_again(tag, model, current):
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
        return announced(current, model, found.digest, self._runner.now())

    async def _refusal(self, tag: ModelTag, check: Check, model: TaggedModel) -> Problem | None:
        """Return why no Job could test the model once it has the tag. Raises ApiError."""
        await self._state.index_claims(server_of_tag(tag))
        environments = self._servers.environments(tag)
        if environments and not tested_live(tag, check, environments):
            return Problem(Reason.NO_ENVIRONMENT, untested(tag))
        return await self._runner.refusal(tag, check, model, environments)


def _model_with_tag(tag: ModelTag, desired: str | None, progress: Progress) -> str | None:
    """Return the model that the tag will be on: the desired one, unless that has a problem."""
    last = tag.status.tagged_model
    return desired if progress.problem is None or last is None else last.name


def _is_announced(progress: Progress, model: TaggedModel) -> bool:
    record = live_record(progress)
    return record is not None and (record.name, record.hash) == (model.name, model.hash)
