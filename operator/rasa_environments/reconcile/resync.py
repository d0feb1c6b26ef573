"""Lists compared with what is known: kopf's watches can miss that an object was deleted while the line was cut."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from rasa_environments.api.base import ObjectKey
from rasa_environments.cluster.client import ApiError, Client
from rasa_environments.cluster.resources import resource_of
from rasa_environments.reconcile.dispatch import Dispatcher
from rasa_environments.reconcile.queue import Kind

logger = logging.getLogger(__name__)


async def resync(client: Client, dispatcher: Dispatcher, namespaces: tuple[str, ...]) -> None:
    """Lists the three kinds once, and tells the dispatcher what is there and what is not. Raises ApiError."""
    for kind in Kind:
        for namespace in namespaces or (None,):
            await _resync_kind(client, dispatcher, kind, namespace)


async def resync_forever(
    client: Client,
    dispatcher: Dispatcher,
    namespaces: tuple[str, ...],
    seconds: float,
    resynced: Callable[[], None],
) -> None:
    """Lists again every so many seconds, and calls `resynced`; a failure is logged and tried again at the next turn."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await resync(client, dispatcher, namespaces)
            resynced()
        except ApiError as error:
            logger.warning("listing the resources again failed: %s", error)


async def _resync_kind(client: Client, dispatcher: Dispatcher, kind: Kind, namespace: str | None) -> None:
    known = dispatcher.known(kind)
    listing = await client.list(resource_of(kind), namespace)
    there: set[ObjectKey] = set()
    for body in listing.items:
        there.add(ObjectKey(body["metadata"]["namespace"], body["metadata"]["name"]))
        dispatcher.seen(kind, body)
    for key, version in known.items():
        in_scope = namespace is None or key.namespace == namespace
        if in_scope and key not in there and version <= int(listing.resource_version):
            logger.info("%s %s was deleted unseen", kind, key)
            dispatcher.gone(kind, key)
