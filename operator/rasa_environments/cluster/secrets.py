"""The Secrets that users name, and those of the operator: watched, namespace by namespace, and never listed.

Of a Secret that is named the content is fetched when it is asked for, and kept until it changes. Of all others only
the metadata is seen, and only the version is kept. What Helm stores its releases in is left out altogether: those are
big, many, and nobody names them.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable, Collection, Mapping
from typing import Final, NamedTuple

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.cluster.cache import ObjectCache
from rasa_environments.cluster.client import Client
from rasa_environments.cluster.errors import ApiError
from rasa_environments.cluster.namespace_watch import NamespaceWatch
from rasa_environments.cluster.reflector import OnChange
from rasa_environments.cluster.resources import SECRETS

_NOT_OF_HELM: Final = "type!=helm.sh/release.v1"
_TRIES: Final = 3


class _Held:
    """The content of one Secret that was asked for; the lock makes many askers one request."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.known = False
        self.version = -1
        self.content: Mapping[str, bytes] | None = None


class _Followed(NamedTuple):
    """The watches of one namespace, and the tasks that run them."""

    watches: tuple[NamespaceWatch, ...]
    tasks: tuple[asyncio.Task[None], ...]


class OwnSecrets(NamedTuple):
    """Which Secrets are the operator's, where they are kept, and who is told of their changes."""

    label_selector: str
    cache: ObjectCache
    on_change: OnChange


class Secrets:
    """The Secrets of the namespaces that are asked for. `run` must be running for anything to answer."""

    def __init__(self, client: Client, own: OwnSecrets, on_change: Callable[[ObjectKey], None]) -> None:
        self.name = SECRETS.plural
        self.failure: str | None = None
        self._client = client
        self._own = own
        self._on_change = on_change
        self._versions = ObjectCache(_nothing)
        self._held: dict[ObjectKey, _Held] = {}
        self._followed: dict[str, _Followed] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self.synced = asyncio.Event()
        """Set when namespaces can be followed."""

    async def run(self) -> None:
        """Follow until cancelled; `on_change` gets the key of each Secret that is new, changed, or gone."""
        async with asyncio.TaskGroup() as self._tasks:
            self.synced.set()
            await asyncio.Event().wait()

    @property
    def last_contact(self) -> float:
        """When (`time.monotonic()`) the API server was last heard, in the namespace where that is longest ago."""
        watches = [watch for followed in self._followed.values() for watch in followed.watches]
        return min((watch.last_contact for watch in watches), default=time.monotonic())

    async def follow(self, namespace: str) -> None:
        """Returns when the changes in a namespace are told. Raises `ApiError` where the API server refuses."""
        await self.synced.wait()
        if namespace not in self._followed:
            self._followed[namespace] = self._start(namespace)
        for watch in self._followed[namespace].watches:
            await watch.opened()

    def keep_only(self, namespaces: Collection[str]) -> None:
        """Stop following all other namespaces, and forget their Secrets."""
        for namespace in self._followed.keys() - set(namespaces):
            followed = self._followed.pop(namespace)
            for task in followed.tasks:
                task.cancel()
            self._own.cache.forget(namespace)
            self._versions.forget(namespace)
            for key in [key for key in self._held if key.namespace == namespace]:
                del self._held[key]

    async def read(self, key: ObjectKey) -> Mapping[str, bytes] | None:
        """The content of the Secret, or None if there is no such Secret; `on_change` tells when to read again.

        Makes a request only if what was seen last is not held yet. Raises `ApiError`.
        """
        held = self._held.get(key)
        if held is None or not held.known:
            await self.follow(key.namespace)
            held = self._held.setdefault(key, _Held())
            async with held.lock:
                if not held.known:
                    await self._fetch(key, held)
        return held.content

    async def _fetch(self, key: ObjectKey, held: _Held) -> None:
        """Get the content, again if the watch has brought a later version meanwhile."""
        for _ in range(_TRIES):
            await self._fetch_once(key, held)
            if held.version >= (self._versions.version(key) or -1):
                break

    async def _fetch_once(self, key: ObjectKey, held: _Held) -> None:
        try:
            secret = await self._client.get(SECRETS, key)
        except ApiError as error:
            if error.status != 404:
                raise
        else:
            held.version = int(secret["metadata"]["resourceVersion"])
            held.content = {name: base64.b64decode(value) for name, value in (secret.get("data") or {}).items()}
        held.known = True

    def _start(self, namespace: str) -> _Followed:
        if self._tasks is None:
            raise AssertionError  # synced is set once there is a group
        own, group = self._own, self._tasks
        watches = (
            NamespaceWatch(
                self._client,
                SECRETS,
                namespace,
                own.cache,
                own.on_change,
                label_selector=own.label_selector,
            ),
            NamespaceWatch(
                self._client,
                SECRETS,
                namespace,
                self._versions,
                self._changed,
                field_selector=_NOT_OF_HELM,
                metadata_only=True,
            ),
        )
        return _Followed(watches, tuple(group.create_task(watch.run()) for watch in watches))

    def _changed(self, key: ObjectKey, _: JsonObject | None) -> None:
        held = self._held.get(key)
        version = self._versions.version(key)
        if held is not None and version is not None:
            if not held.known:
                return  # who is asking for it right now gets this version
            if version <= held.version:
                return
        self._held.pop(key, None)
        self._on_change(key)


def _nothing(_: JsonObject) -> JsonObject:
    return {}
