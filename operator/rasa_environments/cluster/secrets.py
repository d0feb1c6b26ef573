"""The Secrets that users refer to: watched as metadata, namespace by namespace, and read individually.

The content of a Secret is read when it is requested, and cached until it changes. Of all others in the namespace, only
the version is known. Secrets in which Helm stores its releases are excluded: they are large, numerous, and never
referred to.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import time
from collections.abc import Callable, Collection
from contextvars import Context
from typing import Final, NamedTuple

from rasa_environments.api.base import JsonObject, ObjectKey, SecretData
from rasa_environments.cluster.cache import ObjectCache, identity, version_alone
from rasa_environments.cluster.client import Client
from rasa_environments.cluster.reflector import Reflector
from rasa_environments.cluster.resources import SECRETS
from rasa_environments.cluster.retries import Retries

_NOT_OF_HELM: Final = "type!=helm.sh/release.v1"
_TRIES: Final = 3
_LARGEST_HELD: Final = 64 * 1024
"""Bytes of cached content; a larger Secret is read each time."""


class _Held:
    """The content of one requested Secret; the lock merges concurrent reads into one request."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.known = False
        self.version = 0
        self.content: SecretData | None = None
        self.changes = 0
        """Number of changes reported by the watch during a read."""


class _Namespace(NamedTuple):
    reflector: Reflector
    task: asyncio.Task[None]


class Secrets:
    """The Secrets of the requested namespaces; `run` must be running for any read to return."""

    def __init__(self, client: Client, on_change: Callable[[ObjectKey], None], retries: Retries | None = None) -> None:
        self.name = "secrets that resources name"
        self.synced = asyncio.Event()
        """Set when namespaces can be watched."""
        self._client = client
        self._on_change = on_change
        self._retries = retries or Retries()
        self._versions = ObjectCache(version_alone)
        self._held: dict[ObjectKey, _Held] = {}
        self._namespaces: dict[str, _Namespace] = {}
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Watch until cancelled; `on_change` gets the key of each Secret that is new, changed or gone."""
        async with asyncio.TaskGroup() as self._tasks:
            self.synced.set()
            await asyncio.Event().wait()

    @property
    def last_contact(self) -> float:
        """Time (`time.monotonic()`) of the last contact with the API server, of the namespace where it is oldest."""
        followed = self._namespaces.values()
        return min((namespace.reflector.last_contact for namespace in followed), default=time.monotonic())

    @property
    def failure(self) -> str | None:
        """Why no changes arrive at present, and from which namespace; None if they do."""
        for name, namespace in self._namespaces.items():
            if namespace.reflector.failure:
                return f"namespace {name}: {namespace.reflector.failure}"
        return None

    def set_namespaces(self, namespaces: Collection[str]) -> None:
        """Stop watching all other namespaces, and discard their Secrets."""
        for name in self._namespaces.keys() - set(namespaces):
            self._namespaces.pop(name).task.cancel()
            self._versions.forget(name)
            for key in [key for key in self._held if key.namespace == name]:
                del self._held[key]

    async def read(self, key: ObjectKey) -> SecretData | None:
        """Return the content of the Secret, or None if it does not exist; `on_change` notifies when to read again.

        Makes a request only if the latest version is not cached. Raises ApiError.
        """
        held = self._held.get(key)
        if held is not None and held.known:
            return held.content
        await self._follow(key.namespace)
        held = self._held.setdefault(key, _Held())
        async with held.lock:
            return held.content if held.known else await self._fetch(key, held)

    async def _follow(self, namespace: str) -> None:
        """Watch the namespace, and wait until its changes are reported.

        Raises ApiError if the API server rejects that.
        """
        await self.synced.wait()
        if self._tasks is None:
            raise AssertionError  # synced is set once there is a group
        if namespace not in self._namespaces:
            reflector = Reflector(
                self._client,
                SECRETS,
                self._versions,
                self._changed,
                namespaces=(namespace,),
                field_selector=_NOT_OF_HELM,
                metadata_only=True,
                retries=self._retries,
            )
            # It outlives its first caller, whose log context does not apply to it.
            task = self._tasks.create_task(reflector.run(), context=Context())
            self._namespaces[namespace] = _Namespace(reflector, task)
        await self._namespaces[namespace].reflector.ready()

    async def _fetch(self, key: ObjectKey, held: _Held) -> SecretData | None:
        """Read the content, again if the watch has reported a newer version meanwhile."""
        content: SecretData | None = None
        for _ in range(_TRIES):
            held.changes = 0
            held.version, content = await self._get(key)
            if not held.changes or held.version >= (self._versions.version(key) or 0) > 0:
                held.known = sum(len(name) + len(value) for name, value in (content or {}).items()) <= _LARGEST_HELD
                held.content = content if held.known else None
                return content
        self._on_change(key)  # it keeps changing: its users read it again
        return content

    async def _get(self, key: ObjectKey) -> tuple[int, SecretData | None]:
        """Return version and content; 0 and None if the Secret does not exist."""
        secret = await self._client.find(SECRETS, key)
        if secret is None:
            return 0, None
        data: JsonObject = secret.get("data") or {}
        content = {name: _decoded(value) for name, value in data.items()}
        return identity(secret)[1], content

    def _changed(self, key: ObjectKey, secret: JsonObject | None) -> None:
        held = self._held.get(key)
        if held is not None and held.lock.locked():
            held.changes += 1
            return  # the read in progress gets this version
        if held is not None and held.known and secret is not None and identity(secret)[1] <= held.version:
            return
        self._held.pop(key, None)
        self._on_change(key)


def _decoded(value: object) -> bytes:
    """Return the bytes of a value; none if it is not base64, which the API server would not store."""
    try:
        return base64.b64decode(value if isinstance(value, str) else "")
    except binascii.Error:
        return b""
