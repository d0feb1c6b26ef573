"""Identification of the models of servers that do not name them: each file is read once, and the result kept."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from rasa_environments.api.base import ObjectKey
from rasa_environments.domain.advice import message_of
from rasa_environments.domain.facts import TaggedModel
from rasa_environments.rasa.errors import RasaError, UnreadableModelError
from rasa_environments.rasa.model_archive import ModelIdentity
from rasa_environments.reconcile.ports import Connection

logger = logging.getLogger(__name__)

RETRY_SECONDS = 60.0
"""Seconds until a file that could not be downloaded is read again; doubles with each failure."""
LONGEST_RETRY_SECONDS = 3600.0
AT_A_TIME = 2
"""Files that are read at the same time, for all model servers together; others wait for the next check."""
KEPT = 4
"""Files of one tag that are remembered: replicas of a file server may each have an ETag of their own."""
KEPT_SECONDS = 240.0
"""Seconds within which at most that many files of a tag are read, however often its ETag changes."""


@dataclass(frozen=True)
class _Read:
    """The result of reading a file; `due` and `wait` if it is to be retried."""

    identity: ModelIdentity | None = None
    problem: str | None = None
    due: float | None = None
    wait: float = RETRY_SECONDS
    at: float = 0.0
    """When it was read (time of the event loop)."""


class ModelIdentities:
    """The identities in the files of each ModelServer's tags, by tag and hash."""

    def __init__(self) -> None:
        self._read: dict[ObjectKey, dict[tuple[str, str], _Read]] = {}
        self._reading = 0

    def forget(self, server: ObjectKey) -> None:
        """Discard what is known about a server that is gone."""
        self._read.pop(server, None)

    def identified(self, server: ObjectKey, tag: str, model: TaggedModel) -> TaggedModel:
        """Return the model with the identity from its file, or why there is none."""
        read = self._read.get(server, {}).get((tag, model.hash))
        if model.named or read is None:
            return model
        if read.identity is None:
            return replace(model, unidentified=read.problem)
        return replace(model, model_id=read.identity.model_id, trained_at=read.identity.trained_at)

    async def read(
        self,
        server: ObjectKey,
        connection: Connection,
        tags: Iterable[tuple[str, TaggedModel]],
        notify: Callable[[str, TaggedModel], None],
        *,
        until: float,
    ) -> None:
        """Download the unread files one after the other; `notify` is called with each tag and its model.

        A file without an identity is not read again under the same hash; one that could not be downloaded is retried
        with backoff. It stops at `until` (time of the event loop), since the tags are not checked meanwhile.
        """
        for tag, model in tags:
            if self._reading >= AT_A_TIME or asyncio.get_running_loop().time() >= until:
                return
            if model.named or not self._is_due(server, tag, model):
                continue
            before = self._read.get(server, {}).get((tag, model.hash))
            self._reading += 1
            try:
                read = await _reading(connection, tag, model, before, until)
            finally:
                self._reading -= 1
            self._keep(server, (tag, model.hash), read)
            if read.problem is not None and (before is None or before.problem != read.problem):
                logger.warning("ModelServer %s, tag %s: %s", server, tag, read.problem)
            notify(tag, self.identified(server, tag, model))

    def _is_due(self, server: ObjectKey, tag: str, model: TaggedModel) -> bool:
        now, known = asyncio.get_running_loop().time(), self._read.get(server, {})
        read = known.get((tag, model.hash))
        if read is not None:
            return read.due is not None and now >= read.due
        return sum(now - other.at < KEPT_SECONDS for (name, _), other in known.items() if name == tag) < KEPT

    def _keep(self, server: ObjectKey, key: tuple[str, str], read: _Read) -> None:
        known = self._read.setdefault(server, {})
        known.pop(key, None)
        known[key] = read
        of_tag = [other for other in known if other[0] == key[0]]
        for old in of_tag[:-KEPT]:
            del known[old]


async def _reading(connection: Connection, tag: str, model: TaggedModel, before: _Read | None, until: float) -> _Read:
    now = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout_at(until):
            return _Read(await connection.pulls.identity(tag, model.hash), at=now)
    except UnreadableModelError as error:
        return _Read(problem=message_of(error), at=now)
    except RasaError as error:
        problem = message_of(error)
    except TimeoutError:
        problem = "its file was not downloaded in time"
    wait = RETRY_SECONDS if before is None else min(before.wait * 2, LONGEST_RETRY_SECONDS)
    return _Read(problem=problem, due=now + wait, wait=wait, at=now)
