"""The verbs of the Kubernetes API on plain JSON objects."""

from __future__ import annotations

import contextlib
import importlib.metadata
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from functools import lru_cache, partial
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlencode

import orjson

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.cluster.connection import LARGEST_OBJECT, Connection
from rasa_environments.cluster.credentials import CredentialSource
from rasa_environments.cluster.decoding import (
    Listing,
    Rejected,
    WatchEvent,
    decode,
    decode_event,
    decode_object,
)
from rasa_environments.cluster.errors import ApiError, TooLargeError
from rasa_environments.cluster.reading import SMALL_PAGES, PageReader, PageSizes, decoded, lines
from rasa_environments.cluster.resources import Resource
from rasa_environments.cluster.service_proxy import ServiceProxy, ServiceUrl
from rasa_environments.cluster.session import MayWrite, always
from rasa_environments.cluster.status_writes import StatusWrites

__all__ = ["FIELD_MANAGER", "USER_AGENT", "ApiError", "Client", "Listing", "Rejected", "TooLargeError", "WatchEvent"]

FIELD_MANAGER: Final = "rasa-environments"
USER_AGENT: Final = f"rasa-environments/{importlib.metadata.version('rasa-environments')}"

_JSON: Final = "application/json"
_PARTIAL: Final = "application/json;as={};g=meta.k8s.io;v=v1"

_NOT_TYPED: Final = "failed to create typed patch object"
"""Prefix of the API server's message if an applied object does not match the schema (apimachinery, managedfields)."""

WATCH_SECONDS: Final = (40, 50)
"""How long the API server is asked to keep a watch open, in seconds. A watch that is still open `_WATCH_GRACE` after
that is dead, even if its connection seems alive, so a dead watch is detected within a minute."""
_WATCH_GRACE: Final = 5.0


