"""Holds conversations with Rasa servers, one after the other, over several reconciliations of a ModelTag.

Between two conversations the ModelTag is read again, so that a changed spec takes effect at once. What is known so far
is kept in memory: a new process holds the conversations again.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.verification import Check
from rasa_environments.domain.conversations import Conversation
from rasa_environments.domain.expectations import ConversationResult, StepResult, compare
from rasa_environments.domain.facts import TaggedModel
from rasa_environments.rasa.errors import RasaError
from rasa_environments.reconcile.ports import Forget, Say
from rasa_environments.reconcile.verification.files import ConversationSet
from rasa_environments.reconcile.verification.servers import ServerUnderTest

logger = logging.getLogger(__name__)

SENDER_PREFIX: Final = "verification-"
HELD_AT_A_TIME: Final = 8
"""Conversations with different servers at the same time."""


@dataclass
class _Run:
    model: TaggedModel
    check: Check
    found: ConversationSet
    results: dict[ObjectKey, list[ConversationResult]] = field(default_factory=dict)
    faults: dict[ObjectKey, str] = field(default_factory=dict)


class ConversationRuns:
    """The runs in progress, by ModelTag; messages are sent by `say` (`rasa.conversations.say`).

    Conversations are deleted by `delete` (`rasa.conversations.forget`) unless the server takes them with it.
    """

    def __init__(self, say: Say, delete: Forget | None = None) -> None:
        self._say = say
        self._delete = delete
        self._runs: dict[ObjectKey, _Run] = {}

    def forget(self, tag: ObjectKey) -> None:
        """Discard the run of a ModelTag that verifies no model any more."""
        self._runs.pop(tag, None)

    def conversations(self, tag: ObjectKey, model: TaggedModel, check: Check) -> ConversationSet | None:
        """Return the conversations of the run in progress for that model and check, as read when it began."""
        run = self._runs.get(tag)
        return run.found if run is not None and (run.model, run.check) == (model, check) else None

    def begin(self, tag: ObjectKey, model: TaggedModel, check: Check, found: ConversationSet) -> None:
        """Begin a run, unless it is in progress."""
        if self.conversations(tag, model, check) is not found:
            self._runs[tag] = _Run(model, check, found)

    async def advance(self, tag: ObjectKey, servers: Sequence[ServerUnderTest]) -> None:
        """Hold the next conversation with each server. One that does not answer is asked again next time."""
        run = self._runs[tag]
        conversations, limit = run.found.conversations, asyncio.Semaphore(HELD_AT_A_TIME)

        async def next_one(server: ServerUnderTest) -> None:
            results = run.results.setdefault(server.environment, [])
            if len(results) == len(conversations):
                return
            try:
                async with limit:
                    results.append(await self._hold(server, conversations[len(results)]))
            except RasaError as error:
                run.faults[server.environment] = str(error)
            else:
                run.faults.pop(server.environment, None)

        async with asyncio.TaskGroup() as tasks:
            for server in servers:
                tasks.create_task(next_one(server))

    def results(self, tag: ObjectKey) -> dict[ObjectKey, tuple[ConversationResult, ...]]:
        """Return the results so far, by environment."""
        run = self._runs.get(tag)
        return {} if run is None else {environment: tuple(results) for environment, results in run.results.items()}

    def fault(self, tag: ObjectKey, environment: ObjectKey) -> str | None:
        """Return why the last conversation with a server was not held to its end, or None."""
        run = self._runs.get(tag)
        return None if run is None else run.faults.get(environment)

    async def _hold(self, server: ServerUnderTest, conversation: Conversation) -> ConversationResult:
        """Hold a conversation up to its end, or the first expectation that is not met. Raises RasaError."""
        sender, steps = f"{SENDER_PREFIX}{secrets.token_hex(16)}", list[StepResult]()
        try:
            for turn in conversation.turns:
                with_events = any(each.reads_tracker for each in turn.expectations)
                reaction = await self._say(
                    server.url, sender, turn.message, token=server.token, with_events=with_events
                )
                steps += compare(turn, reaction, server.secrets)
                if not all(step.passed for step in steps):
                    break
        finally:
            await self._forget(server, sender)
        return ConversationResult(conversation.name, conversation.file, tuple(steps))

    async def _forget(self, server: ServerUnderTest, sender: str) -> None:
        """Delete a conversation; a failure is logged, since it says nothing about the model."""
        if self._delete is None:
            return
        try:
            await self._delete(server.url, sender, token=server.token)
        except RasaError as error:
            logger.warning("conversation %s of environment %s was not deleted: %s", sender, server.environment, error)
