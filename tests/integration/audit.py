"""Requests in the API server's audit log: an exact count of what the operator requests."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from local.installation import NAMESPACE, SERVICE_ACCOUNT
from tests.api.api_server import ApiServer, wait_until

USER = f"system:serviceaccount:{NAMESPACE}:{SERVICE_ACCOUNT}"
"""The operator's user name in the audit log."""
WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class AuditedRequest:
    """One request that was answered."""

    verb: str
    resource: str
    subresource: str
    namespace: str
    name: str
    status: int

    @property
    def writes(self) -> bool:
        """Whether it requests a change."""
        return self.verb in WRITES

    def __str__(self) -> str:
        path = "/".join(part for part in (self.resource, self.subresource) if part)
        return f"{self.verb} {path} {self.namespace}/{self.name} -> {self.status}"


class AuditLog:
    """The audit log of a cluster."""

    def __init__(self, api: ApiServer, path: Path) -> None:
        self._api = api
        self._path = path

    def mark(self) -> int:
        """Return this moment: a position in the log after everything that has been answered by now."""
        start = self._path.stat().st_size
        name = f"mark-{next(NUMBERS)}"
        self._api.request("GET", f"/api/v1/namespaces/default/configmaps/{name}")
        needle = f'"name":"{name}"'.encode()
        place = 0

        def found() -> bool:
            nonlocal place
            content = self._read(start)
            at = content.find(needle)
            end = content.find(b"\n", at)
            place = start + end + 1
            return at >= 0 and end >= 0

        wait_until(found, "the audit log to name a request")
        return place

    def requests(self, start: int, end: int | None = None, user: str = USER) -> list[AuditedRequest]:
        """Return the user's requests between two moments, by default until now, without watches (they last minutes)."""
        until = self.mark() if end is None else end
        return list(_requests(self._read(start)[: until - start], user))

    def text(self, start: int) -> str:
        """All that was logged since a moment, of everybody."""
        until = self.mark()
        return self._read(start)[: until - start].decode()

    def _read(self, start: int) -> bytes:
        with self._path.open("rb") as file:
            file.seek(start)
            return file.read()


def _requests(content: bytes, user: str) -> Iterator[AuditedRequest]:
    for line in content.splitlines():
        entry = json.loads(line)
        target = entry.get("objectRef")
        if entry["user"]["username"] != user or entry["verb"] == "watch" or target is None:
            continue
        yield AuditedRequest(
            verb=entry["verb"],
            resource=target.get("resource", ""),
            subresource=target.get("subresource", ""),
            namespace=target.get("namespace", ""),
            name=target.get("name", ""),
            status=entry["responseStatus"]["code"],
        )


def counted(requests: list[AuditedRequest]) -> dict[str, int]:
    """Count what was requested, for messages and comparisons: {"create secrets": 1}."""
    kinds = ("/".join(part for part in (entry.resource, entry.subresource) if part) for entry in requests)
    return dict(Counter(f"{entry.verb} {kind}" for entry, kind in zip(requests, kinds, strict=True)))
