"""The API server as kopf sees it: the operator's own kinds, as the reflectors know them.

kopf parses whatever it is sent, and ends at what it cannot parse. Even the metadata of an object can be nested as
deeply as its spec: `managedFields` names every key of a free-form map (9000 nested maps made 135 KB of metadata, seen
with Kubernetes 1.36). So kopf is given a session (`kopf.AiohttpSession`) that answers from memory: discovery, one list
and one endless watch for each kind, with names and versions alone. Reading, limits, credentials and relists are the
reflectors' work, and nothing that the API server or an object does reaches kopf.
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
"""Address that kopf is given; nothing is ever sent there."""
OWN_RESOURCES: Final = (MODEL_SERVERS, DEPLOYMENT_ENVIRONMENTS, MODEL_TAGS)
_BOOKMARK_SECONDS: Final = 30.0
"""kopf takes a watch that is silent for 70 s for dead (`settings.watching.inactivity_timeout`)."""
_BOOKMARK: Final = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "0"}}}


def event_object(resource: Resource, key: ObjectKey) -> JsonObject:
    """All that kopf is told of an object: which one it is. Handlers look up the rest."""
    uid = f"{resource.plural}/{key}"  # what kopf tells objects apart by
    metadata = {"namespace": key.namespace, "name": key.name, "uid": uid, "resourceVersion": "0"}
    return {"apiVersion": API_VERSION, "kind": resource.kind, "metadata": metadata}


class KopfSession:
    """Stands for an `aiohttp.ClientSession` in kopf. It belongs to the event loop that kopf runs in."""

    def __init__(self, keys: Mapping[Resource, Iterable[ObjectKey]]) -> None:
        self.headers: dict[str, str] = {}
        self.closed = False
        self._listed = {resource.plural: tuple(found) for resource, found in keys.items()}
        self._changes: dict[str, asyncio.Queue[JsonObject]] = {
            resource.plural: asyncio.Queue() for resource in OWN_RESOURCES
        }

    def changed(self, resource: Resource, key: ObjectKey, *, deleted: bool) -> None:
        """Tell kopf that an object has appeared or changed, or was deleted."""
        kind = "DELETED" if deleted else "MODIFIED"
        self._changes[resource.plural].put_nowait({"type": kind, "object": event_object(resource, key)})

    async def request(self, *, method: str, url: str, **_: Any) -> Response:
        """The answer to a request of kopf: 404 to all but discovery, lists and watches of the own kinds."""
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
        """Called by kopf when it stops."""
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
        """The body of a list or of discovery."""
        return self.body

    async def text(self) -> str:
        """The body as text."""
        return json.dumps(self.body)

    def raise_for_status(self) -> None:
        """Raises for a status that kopf does not expect; kopf logs it and tries again."""
        if self.status >= 400:
            raise ConnectionError(f"the session of kopf answers {self.status}")

    def close(self) -> None:
        """Called by kopf when it is done."""
        self.closed = True

    @property
    def content(self) -> Self:
        """The stream of a watch."""
        return self

    async def iter_chunked(self, _: int) -> AsyncIterator[bytes]:
        """The events of a watch, one JSON line each, without end; a bookmark where nothing happens."""
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
"""What kopf looks up at its start (`kopf._cogs.clients.scanning`)."""
