"""A stand-in for the API server, through which kopf sees the operator's own kinds as the reflectors know them.

kopf parses whatever it receives, and ends if it cannot. Even the metadata of an object can be nested as deeply as its
spec: `managedFields` contains every key of a free-form map (9000 nested maps made 135 KB of metadata, observed with
Kubernetes 1.36). So kopf gets a session (`kopf.AiohttpSession`) that answers from memory: discovery, one list and one
endless watch for each kind, with names and versions only. The reflectors do the reading, and handle limits, credentials
and relists, so that nothing that the API server or an object does reaches kopf.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qs, urlsplit

from rasa_environments.api.base import API_VERSION, GROUP, VERSION, JsonObject, ObjectKey
from rasa_environments.cluster.resources import DEPLOYMENT_ENVIRONMENTS, MODEL_SERVERS, MODEL_TAGS, Resource

SERVER: Final = "http://reflectors"
"""URL for kopf; no request is ever sent there."""
OWN_RESOURCES: Final = (MODEL_SERVERS, DEPLOYMENT_ENVIRONMENTS, MODEL_TAGS)
_BOOKMARK_SECONDS: Final = 30.0
"""kopf considers a watch dead after 70 s without events (`settings.watching.inactivity_timeout`)."""
_BOOKMARK: Final = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "0"}}}


def event_object(resource: Resource, key: ObjectKey) -> JsonObject:
    """Return what kopf receives of an object: only its identity. Handlers look up the rest."""
    uid = f"{resource.plural}/{key}"  # kopf's identity of an object
    metadata = {"namespace": key.namespace, "name": key.name, "uid": uid, "resourceVersion": "0"}
    return {"apiVersion": API_VERSION, "kind": resource.kind, "metadata": metadata}


class KopfSession:
    """Replaces an `aiohttp.ClientSession` in kopf; it belongs to kopf's event loop."""

    def __init__(self, keys: Mapping[Resource, Iterable[ObjectKey]]) -> None:
        self.headers: dict[str, str] = {}
        self.closed = False
        self._listed = {resource.plural: tuple(found) for resource, found in keys.items()}
        self._changes: dict[str, asyncio.Queue[JsonObject]] = {
            resource.plural: asyncio.Queue() for resource in OWN_RESOURCES
        }

    def changed(self, resource: Resource, key: ObjectKey, *, deleted: bool) -> None:
        """Notify kopf that an object has appeared, changed or been deleted."""
        kind = "DELETED" if deleted else "MODIFIED"
        self._changes[resource.plural].put_nowait({"type": kind, "object": event_object(resource, key)})

    async def request(self, *, method: str, url: str, **_: Any) -> Response:
        """Return the response to a request of kopf: 404 except for discovery, lists and watches of the own kinds."""
        address = urlsplit(url)
        body = _DISCOVERY.get(address.path)
        if method.upper() != "GET":
            return Response(405)
        if body is not None:
            return Response(200, body)
        resource = next((found for found in OWN_RESOURCES if address.path == found.path()), None)
        if resource is None:
            return Response(404)
        if "watch" in parse_qs(address.query):
            return Response(200, changes=self._changes[resource.plural])
        items = [event_object(resource, key) for key in self._listed[resource.plural]]
        return Response(200, {"metadata": {"resourceVersion": "0"}, "items": items})

    async def close(self) -> None:
        """Mark the session as closed; kopf calls this when it stops."""
        self.closed = True


@dataclass
class Response:
    """The part of `aiohttp.ClientResponse` that kopf uses."""

    status: int
    body: JsonObject = field(default_factory=dict)
    changes: asyncio.Queue[JsonObject] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    closed: bool = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    async def json(self) -> JsonObject:
        """Return the body of a list or of discovery."""
        return self.body

    async def text(self) -> str:
        """Return the body as text."""
        return json.dumps(self.body)

    def raise_for_status(self) -> None:
        """Check the status. Raises ConnectionError for an error, which kopf logs and retries."""
        if self.status >= 400:
            raise ConnectionError(f"the session of kopf answers {self.status}")

    def close(self) -> None:
        """Mark the response as closed; kopf calls this when it is done."""
        self.closed = True

    @property
    def content(self) -> Self:
        """The stream of a watch."""
        return self

    async def iter_chunked(self, _: int) -> AsyncIterator[bytes]:
        """Yield the events of a watch endlessly, one JSON line each, with bookmarks while nothing happens."""
        if self.changes is None:
            return
        while not self.closed:
            event: Mapping[str, object] = _BOOKMARK
            try:
                async with asyncio.timeout(_BOOKMARK_SECONDS):
                    event = await self.changes.get()
            except TimeoutError:
                pass
            yield json.dumps(event).encode() + b"\n"


def _api_resource(resource: Resource) -> JsonObject:
    return {
        "name": resource.plural,
        "singularName": resource.kind.lower(),
        "kind": resource.kind,
        "namespaced": True,
        "verbs": ["list", "watch"],
    }


_DISCOVERY: Final[Mapping[str, JsonObject]] = {
    "/api": {"versions": ["v1"]},
    "/api/v1": {
        "resources": [
            {"name": "namespaces", "singularName": "namespace", "kind": "Namespace", "namespaced": False, "verbs": []}
        ]
    },
    "/apis": {
        "groups": [
            {"name": GROUP, "versions": [{"version": VERSION}], "preferredVersion": {"version": VERSION}},
        ]
    },
    f"/apis/{API_VERSION}": {"resources": [_api_resource(resource) for resource in OWN_RESOURCES]},
}
"""What kopf looks up when it starts (`kopf._cogs.clients.scanning`)."""
