"""The API server's audit log: an exact count of requests, with the times at which they came and were answered.

Fields: https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/.
"""

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})


@dataclass(frozen=True)
class Request:
    """One request that was answered; times are seconds since 1970."""

    user: str
    verb: str
    resource: str
    namespace: str
    name: str
    status: int
    received: float
    answered: float

    @property
    def writes(self) -> bool:
        """Whether it asks for a change."""
        return self.verb in WRITES

    @property
    def kind(self) -> str:
        """What it asks for, as in "create secrets"."""
        return f"{self.verb} {self.resource}"


class AuditLog:
    """The audit log in a file that the API server appends to."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def end(self) -> int:
        """Return the place where the log ends now."""
        return self._path.stat().st_size

    def requests(self, start: int, user: str) -> list[Request]:
        """Return the user's requests since a place, watches left out, since they go on for minutes."""
        return list(parsed(self._read(start).splitlines(), user))

    def wait_for_silence(self, start: int, user: str, seconds: float, limit: float = 300.0) -> None:
        """Wait until the user has asked for nothing for so long. Raises TimeoutError after `limit` seconds."""
        deadline = time.monotonic() + limit
        place, quiet_since = start, time.monotonic()
        while time.monotonic() - quiet_since < seconds:
            if time.monotonic() > deadline:
                sent = counted(self.requests(start, user))
                raise TimeoutError(f"{user} still sends requests after {limit:.0f} s: {sent}")
            time.sleep(0.25)
            content = self._read(place)
            place += len(content)
            if any(parsed(content.splitlines(), user)):
                quiet_since = time.monotonic()

    def _read(self, start: int) -> bytes:
        """Return the whole lines since a place."""
        with self._path.open("rb") as file:
            file.seek(start)
            content = file.read()
        return content[: content.rfind(b"\n") + 1]


def parsed(lines: Iterable[bytes], user: str) -> Iterator[Request]:
    """Return the requests of a user in lines of an audit log, watches left out."""
    needle = json.dumps(user).encode()
    for line in lines:
        if needle not in line:
            continue
        entry = json.loads(line)
        if entry["user"]["username"] == user and entry["verb"] != "watch" and "objectRef" in entry:
            yield _request(entry)


def _request(entry: dict[str, Any]) -> Request:
    target = entry["objectRef"]
    return Request(
        user=entry["user"]["username"],
        verb=entry["verb"],
        resource="/".join(part for part in (target.get("resource"), target.get("subresource")) if part),
        namespace=target.get("namespace", ""),
        name=target.get("name", ""),
        status=entry["responseStatus"]["code"],
        received=datetime.fromisoformat(entry["requestReceivedTimestamp"]).timestamp(),
        answered=datetime.fromisoformat(entry["stageTimestamp"]).timestamp(),
    )


def counted(requests: Iterable[Request]) -> dict[str, int]:
    """How often what was asked for: {"create secrets": 250}."""
    return dict(sorted(Counter(request.kind for request in requests).items()))