class Client:
    """A connection to one API server; an async context manager.

    Objects are plain JSON; those of a list have apiVersion and kind, too. All methods raise ApiError.
    """

    def __init__(
        self,
        connection: Connection,
        field_manager: str = FIELD_MANAGER,
        *,
        dry_run: bool = False,
        page_sizes: PageSizes = SMALL_PAGES,
    ) -> None:
        self._connection = connection
        self._dry_run = {"dryRun": "All"} if dry_run else {}
        self._reader = PageReader(self._get, page_sizes)
        self.status_writes = StatusWrites(field_manager)
        """The status writes made through this client."""
        written = {"fieldManager": field_manager, **self._dry_run}
        self._written_by = urlencode(written)
        self._written_strictly_by = urlencode({**written, "fieldValidation": "Strict"})

    @classmethod
    async def connect(
        cls,
        kubeconfig: str | None = None,
        context: str | None = None,
        user_agent: str = USER_AGENT,
        field_manager: str = FIELD_MANAGER,
        may_write: MayWrite = always,
    ) -> Self:
        """Return a client for that kubeconfig, else $KUBECONFIG, ~/.kube/config, or the pod's ServiceAccount.

        See `by`.
        """
        return await cls.by(CredentialSource(kubeconfig, context), user_agent, field_manager, may_write)

    @classmethod
    async def by(
        cls,
        source: CredentialSource,
        user_agent: str = USER_AGENT,
        field_manager: str = FIELD_MANAGER,
        may_write: MayWrite = always,
        *,
        dry_run: bool = False,
        page_sizes: PageSizes = SMALL_PAGES,
    ) -> Self:
        """Return a client for these credentials.

        It sends a write only if `may_write` returns True at that moment. With `dry_run`, the API server checks each
        write and stores none. No request is sent yet. Raises ConfigurationError if the credentials cannot be used.
        """
        connection = Connection(source, user_agent, may_write)
        await connection.open()
        return cls(connection, field_manager, dry_run=dry_run, page_sizes=page_sizes)

    @property
    def namespace(self) -> str:
        """The namespace of the current context, or of the pod that this runs in."""
        return self._connection.namespace

    async def service_proxy(self, there: ServiceUrl) -> ServiceProxy:
        """Return the way to a Service through the API server.

        Raises ConfigurationError if the kubeconfig needs a proxy, or another TLS name, to reach the API server.
        """
        return await self._connection.service_proxy(there)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._connection.close()

    async def get(
        self, resource: Resource, key: ObjectKey, *, metadata_only: bool = False, maximum_bytes: int | None = None
    ) -> JsonObject:
        """Read the object from storage. Raises TooLargeError if it has more than `maximum_bytes` as JSON."""
        accept = _PARTIAL.format("PartialObjectMetadata") if metadata_only else _JSON
        path = resource.path(key.namespace, key.name)
        return await _object(
            self._request("GET", path, accept=accept, maximum_bytes=maximum_bytes or LARGEST_OBJECT), key
        )

    async def find(self, resource: Resource, key: ObjectKey, *, metadata_only: bool = False) -> JsonObject | None:
        """Read the object from storage; None if there is no such object."""
        try:
            return await self.get(resource, key, metadata_only=metadata_only)
        except ApiError as error:
            if error.status != 404:
                raise
            return None

    async def list(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
        metadata_only: bool = False,
        page_size: int = 500,
    ) -> Listing:
        """Return all objects, in one namespace or in all."""
        pages = [
            page
            async for page in self.pages(
                resource,
                namespace,
                label_selector=label_selector,
                field_selector=field_selector,
                metadata_only=metadata_only,
                page_size=page_size,
            )
        ]
        return Listing(
            [item for page in pages for item in page.items],
            pages[-1].resource_version,
            tuple(rejected for page in pages for rejected in page.rejected),
        )

    async def pages(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
        metadata_only: bool = False,
        page_size: int = 500,
    ) -> AsyncGenerator[Listing]:
        """Yield the pages of `list`, all from the same moment, so that large lists need not be held in memory.

        A page has at most `page_size` objects, and fewer if they are large. All users of this client together read
        only as many pages at a time as its `page_sizes` allow, to bound memory: do not wait for another one while
        reading pages.
        """
        query = _given(labelSelector=label_selector, fieldSelector=field_selector)
        identity = {"apiVersion": resource.api_version, "kind": resource.kind}
        pages = self._reader.pages(
            resource.path(namespace),
            query,
            page_size=page_size,
            metadata_only=metadata_only,
            namespaced=resource.namespaced,
        )
        async with contextlib.aclosing(pages):
            async for page in pages:
                for item in page.items:
                    # The items of a list have no apiVersion and kind of their own, or those of the partial form.
                    item.update(identity)
                yield page
                del page

    async def create(self, resource: Resource, obj: JsonObject, *, dry_run: bool = False) -> JsonObject:
        """Create the object and return it as stored; the API server rejects unknown fields.

        With `dry_run`, it is only checked, by admission, too.
        """
        path = f"{resource.path(obj['metadata']['namespace'])}?{self._written_strictly_by}"
        if dry_run:
            path += "&dryRun=All"
        return await _object(self._request("POST", path, obj), _key_of(obj))

    async def review(self, resource: Resource, spec: JsonObject | None = None) -> JsonObject:
        """Return the status that the API server sets on a review, which is answered at once and never stored."""
        question = {"apiVersion": resource.api_version, "kind": resource.kind, **({"spec": spec} if spec else {})}
        status: JsonObject = (await self._json("POST", resource.path(), question))["status"]
        return status

    async def apply(self, resource: Resource, obj: JsonObject) -> JsonObject:
        """Apply the object server-side with force, and return it as stored.

        Fields that an earlier apply set and this one does not are removed. With a `uid` in the metadata, it fails if
        the object is gone (409) or is another one (422). Raises ApiError; for an unknown field or a value of the wrong
        type, which the API server answers with 500, its status is 400 as for other writes.
        """
        metadata = obj["metadata"]
        path = f"{resource.path(metadata['namespace'], metadata['name'])}?{self._written_strictly_by}&force=true"
        try:
            return await _object(
                self._request("PATCH", path, obj, content_type="application/apply-patch+yaml"), _key_of(obj)
            )
        except ApiError as error:
            if error.status == 500 and error.message.startswith(_NOT_TYPED):
                raise ApiError(400, "BadRequest", error.message) from error
            raise

    async def patch_status(
        self,
        resource: Resource,
        key: ObjectKey,
        status: JsonObject,
        *,
        resource_version: str | None = None,
        metadata_only: bool = False,
    ) -> JsonObject:
        """Merge `status` into that of the object: null removes a field, a list replaces the whole list.

        With `resource_version`, it fails with 409 if the object has changed since. Returns the object as stored, or its
        metadata only, which is small whatever the object holds.
        """
        body: JsonObject = {"status": status}
        if resource_version is not None:
            body["metadata"] = {"resourceVersion": resource_version}
        path = f"{resource.path(key.namespace, key.name, 'status')}?{self._written_by}"
        accept = _PARTIAL.format("PartialObjectMetadata") if metadata_only else _JSON
        with self.status_writes.sending(resource, key):
            written = await _object(
                self._request("PATCH", path, body, content_type="application/merge-patch+json", accept=accept), key
            )
        self.status_writes.answered(resource, key, written)
        return written

    async def patch(self, resource: Resource, key: ObjectKey, patch: JsonObject) -> JsonObject:
        """Send a JSON merge patch.

        Null removes a field; `metadata.resourceVersion` guards against concurrent writes.
        """
        path = f"{resource.path(key.namespace, key.name)}?{self._written_by}"
        return await _object(self._request("PATCH", path, patch, content_type="application/merge-patch+json"), key)

    async def json_patch(self, resource: Resource, key: ObjectKey, operations: Sequence[JsonObject]) -> JsonObject:
        """Send a JSON patch (RFC 6902)."""
        path = f"{resource.path(key.namespace, key.name)}?{self._written_by}"
        return await _object(self._request("PATCH", path, operations, content_type="application/json-patch+json"), key)

    async def delete(self, resource: Resource, key: ObjectKey, *, uid: str | None = None) -> None:
        """Delete the object, and its dependents in the background; a 404 counts as success.

        With `uid`, only the object with that uid is deleted.
        """
        body: JsonObject = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
        if uid is not None:
            body["preconditions"] = {"uid": uid}
        query = f"?{urlencode(self._dry_run)}" if self._dry_run else ""
        try:
            await self._json("DELETE", resource.path(key.namespace, key.name) + query, body)
        except ApiError as error:
            if error.status != 404:
                raise

    async def watch(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        resource_version: str,
        label_selector: str = "",
        field_selector: str = "",
        metadata_only: bool = False,
        opened: Callable[[], None] = lambda: None,
    ) -> AsyncGenerator[WatchEvent | Rejected]:
        """Yield the changes after `resource_version`, with bookmarks, until the server ends the watch within a minute.

        `opened` is called when the API server has accepted the watch. A change of an object that cannot be used is
        yielded as Rejected. Raises ApiError, with status 410 if that version is too old, and for everything that may
        have lost changes.
        """
        seconds = random.randint(*WATCH_SECONDS)  # noqa: S311
        query = f"watch=1&allowWatchBookmarks=true&timeoutSeconds={seconds}&resourceVersion={resource_version}"
        headers = {"Accept": _PARTIAL.format("PartialObjectMetadata") if metadata_only else _JSON}
        identity = {"apiVersion": resource.api_version, "kind": resource.kind} if metadata_only else {}
        path = f"{resource.path(namespace)}?{query}{_selectors(label_selector, field_selector)}"
        decode_line = partial(decode_event, namespaced=resource.namespaced)
        async with self._connection.stream(path, headers=headers, total_seconds=seconds + _WATCH_GRACE) as pieces:
            opened()
            async for line in lines(pieces):
                event: WatchEvent | Rejected = await decoded(decode_line, line)
                if isinstance(event, WatchEvent):
                    event.object.update(identity)
                yield event

    async def _get(self, path: str, *, metadata_only: bool, maximum_bytes: int) -> bytes:
        accept = _PARTIAL.format("PartialObjectMetadataList") if metadata_only else _JSON
        return await self._request("GET", path, accept=accept, maximum_bytes=maximum_bytes)

    async def _json(self, method: str, path: str, body: JsonObject | Sequence[JsonObject] | None = None) -> JsonObject:
        return await decoded(decode, await self._request(method, path, body))

    async def _request(
        self,
        method: str,
        path: str,
        body: JsonObject | Sequence[JsonObject] | None = None,
        *,
        content_type: str = _JSON,
        accept: str = _JSON,
        maximum_bytes: int = LARGEST_OBJECT,
    ) -> bytes:
        headers = {"Accept": accept}
        content: bytes | None = None
        if body is not None:
            headers["Content-Type"] = content_type
            content = orjson.dumps(body)
        return await self._connection.request(method, path, body=content, headers=headers, maximum_bytes=maximum_bytes)


@lru_cache(maxsize=64)
def _selectors(label_selector: str, field_selector: str) -> str:
    """Return the end of a watch's query. Encoding it for each watch was 6 % of the CPU at rest."""
    query = urlencode(_given(labelSelector=label_selector, fieldSelector=field_selector))
    return query and f"&{query}"


def _given(**parameters: str) -> dict[str, str]:
    return {name: value for name, value in parameters.items() if value}


async def _object(answer: Awaitable[bytes], key: ObjectKey) -> JsonObject:
    """Return the Kubernetes object in the response. Raises ApiError if it is not the requested one."""
    obj = await decoded(decode_object, await answer)
    metadata = obj["metadata"]
    if (metadata.get("namespace", ""), metadata.get("name")) != (key.namespace, key.name):
        raise ApiError(0, "Malformed", f"the API server returned another object than {key}")
    return obj


def _key_of(obj: JsonObject) -> ObjectKey:
    return ObjectKey(obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
