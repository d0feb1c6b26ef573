"""kopf calls the handlers, whatever happens to it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import kopf
import pytest

from rasa_environments.api.base import ObjectKey
from rasa_environments.cluster.resources import DEPLOYMENT_ENVIRONMENTS, MODEL_SERVERS, MODEL_TAGS, Resource
from rasa_environments.runtime import kopf_host
from rasa_environments.runtime.kopf_host import KopfHost

Call = tuple[Resource, ObjectKey]
PRODUCTION = ObjectKey("bots", "production")
SECONDS = 20.0


class Objects:
    """The existing objects, and the handlers that were called."""

    def __init__(self, *there: Call) -> None:
        self.there = list(there)
        self.calls: list[Call] = []
        self.host = KopfHost(
            lambda resource: [key for kind, key in self.there if kind is resource],
            lambda resource, key: self.calls.append((resource, key)),
        )

    async def called(self, call: Call, times: int = 1) -> None:
        """Wait until the handler was called this often."""
        await eventually(lambda: self.calls.count(call) >= times)


async def eventually(holds: Callable[[], bool]) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


@asynccontextmanager
async def running(objects: Objects) -> AsyncIterator[KopfHost]:
    """The host, with kopf running."""
    task = asyncio.create_task(objects.host.run())
    try:
        yield objects.host
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_handlers_are_called_for_what_is_there_at_the_start() -> None:
    there = [(MODEL_SERVERS, PRODUCTION), (DEPLOYMENT_ENVIRONMENTS, PRODUCTION), (MODEL_TAGS, PRODUCTION)]
    objects = Objects(*there)

    async with running(objects):
        for call in there:
            await objects.called(call)

    assert sorted(objects.calls, key=str) == sorted(there, key=str)


@pytest.mark.parametrize("deleted", [False, True])
async def test_the_handler_is_called_for_each_change(deleted: bool) -> None:
    objects = Objects()

    async with running(objects) as host:
        for times in (1, 2):
            host.notify(MODEL_TAGS, PRODUCTION, deleted=deleted)
            await objects.called((MODEL_TAGS, PRODUCTION), times)

    assert host.failure is None


async def test_a_change_before_kopf_has_started_is_not_lost() -> None:
    objects = Objects()
    objects.host.notify(MODEL_TAGS, PRODUCTION, deleted=True)

    async with running(objects):
        await objects.called((MODEL_TAGS, PRODUCTION))


async def test_kopf_that_ends_is_started_again_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    started = kopf.operator
    lives: list[int] = []

    async def ends_once(**options: object) -> None:
        lives.append(1)
        if len(lives) == 1:
            raise RecursionError
        await started(**options)  # type: ignore[arg-type]

    monkeypatch.setattr(kopf, "operator", ends_once)
    objects = Objects((MODEL_TAGS, PRODUCTION))

    async with running(objects) as host:
        await objects.called((MODEL_TAGS, PRODUCTION))
        assert host.failure is None

    assert "kopf ended unexpectedly: RecursionError; starting it again" in caplog.text


async def test_kopf_that_calls_no_handler_is_given_up_and_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not even end when cancelled."""
    started = kopf.operator
    lives: list[int] = []

    async def deaf_once(**options: object) -> None:
        lives.append(1)
        while len(lives) == 1:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0.05)
        await started(**options)  # type: ignore[arg-type]

    monkeypatch.setattr(kopf, "operator", deaf_once)
    monkeypatch.setattr(kopf_host, "STALE_SECONDS", 0.2)
    monkeypatch.setattr(kopf_host, "_STOP_SECONDS", 0.2)
    objects = Objects()

    async with running(objects) as host:
        await eventually(lambda: len(lives) == 1)
        host.notify(MODEL_TAGS, PRODUCTION, deleted=False)
        await eventually(lambda: host.failure is not None)
        await objects.called((MODEL_TAGS, PRODUCTION))
        await eventually(lambda: host.failure is None)
