"""Secrets that users name: their content is fetched when it is asked for, and kept until it changes.

Of all other Secrets only the metadata is watched, and only the version is kept. What Helm stores its releases in is
left out altogether: those are big, many, and nobody names them.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Mapping
from typing import Final

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.cluster.cache import ObjectCache
from rasa_environments.cluster.client import Client
from rasa_environments.cluster.errors import ApiError
from rasa_environments.cluster.reflector import Reflector
from rasa_environments.cluster.resources import SECRETS

_NOT_OF_HELM: Final = "type!=helm.sh/release.v1"


class _Held:
    """The content of one Secret that was asked for; the lock makes many askers one request."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.version = -1
        self.content: Mapping[str, bytes] | None = None


class Secrets:
    """The Secrets of all namespaces, or of some. `run` must be running for `read` to answer."""

    def __init__(
        self, client: Client, on_change: Callable[[ObjectKey], None], *, namespaces: tuple[str, ...] = ()
    ) -> None:
        self._client = client
        self._on_change = on_change
        self._versions = ObjectCache(_nothing)
        self._held: dict[ObjectKey, _Held] = {}
        self._reflector = Reflector(
            client,
            SECRETS,
            self._versions,
            self._changed,
            namespaces=namespaces,
            field_selector=_NOT_OF_HELM,
            metadata_only=True,
        )

    async def run(self) -> None:
        """Follow the Secrets until cancelled; `on_change` gets the key of each that is new, changed, or gone."""
        await self._reflector.run()

    @property
    def synced(self) -> asyncio.Event:
        """Set when it is known which Secrets exist."""
        return self._reflector.synced

    @property
    def last_contact(self) -> float:
        """When (`time.monotonic()`) the API server was last heard."""
        return self._reflector.last_contact

    async def read(self, key: ObjectKey) -> Mapping[str, bytes] | None:
        """The content of the Secret, or None if there is no such Secret; `on_change` tells when to read again.

        Makes a request only if the content of the version that was seen last is not held yet. Raises `ApiError`.
        """
        await self.synced.wait()
        version = self._versions.version(key)
        if version is None:
            return None
        held = self._held.setdefault(key, _Held())
        async with held.lock:
            if held.version < version:
                await self._fetch(key, held)
        return held.content

    async def _fetch(self, key: ObjectKey, held: _Held) -> None:
        try:
            secret = await self._client.get(SECRETS, key)
        except ApiError as error:
            if error.status != 404:
                raise
            held.content = None
            return
        held.version = int(secret["metadata"]["resourceVersion"])
        held.content = {name: base64.b64decode(value) for name, value in (secret.get("data") or {}).items()}

    def _changed(self, key: ObjectKey, _: JsonObject | None) -> None:
        held = self._held.get(key)
        version = self._versions.version(key)
        if held is not None and (version is None or held.version < version):
            del self._held[key]
        self._on_change(key)


def _nothing(_: JsonObject) -> JsonObject:
    return {}
