"""What a client requests, and how often: the record of a proxy."""

from __future__ import annotations

import json
import re
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

READS = frozenset({"GET", "HEAD", "OPTIONS"})
ONLY_ASKED = re.compile(r"reviews$|/api/auth$")
"""POSTs that store nothing: reviews of the API server, and the login of a model server."""
PLACE = re.compile(
    r"^/(?:api|apis/(?P<group>[^/]+))/[^/]+(?:/namespaces/(?P<namespace>[^/]+))?"
    r"/(?P<resource>[^/]+)(?:/(?P<name>[^/]+))?(?:/(?P<subresource>[^/]+))?$"
)


class Phase(Enum):
    """When a hook is called for a write."""

    BEFORE = "before it is forwarded"
    AFTER = "after it was forwarded, before its answer is passed on"


@dataclass(frozen=True)
class Place:
    """What the path of a call to the API server names; empty if it names nothing."""

    group: str = ""
    namespace: str = ""
    resource: str = ""
    name: str = ""
    subresource: str = ""


@dataclass(frozen=True)
class Call:
    """A request as it came in."""

    number: int
    """Its position among all calls, from 1."""
    write: int
    """Its position among the writing calls, from 1; 0 if it does not write."""
    at: float
    """`time.monotonic()`."""
    method: str
    path: str
    query: Mapping[str, str] = field(repr=False)
    agent: str = field(repr=False)
    authorization: str = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def writes(self) -> bool:
        """Whether it requests a change."""
        return self.write > 0

    @property
    def is_watch(self) -> bool:
        """Whether it opens a watch."""
        return self.method == "GET" and self.query.get("watch") in {"1", "true"}

    @property
    def is_list(self) -> bool:
        """Whether it lists all objects of a kind."""
        return self.method == "GET" and not self.is_watch and bool(self.place.resource) and not self.place.name

    @property
    def is_get(self) -> bool:
        """Whether it reads one object."""
        return self.method == "GET" and bool(self.place.name)

    @cached_property
    def place(self) -> Place:
        """What its path names."""
        found = PLACE.match(self.path)
        return Place() if found is None else Place(**{name: part or "" for name, part in found.groupdict().items()})

    def json(self) -> object:
        """The body as JSON."""
        return json.loads(self.body)


def does_write(method: str, path: str) -> bool:
    """Whether a request asks for a change."""
    return method not in READS and ONLY_ASKED.search(path) is None


@dataclass(frozen=True)
class Rate:
    """Return the requests per second: on average, and in the busiest second."""

    average: float
    peak: int
    count: int


def rate(at: Iterable[float], since: float, until: float) -> Rate:
    """How often something happened between two moments of `time.monotonic()`."""
    moments = sorted(moment for moment in at if since <= moment < until)
    window = deque[float]()
    peak = 0
    for moment in moments:
        window.append(moment)
        while window[0] <= moment - 1:
            window.popleft()
        peak = max(peak, len(window))
    return Rate(len(moments) / max(until - since, 1e-9), peak, len(moments))


def repeated(calls: Iterable[Call]) -> dict[tuple[str, str, bytes], int]:
    """Return the writes that were sent more than once with the same body, by method, path and body."""
    counted = Counter((call.method, call.path, call.body) for call in calls if call.writes)
    return {what: times for what, times in counted.items() if times > 1}
