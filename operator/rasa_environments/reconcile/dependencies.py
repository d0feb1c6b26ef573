"""The dependencies of all reconcilers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from rasa_environments.api.base import ObjectKey
from rasa_environments.cluster.children import Children
from rasa_environments.cluster.client import Client
from rasa_environments.cluster.events import Record, record_nothing
from rasa_environments.cluster.secrets import Secrets
from rasa_environments.controller.answer_times import AnswerTimes
from rasa_environments.controller.observations import Observations
from rasa_environments.controller.pods import Pods
from rasa_environments.controller.promotions import Promotions
from rasa_environments.controller.queue import Request, WorkQueue
from rasa_environments.controller.registrations import Registrations
from rasa_environments.controller.secret_references import SecretReferences
from rasa_environments.desired.context import OperatorPods
from rasa_environments.domain.lister import Lister
from rasa_environments.rasa.transport import HttpClient


def utc_now() -> str:
    """Return the time in Kubernetes' format."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Intervals:
    """How often to check external systems, in seconds."""

    model_server: float = 30.0
    """Between two listings of a model server."""
    served: float = 60.0
    """Between two checks of a pod that serves the desired model."""
    first_served: float = 1.0
    """Until the second check of a pod that does not serve the desired model yet; grows from there."""


@dataclass(frozen=True)
class Dependencies:
    """The API server, the caches, the queue, and what is known about model servers."""

    client: Client
    children: Children
    secrets: Secrets
    pods: Pods
    http: HttpClient
    queue: WorkQueue = field(default_factory=WorkQueue)
    lister: Lister = field(default_factory=Lister)
    references: SecretReferences = field(default_factory=SecretReferences)
    observations: Observations = field(default_factory=Observations)
    registrations: Registrations = field(default_factory=Registrations)
    promotions: Promotions = field(default_factory=Promotions)
    answer_times: AnswerTimes = field(default_factory=AnswerTimes)
    intervals: Intervals = Intervals()
    accept_unchecked: bool = False
    """Whether a pod that cannot be asked counts as serving the desired model."""
    operator_pods: OperatorPods | None = None
    now: Callable[[], str] = utc_now
    record: Record = record_nothing
    """Records Events."""

    @asynccontextmanager
    async def asking(self, request: Request, *, until: float) -> AsyncIterator[None]:
        """Release the slot for others while the block asks an external server (`WorkQueue.outside`).

        Raises TimeoutError if the block has not ended by `until` (time of the event loop).
        """
        async with self.queue.outside(request), asyncio.timeout_at(until):
            yield


async def index_claims(lister: Lister, server: ObjectKey) -> None:
    """Index the claims that a change of the server's spec left to index, a few at a time.

    Asking for conflicts right afterwards does not hold up the event loop, however many environments the server has.
    """
    while lister.index_some_claims(server):  # noqa: ASYNC110 - nobody else does this work meanwhile
        await asyncio.sleep(0)


def in_seconds(seconds: float) -> float:
    """Return the time of the event loop that many seconds from now."""
    return asyncio.get_running_loop().time() + seconds
