"""What readiness reports about the watches."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import pytest

from rasa_environments.runtime.watches import STALE_SECONDS, Watches, unwatched

NOW = 1000.0


@dataclass
class Facts:
    """Return a watch with these facts."""

    name: str
    failure: str | None = None
    listed: bool = True
    last_contact: float = NOW
    synced: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        if self.listed:
            self.synced.set()

    async def run(self) -> None:
        """Not called here."""


def test_what_is_listed_and_heard_of_is_being_watched() -> None:
    assert unwatched([Facts("pods"), Facts("modeltags", last_contact=NOW - STALE_SECONDS)], NOW) is None


def test_each_kind_that_is_not_being_watched_is_named_with_the_reason() -> None:
    watches = [
        Facts("modeltags", failure="404: the server could not find the requested resource"),
        Facts("secrets", listed=False),
        Facts("configmaps", last_contact=NOW - 200),
        Facts("pods"),
    ]

    assert unwatched(watches, NOW) == (
        "modeltags: 404: the server could not find the requested resource; secrets: not all are listed yet; "
        "configmaps: no contact with the API server for 200 s"
    )


def test_the_operator_does_without_a_dispensable_watch_that_it_has_no_right_to() -> None:
    denied = Facts("namespaces", failure="Forbidden: namespaces is forbidden", listed=False)
    watches = Watches(
        {"namespaces": denied, "pods": Facts("pods", last_contact=time.monotonic())}, dispensable=("namespaces",)
    )

    asyncio.run(asyncio.wait_for(watches.synced(), 5))

    assert watches.problem() is None


@pytest.mark.parametrize("failure", ["Forbidden: pods is forbidden", "503: the server is overloaded"])
def test_any_other_failure_counts(failure: str) -> None:
    name = "pods" if failure.startswith("Forbidden") else "namespaces"

    assert Watches({name: Facts(name, failure=failure)}, dispensable=("namespaces",)).problem() == f"{name}: {failure}"
