"""When Rasa servers are asked for their licence: once the pods change, and then once an hour."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from functools import partial
from typing import Any

import httpx

from rasa_environments.api.base import ObjectKey
from rasa_environments.controller.queue import WorkQueue
from rasa_environments.domain.facts import LicenseFact
from rasa_environments.rasa.license import license_expiry
from rasa_environments.reconcile.intervals import Intervals
from rasa_environments.reconcile.licenses import ASKED_EVERY_SECONDS, Licenses
from rasa_environments.reconcile.served import RasaServer
from tests.reconcile.clock import run

SUPPORT = ObjectKey("bots", "support")
NOW, END = datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 6, 30, tzinfo=UTC)
KNOWN = LicenseFact(NOW)
FIRST, SECOND = (RasaServer(f"pod support-{number}", f"http://127.0.0.{number + 1}:5005") for number in (0, 1))
NO_ADDRESS = RasaServer("pod support-2", None)


class Rasa:
    """Rasa servers with a licence, and who was asked."""

    def __init__(self) -> None:
        self.hosts: list[str] = []
        self.fails = False

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The answer to `GET /license`."""
        assert request.url.path == "/license"
        self.hosts.append(request.url.host)
        if self.fails:
            raise httpx.ConnectError("refused", request=request)
        return httpx.Response(200, stream=httpx.ByteStream(json.dumps({"expires": END.isoformat()}).encode()))


def asking(test: Callable[[Rasa, Licenses], Coroutine[Any, Any, None]]) -> None:
    """Run a test against these servers."""

    async def body() -> None:
        rasa = Rasa()
        async with httpx.AsyncClient(transport=httpx.MockTransport(rasa.answer)) as http:
            await test(rasa, Licenses(partial(license_expiry, http), WorkQueue(), Intervals(served=300)))

    run(body())


def test_one_of_the_servers_is_asked_once_an_hour() -> None:
    async def test(rasa: Rasa, licenses: Licenses) -> None:
        assert await licenses.ask(SUPPORT, [FIRST, SECOND], known=KNOWN) == LicenseFact(NOW, END)
        await asyncio.sleep(ASKED_EVERY_SECONDS - 1)
        assert await licenses.ask(SUPPORT, [FIRST, SECOND], known=KNOWN) == LicenseFact(NOW, END)
        assert rasa.hosts == ["127.0.0.1"]

        await asyncio.sleep(1)
        await licenses.ask(SUPPORT, [FIRST, SECOND], known=KNOWN)

        assert rasa.hosts == ["127.0.0.1"] * 2

    asking(test)


def test_new_pods_are_asked_at_once() -> None:
    async def test(rasa: Rasa, licenses: Licenses) -> None:
        await licenses.ask(SUPPORT, [FIRST], known=KNOWN)
        await licenses.ask(SUPPORT, [SECOND], known=KNOWN)

        assert rasa.hosts == ["127.0.0.1", "127.0.0.2"]

    asking(test)


def test_a_server_that_does_not_answer_is_asked_again_soon() -> None:
    async def test(rasa: Rasa, licenses: Licenses) -> None:
        rasa.fails = True
        fact = await licenses.ask(SUPPORT, [FIRST], known=KNOWN)
        assert fact.expires is None
        assert fact.problem is not None
        assert fact.problem.startswith("pod support-0: ")

        rasa.fails = False
        await asyncio.sleep(300)

        assert await licenses.ask(SUPPORT, [FIRST], known=KNOWN) == LicenseFact(NOW, END)

    asking(test)


def test_without_a_pod_the_last_answer_stays() -> None:
    async def test(rasa: Rasa, licenses: Licenses) -> None:
        assert await licenses.ask(SUPPORT, [NO_ADDRESS], known=KNOWN) == LicenseFact(NOW)
        await licenses.ask(SUPPORT, [FIRST], known=KNOWN)

        assert await licenses.ask(SUPPORT, [], known=KNOWN) == LicenseFact(NOW, END)
        assert len(rasa.hosts) == 1

    asking(test)


def test_of_an_environment_that_is_gone_nothing_is_known() -> None:
    async def test(_: Rasa, licenses: Licenses) -> None:
        await licenses.ask(SUPPORT, [FIRST], known=KNOWN)
        licenses.forget(SUPPORT)

        assert await licenses.ask(SUPPORT, [], known=KNOWN) == LicenseFact(NOW)

    asking(test)
