"""As much of Amazon S3 as the model server uses, on loopback, in memory.

Conditional writes are those of the S3 API reference: PutObject and CompleteMultipartUpload with If-None-Match: * or
If-Match answer 412 where the condition is not met.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement, fromstring, tostring

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


@dataclass
class FakeS3:
    """One bucket. While it is `down`, it answers nothing but 503."""

    objects: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    down: bool = False
    written_at: dict[str, float] = field(default_factory=dict)
    """Seconds since 1970, of the objects that do not count as written when they are listed."""
    reads: Counter[str] = field(default_factory=Counter)
    """How often each object was read."""

    def application(self) -> web.Application:
        application = web.Application(client_max_size=2**30)
        application.router.add_route("*", "/{bucket}", self.answer)
        application.router.add_route("*", "/{bucket}/{key:.*}", self.answer)
        return application

    async def answer(self, request: web.Request) -> web.Response:
        if self.down:
            return web.Response(status=503)
        kind = next((name for name in ("list-type", "uploads", "uploadId", "delete") if name in request.query), "")
        answers = {
            ("GET", ""): self.get,
            ("GET", "list-type"): self.list_objects,
            ("PUT", ""): self.put,
            ("PUT", "uploadId"): self.put_part,
            ("POST", "uploads"): self.begin_upload,
            ("POST", "uploadId"): self.end_upload,
            ("POST", "delete"): self.delete,
            ("DELETE", "uploadId"): self.abort_upload,
        }
        return answers[request.method, kind](request, request.match_info.get("key", ""), await request.read())

    def begin_upload(self, _: web.Request, __: str, ___: bytes) -> web.Response:
        upload = f"upload-{len(self.uploads)}"
        self.uploads[upload] = {}
        return document("InitiateMultipartUploadResult", UploadId=upload)

    def put_part(self, request: web.Request, _: str, content: bytes) -> web.Response:
        self.uploads[request.query["uploadId"]][int(request.query["partNumber"])] = content
        return web.Response(headers={"ETag": entity_tag(content)})

    def end_upload(self, request: web.Request, key: str, _: bytes) -> web.Response:
        parts = self.uploads[request.query["uploadId"]]
        self.put(request, key, b"".join(parts[number] for number in sorted(parts)))
        return document("CompleteMultipartUploadResult", ETag=entity_tag(self.objects[key]))

    def abort_upload(self, request: web.Request, _: str, __: bytes) -> web.Response:
        self.uploads[request.query["uploadId"]].clear()
        return web.Response(status=204)

    def delete(self, _: web.Request, __: str, body: bytes) -> web.Response:
        result = Element("DeleteResult", xmlns=NAMESPACE)
        for found in fromstring(body).iter(f"{{{NAMESPACE}}}Key"):
            self.objects.pop(found.text or "", None)
            SubElement(SubElement(result, "Deleted"), "Key").text = found.text
        return xml(result)

    def put(self, request: web.Request, key: str, content: bytes) -> web.Response:
        known = self.objects.get(key)
        if request.headers.get("If-None-Match") == "*" and known is not None:
            return web.Response(status=412)
        if "If-Match" in request.headers and (known is None or request.headers["If-Match"] != entity_tag(known)):
            return web.Response(status=412)
        self.objects[key] = content
        return web.Response(headers={"ETag": entity_tag(content)})

    def get(self, request: web.Request, key: str, _: bytes) -> web.Response:
        if key not in self.objects:
            return document("Error", status=404, Code="NoSuchKey")
        self.reads[key] += 1
        whole = self.objects[key]
        if request.headers.get("If-Match", entity_tag(whole)) != entity_tag(whole):
            return web.Response(status=412)
        if request.headers.get("If-None-Match") == entity_tag(whole):
            return web.Response(status=304, headers={"ETag": entity_tag(whole)})
        headers = {"ETag": entity_tag(whole), "Last-Modified": "Mon, 23 Nov 2026 00:00:00 GMT"}
        if "Range" not in request.headers:
            return web.Response(body=whole, headers=headers)
        start, end, _step = request.http_range.indices(len(whole))
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(whole)}"
        return web.Response(status=206, body=whole[start:end], headers=headers)

    def list_objects(self, request: web.Request, _: str, __: bytes) -> web.Response:
        listed = Element("ListBucketResult", xmlns=NAMESPACE)
        prefix, delimiter = request.query.get("prefix", ""), request.query.get("delimiter")
        for key, content in self.objects.items():
            below = delimiter is not None and delimiter in key.removeprefix(prefix)
            if key.startswith(prefix) and not below:
                found = SubElement(listed, "Contents")
                SubElement(found, "Key").text = key
                SubElement(found, "LastModified").text = self._written_at(key).strftime("%Y-%m-%dT%H:%M:%S.000Z")
                SubElement(found, "ETag").text = entity_tag(content)
                SubElement(found, "Size").text = str(len(content))
        return xml(listed)

    def _written_at(self, key: str) -> datetime:
        return datetime.fromtimestamp(self.written_at[key], UTC) if key in self.written_at else datetime.now(UTC)


@contextlib.asynccontextmanager
async def s3_on_loopback(store: FakeS3, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Serve the bucket, and set the variables that name it."""
    async with TestServer(store.application()) as server:
        for variable, value in variables_of(f"http://127.0.0.1:{server.port}").items():
            monkeypatch.setenv(variable, value)
        yield


def variables_of(endpoint: str, key: str = "x", secret: str = "x") -> dict[str, str]:
    """The variables that the model server takes the address and the credentials of an S3 store from."""
    return {
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT": endpoint,
        "AWS_ALLOW_HTTP": "true",
    }


def entity_tag(content: bytes) -> str:
    return f'"{hashlib.md5(content).hexdigest()}"'


def document(name: str, *, status: int = 200, **fields: str) -> web.Response:
    root = Element(name, xmlns=NAMESPACE)
    for field_name, text in fields.items():
        SubElement(root, field_name).text = text
    return xml(root, status)


def xml(root: Element, status: int = 200) -> web.Response:
    return web.Response(status=status, body=tostring(root), content_type="application/xml")
