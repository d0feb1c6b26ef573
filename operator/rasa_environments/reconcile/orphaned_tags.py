"""Tags whose ModelTag (deletionPolicy Delete) is gone: deleted, and recorded until their deletion is confirmed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.model_server import ModelServer, PendingTagDeletion
from rasa_environments.cluster.resources import MODEL_TAGS, NAMESPACES
from rasa_environments.controller.queue import Kind, Request
from rasa_environments.controller.state import State
from rasa_environments.domain.advice import message_of
from rasa_environments.domain.facts import Problem, ServerObservation
from rasa_environments.rasa.errors import RasaError
from rasa_environments.reconcile.clock import in_seconds
from rasa_environments.reconcile.ports import ApiServer, Connection, Connections

logger = logging.getLogger(__name__)

DELETE_SECONDS: Final = 20.0
"""Seconds for the tags that a check deletes; the next one deletes the rest."""
RECHECK_SECONDS: Final = 1.0
"""Seconds until the listing that shows whether a tag is gone."""


@dataclass(frozen=True)
class Orphans:
    """The result of a check."""

    done: frozenset[str] = frozenset()
    """Tags that need not be recorded any more."""
    recheck: bool = False
    """Whether the next listing can confirm some of them."""


class OrphanedTags:
    """Deletes orphaned tags; each is recorded until a listing that began after its deletion no longer contains it.

    A reconciliation of the ModelTag that was in progress during its deletion may still move the tag until it ends.
    """

    def __init__(self, state: State, clients: Connections, api: ApiServer) -> None:
        self._state = state
        self._api = api
        self._clients = clients
        self._unowned: dict[ObjectKey, frozenset[str]] = {}
        """By ModelServer: tags that nothing can have moved since the last check."""

    def forget(self, server: ObjectKey) -> None:
        """Discard what is known about a server that is gone."""
        self._unowned.pop(server, None)

    async def delete(self, server: ModelServer, observation: ServerObservation) -> Orphans:
        """Remove the listed tags from their models. Raises ApiError."""
        key = server.metadata.key
        unowned = self._unowned.pop(key, frozenset())
        claimed = {tag.tag for tag in self._state.lister.tags_of(key)}
        entries = [entry for entry in server.status.pending_tag_deletions or () if entry.tag not in claimed]
        if not entries or observation.problem is not None:
            return Orphans()
        orphans = [entry for entry in entries if entry.tag in unowned or not await self._is_there(entry)]
        connection = await self._clients.connect(server)
        if isinstance(connection, Problem):
            return Orphans()
        absent = unowned - observation.tags.keys() - observation.tag_problems.keys()
        done = await self._retained(server, orphans) | absent
        rest = [entry for entry in orphans if entry.tag not in done]
        self._unowned[key] = frozenset(entry.tag for entry in rest if not self._is_under_way(entry))
        failed = await self._delete_all(connection, server, rest, observation)
        # There is no hurry for one that survived a deletion: some servers confirm and do nothing.
        return Orphans(frozenset(done), recheck=any(entry.tag not in unowned | failed for entry in rest))

    async def _is_there(self, entry: PendingTagDeletion) -> bool:
        """Return whether the ModelTag exists although it is unknown here, because it is unusable or a list omitted it.

        The API server is asked, since a deletion outside of the cluster cannot be undone.
        """
        key = ObjectKey(entry.namespace, entry.name)
        if self._state.lister.tags.get(key) is not None:
            return False  # it has another tag by now
        return await self._api.find(MODEL_TAGS, key, metadata_only=True) is not None

    def _is_under_way(self, entry: PendingTagDeletion) -> bool:
        """Return whether a reconciliation of the ModelTag is still in progress."""
        return self._state.queue.is_running(Request(Kind.MODEL_TAG, ObjectKey(entry.namespace, entry.name)))

    async def _retained(self, server: ModelServer, entries: Sequence[PendingTagDeletion]) -> set[str]:
        """Return the tags whose ModelTag was deleted with its whole namespace.

        That does not decide on tags, so they stay.
        """
        gone = {entry.namespace for entry in entries if await self._is_going(entry.namespace)}
        retained = {entry.tag for entry in entries if entry.namespace in gone}
        for tag in sorted(retained):
            logger.info("ModelServer %s: tag %s stays, its ModelTag went with its namespace", server.metadata.key, tag)
        return retained

    async def _is_going(self, namespace: str) -> bool:
        """Return whether the namespace is being deleted, or is gone."""
        found = await self._api.find(NAMESPACES, ObjectKey("", namespace), metadata_only=True)
        return found is None or found["metadata"].get("deletionTimestamp") is not None

    async def _delete_all(
        self,
        connection: Connection,
        server: ModelServer,
        entries: Sequence[PendingTagDeletion],
        observation: ServerObservation,
    ) -> set[str]:
        """Delete the listed tags; return those whose deletion failed."""
        failed = set()
        request = Request(Kind.MODEL_SERVER, server.metadata.key)
        try:
            async with self._state.queue.outside(request, until=in_seconds(DELETE_SECONDS)):
                for tag in sorted(entry.tag for entry in entries):
                    tagged = observation.tags.get(tag)
                    if tagged is not None and not await self._delete(connection, server, tag, tagged.name):
                        failed.add(tag)
        except TimeoutError:
            logger.warning(
                "ModelServer %s: not all tags were deleted within %.0f s; the next check goes on",
                server.metadata.key,
                DELETE_SECONDS,
            )
        return failed

    async def _delete(self, connection: Connection, server: ModelServer, tag: str, model: str) -> bool:
        try:
            await connection.delete_tag(model, tag)
        except RasaError as error:
            logger.warning("ModelServer %s: tag %s is not deleted: %s", server.metadata.key, tag, message_of(error))
            return False
        logger.info("ModelServer %s: tag %s is deleted with its ModelTag", server.metadata.key, tag)
        self._state.observations.tag_written(server.metadata.key, tag, None)
        return True
