"""What the process keeps in memory alone: shared by the event handlers and all reconcilers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from rasa_environments.api.base import ObjectKey
from rasa_environments.controller.answer_times import AnswerTimes
from rasa_environments.controller.candidate_problems import CandidateProblems
from rasa_environments.controller.observations import Observations
from rasa_environments.controller.pods import Pods
from rasa_environments.controller.promotions import Promotions
from rasa_environments.controller.queue import Kind, Request, WorkQueue
from rasa_environments.controller.registrations import Registrations
from rasa_environments.controller.secret_references import SecretReferences
from rasa_environments.domain.lister import Lister


@dataclass(frozen=True)
class State:
    """The objects, the queue, and what is known of model servers and pods; a new process starts with none of it."""

    queue: WorkQueue = field(default_factory=WorkQueue)
    lister: Lister = field(default_factory=Lister)
    references: SecretReferences = field(default_factory=SecretReferences)
    observations: Observations = field(default_factory=Observations)
    registrations: Registrations = field(default_factory=Registrations)
    pods: Pods = field(default_factory=Pods)
    promotions: Promotions = field(default_factory=Promotions)
    answer_times: AnswerTimes = field(default_factory=AnswerTimes)
    candidate_problems: CandidateProblems = field(default_factory=CandidateProblems)

    def enqueue(self, kind: Kind, key: ObjectKey) -> None:
        """Request a reconciliation of that object now."""
        self.queue.add(Request(kind, key))

    async def index_claims(self, server: ObjectKey) -> None:
        """Index the claims that a change of the server's spec left to index, a few at a time.

        Asking for conflicts right afterwards does not hold up the event loop, however many environments the server has.
        """
        while self.lister.index_some_claims(server):  # noqa: ASYNC110 - nobody else does this work meanwhile
            await asyncio.sleep(0)
