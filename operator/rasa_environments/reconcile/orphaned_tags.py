"""Tags whose ModelTag (deletionPolicy Delete) is gone: deleted, and remembered until that is seen."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.model_server import ModelServer, PendingTagDeletion
from rasa_environments.cluster.resources import MODEL_TAGS, NAMESPACES
from rasa_environments.controller.queue import Kind, Request
from rasa_environments.domain.facts import Problem, ServerObservation
from rasa_environments.rasa.errors import RasaError
from rasa_environments.rasa.model_server import ModelServerClient
from rasa_environments.reconcile.connections import Connections
from rasa_environments.reconcile.dependencies import Dependencies, in_seconds

logger = logging.getLogger(__name__)

DELETE_SECONDS: Final = 20.0
"""For the tags that a check deletes; the next one deletes the others."""
RECHECK_SECONDS: Final = 1.0
"""Until the listing that shows whether a tag is gone."""


@dataclass(frozen=True)
class Orphans:
    """What came of a check."""

    done: frozenset[str] = frozenset()
    """Tags that need not be remembered any more."""
    recheck: bool = False
    """Whether the next listing can settle some of them."""


class OrphanedTags:
    """Deletes them. A tag is forgotten only when a listing that began after its deletion does not show it.

    A reconciliation of the ModelTag that was under way when it was deleted may move the tag until it ends.
    """

    def __init__(self, dependencies: Dependencies, connections: Connections) -> None:
        self._dependencies = dependencies
        self._connections = connections
        self._unowned: dict[ObjectKey, frozenset[str]] = {}
        """By ModelServer: tags that nobody can have moved since the last check."""

    def forget(self, server: ObjectKey) -> None:
        """The server is gone."""
        self._unowned.pop(server, None)

    async def delete(self, server: ModelServer, observation: ServerObservation) -> Orphans:
        """Takes the tags that the listing shows off their models. Raises `ApiError`."""
        key = server.metadata.key
        unowned = self._unowned.pop(key, frozenset())
        claimed = {tag.tag for tag in self._dependencies.lister.tags_of(key)}
        entries = [entry for entry in server.status.pending_tag_deletions or () if entry.tag not in claimed]
        if not entries or observation.problem is not None:
            return Orphans()
        orphans = [entry for entry in entries if entry.tag in unowned or not await self._is_there(entry)]
        connection = await self._connections.connect(server)
        if isinstance(connection, Problem):
            return Orphans()
        absent = unowned - observation.tags.keys() - observation.tag_problems.keys()
        done = await self._retained(server, orphans) | absent
        rest = [entry for entry in orphans if entry.tag not in done]
        self._unowned[key] = frozenset(entry.tag for entry in rest if not self._is_under_way(entry))
        failed = await self._delete_all(connection, server, rest, observation)
        # One that is there still although it was deleted before is no hurry: some servers say yes and do nothing.
        return Orphans(frozenset(done), recheck=any(entry.tag not in unowned | failed for entry in rest))

    async def _is_there(self, entry: PendingTagDeletion) -> bool:
        """Whether there is a ModelTag that is not known here, because it cannot be used or a list lacked it.

        The API server is asked: a deletion outside of the cluster cannot be taken back.
        """
        key = ObjectKey(entry.namespace, entry.name)
        if self._dependencies.lister.tags.get(key) is not None:
            return False  # it has another tag by now
        return await self._dependencies.client.find(MODEL_TAGS, key, metadata_only=True) is not None

    def _is_under_way(self, entry: PendingTagDeletion) -> bool:
        """Whether a reconciliation of the ModelTag has not ended yet."""
        return self._dependencies.queue.is_running(Request(Kind.MODEL_TAG, ObjectKey(entry.namespace, entry.name)))

    async def _retained(self, server: ModelServer, entries: Sequence[PendingTagDeletion]) -> set[str]:
        """The tags whose ModelTag went with its whole namespace, which is no decision on a tag: these stay."""
        gone = {entry.namespace for entry in entries if await self._is_going(entry.namespace)}
        retained = {entry.tag for entry in entries if entry.namespace in gone}
        for tag in sorted(retained):
            logger.info("ModelServer %s: tag %s stays, its ModelTag went with its namespace", server.metadata.key, tag)
        return retained

    async def _is_going(self, namespace: str) -> bool:
        """Whether the namespace is being deleted, or is gone."""
        found = await self._dependencies.client.find(NAMESPACES, ObjectKey("", namespace), metadata_only=True)
        return found is None or found["metadata"].get("deletionTimestamp") is not None

    async def _delete_all(
        self,
        connection: ModelServerClient,
        server: ModelServer,
        entries: Sequence[PendingTagDeletion],
        observation: ServerObservation,
    ) -> set[str]:
        """Deletes the tags that the listing shows; returns those that were refused."""
        failed = set()
        request = Request(Kind.MODEL_SERVER, server.metadata.key)
        try:
            async with self._dependencies.asking(request, until=in_seconds(DELETE_SECONDS)):
                for tag in sorted(entry.tag for entry in entries):
                    carrier = observation.tags.get(tag)
                    if carrier is not None and not await self._delete(connection, server, tag, carrier.name):
                        failed.add(tag)
        except TimeoutError:
            logger.warning(
                "ModelServer %s: not all tags were deleted within %.0f s; the next check goes on",
                server.metadata.key,
                DELETE_SECONDS,
            )
        return failed

    async def _delete(self, connection: ModelServerClient, server: ModelServer, tag: str, model: str) -> bool:
        try:
            await connection.delete_tag(model, tag)
        except RasaError as error:
            logger.warning("ModelServer %s: tag %s is not deleted: %s", server.metadata.key, tag, error.message)
            return False
        logger.info("ModelServer %s: tag %s is deleted with its ModelTag", server.metadata.key, tag)
        self._dependencies.observations.tag_written(server.metadata.key, tag, None)
        return True
