"""The proxy causes the requested faults, and counts calls correctly."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import yaml
from aiohttp import web

from local.node.certificates import Authority
from tests.api.api_server import wait_until
from tests.chaos.actions import (
    Action,
    Close,
    CutInEvent,
    Delay,
    Drip,
    EndAfter,
    EndAfterEvents,
    Hang,
    Inject,
    LoseAnswer,
    Repeat,
    Reset,
    Say,
    Stale,
    error_event,
)
from tests.chaos.calls import Call, Phase, does_write, rate, repeated
from tests.chaos.proxy import DroppedError, FaultProxy, kubeconfig

PODS = "/api/v1/namespaces/a/pods"
WATCH = {"watch": "1"}
PERIOD = 0.05


class Upstream:
    """A server that answers with a number, which writes raise; a watch counts without end."""

    def __init__(self) -> None:
        self.number = 0
        self.url = ""
        self.targets: list[str] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.targets.append(request.raw_path)
        if "watch" in request.query:
            return await self.watch(request)
        self.number += request.method != "GET"
        headers = {"ETag": request.headers.get("Authorization", ""), "X-Agent": request.headers["User-Agent"]}
        return web.json_response({"number": self.number, "body": await request.text()}, headers=headers)

    @staticmethod
    async def watch(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        number = 0
        while True:
            await response.write(json.dumps({"event": number}).encode() + b"\n")
            await asyncio.sleep(PERIOD)
            number += 1

    async def open(self) -> web.AppRunner:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self.answer)
        runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    upstream = Upstream()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    runner = asyncio.run_coroutine_threadsafe(upstream.open(), loop).result(10)
    yield upstream
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def proxy(upstream: Upstream) -> Iterator[FaultProxy]:
    with FaultProxy(upstream.url) as proxy:
        yield proxy
    assert proxy.errors == []


@pytest.fixture
def client(proxy: FaultProxy) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=proxy.url, trust_env=False, timeout=5) as client:
        yield client


def always(action: Action) -> Callable[[Call], Action]:
    return lambda _: action


def first_lines(client: httpx.Client, number: int) -> list[str]:
    """The first lines of a watch, or all where it ends before."""
    found: list[str] = []
    with client.stream("GET", PODS, params=WATCH) as answer:
        for line in answer.iter_lines():
            found.append(line)
            if len(found) == number:
                break
    return found


def test_a_call_is_forwarded_as_it_is_and_recorded(proxy: FaultProxy, client: httpx.Client, upstream: Upstream) -> None:
    headers = {"Authorization": "Bearer a", "User-Agent": "someone"}
    answer = client.patch(f"{PODS}/b%2Fc/status?fieldManager=d%20e", content="{}", headers=headers)

    assert answer.json() == {"number": 1, "body": "{}"}
    assert (answer.headers["ETag"], answer.headers["X-Agent"]) == ("Bearer a", "someone")
    assert upstream.targets == [f"{PODS}/b%2Fc/status?fieldManager=d%20e"]
    [call] = proxy.calls
    assert (call.number, call.write, call.method, call.agent, call.authorization) == (
        1,
        1,
        "PATCH",
        "someone",
        "Bearer a",
    )
    assert (call.query, call.json()) == ({"fieldManager": "d e"}, {})


def test_calls_are_told_apart(proxy: FaultProxy, client: httpx.Client) -> None:
    client.get(PODS)
    client.get(f"{PODS}/b")
    client.post("/apis/rasa-environments.io/v1alpha1/namespaces/a/modeltags")
    client.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews")
    client.get("/api/v1/namespaces/a")
    first_lines(client, 1)

    listed, got, created, reviewed, namespace, watched = proxy.calls
    assert [listed.is_list, got.is_get, watched.is_watch, namespace.is_get] == [True] * 4
    assert [call.number for call in proxy.calls if call.writes] == [created.number]
    assert (created.place.group, created.place.namespace, created.place.resource) == (
        "rasa-environments.io",
        "a",
        "modeltags",
    )
    assert (got.place.resource, got.place.name, namespace.place.name) == ("pods", "b", "a")
    assert reviewed.place.resource == "selfsubjectaccessreviews"
    assert not does_write("POST", "/api/auth")


def test_an_answer_is_replaced_and_nothing_is_forwarded(
    proxy: FaultProxy, client: httpx.Client, upstream: Upstream
) -> None:
    with proxy.failing(always(Say(429, "later", {"Retry-After": "3"}))):
        answer = client.get(PODS)

    assert (answer.status_code, answer.text, answer.headers["Retry-After"]) == (429, "later", "3")
    assert upstream.targets == []
    assert client.get(PODS).status_code == 200
    assert proxy.forwarded == {2}


@pytest.mark.parametrize(("action", "forwarded"), [(Reset(), 0), (Close(), 0), (LoseAnswer(), 1)], ids=repr)
def test_a_connection_ends_without_an_answer(
    proxy: FaultProxy, client: httpx.Client, upstream: Upstream, action: Action, forwarded: int
) -> None:
    with proxy.failing(always(action)), pytest.raises(httpx.TransportError):
        client.post(PODS)

    assert upstream.number == forwarded


def test_a_call_that_hangs_is_forwarded_when_the_fault_is_over(
    proxy: FaultProxy, client: httpx.Client, upstream: Upstream
) -> None:
    proxy.fail(always(Hang()))
    answers: list[httpx.Response] = []
    thread = threading.Thread(target=lambda: answers.append(client.get(PODS)))
    thread.start()
    wait_until(lambda: len(proxy.calls) == 1, "the call")
    assert upstream.targets == []

    proxy.recover()

    thread.join()
    assert answers[0].status_code == 200


def test_an_answer_is_late_or_drips(proxy: FaultProxy, client: httpx.Client) -> None:
    start = time.monotonic()
    with proxy.failing(always(Delay(0.3))):
        client.get(PODS)
    assert time.monotonic() - start >= 0.3

    start = time.monotonic()
    with proxy.failing(always(Drip(100))):
        assert client.get(PODS).json() == {"number": 0, "body": ""}
    assert time.monotonic() - start >= 0.2


def test_a_watch_passes_events_as_they_come(proxy: FaultProxy, client: httpx.Client) -> None:
    assert first_lines(client, 3) == ['{"event": 0}', '{"event": 1}', '{"event": 2}']
    wait_until(lambda: proxy.open_streams == 0, "the watch to be closed with its client")


@pytest.mark.parametrize(
    ("action", "lines"),
    [
        (EndAfter(), []),
        (EndAfter(0.1), []),
        (EndAfterEvents(2), ['{"event": 0}', '{"event": 1}']),
        (Inject(("a", "b")), ["a", "b"]),
        (Inject(("a",), goes_on=True), ["a", '{"event": 0}', '{"event": 1}']),
        (Repeat(), ['{"event": 0}', '{"event": 0}', '{"event": 1}']),
        (Repeat(1, old=True), ['{"event": 0}', '{"event": 1}', '{"event": 0}', '{"event": 2}']),
    ],
    ids=repr,
)
def test_a_watch_goes_wrong(proxy: FaultProxy, client: httpx.Client, action: Action, lines: list[str]) -> None:
    ends = isinstance(action, EndAfter | EndAfterEvents) or (isinstance(action, Inject) and not action.goes_on)
    with proxy.failing(always(action)):
        assert first_lines(client, 10 if ends else len(lines)) == lines


def test_a_watch_brings_an_error_event(proxy: FaultProxy, client: httpx.Client) -> None:
    with proxy.failing(always(error_event(410, "Expired"))):
        [line] = first_lines(client, 10)
    event = json.loads(line)
    assert (event["type"], event["object"]["code"]) == ("ERROR", 410)


@pytest.mark.parametrize("resets", [False, True])
def test_a_watch_is_cut_in_mid_event(proxy: FaultProxy, client: httpx.Client, *, resets: bool) -> None:
    def cut_off() -> None:
        with client.stream("GET", PODS, params=WATCH) as answer:
            text = "".join(answer.iter_text())
        assert text.startswith('{"type":"MODIFIED"')
        assert not text.endswith("\n")

    with proxy.failing(always(CutInEvent(resets=resets))):
        if resets:
            with pytest.raises(httpx.TransportError):
                cut_off()
        else:
            cut_off()


def test_an_open_watch_is_cut(proxy: FaultProxy, client: httpx.Client) -> None:
    with client.stream("GET", PODS, params=WATCH) as answer:
        lines = answer.iter_lines()
        next(lines)
        proxy.inject("injected")
        assert "injected" in (next(lines), next(lines))
        assert proxy.cut(in_event=True) == 1
        assert not list(lines)[-1].endswith("}")

    with client.stream("GET", PODS, params=WATCH) as answer:
        proxy.cut(resets=True)
        with pytest.raises(httpx.TransportError):
            list(answer.iter_lines())


def test_a_frozen_watch_says_nothing_until_it_is_over(proxy: FaultProxy, client: httpx.Client) -> None:
    with client.stream("GET", PODS, params=WATCH, timeout=httpx.Timeout(5, read=0.4)) as answer:
        lines = answer.iter_lines()
        next(lines)
        proxy.freeze(lambda call: call.is_watch)
        with pytest.raises(httpx.ReadTimeout):
            list(lines)
    with pytest.raises(httpx.ReadTimeout), client.stream("GET", PODS, params=WATCH, timeout=0.4) as answer:
        list(answer.iter_lines())
    assert client.get(PODS).status_code == 200

    proxy.recover()

    assert len(first_lines(client, 2)) == 2


def test_connections_are_refused_and_accepted_again_at_the_same_port(proxy: FaultProxy, client: httpx.Client) -> None:
    url = proxy.url
    with client.stream("GET", PODS, params=WATCH) as answer:
        proxy.refuse()
        with pytest.raises(httpx.TransportError):
            list(answer.iter_lines())
    with pytest.raises(httpx.ConnectError):
        client.get(PODS)

    proxy.listen()

    assert client.get(PODS).status_code == 200
    assert proxy.url == url


def test_connections_are_ignored(proxy: FaultProxy, client: httpx.Client) -> None:
    proxy.ignore()
    with pytest.raises(httpx.ReadTimeout):
        client.get(PODS, timeout=0.3)

    proxy.recover()

    assert client.get(PODS).status_code == 200


def test_it_moves_to_another_port(proxy: FaultProxy, client: httpx.Client) -> None:
    old = proxy.url
    proxy.move()
    with pytest.raises(httpx.ConnectError):
        client.get(PODS)

    assert proxy.url != old
    assert httpx.get(proxy.url + PODS, trust_env=False).status_code == 200


def test_its_certificate_is_of_an_authority_that_can_change(upstream: Upstream) -> None:
    first, second = Authority(), Authority()

    def ask(url: str, known: Authority) -> int:
        trusted = ssl.create_default_context(cadata=known.certificate)
        return httpx.get(url + PODS, verify=trusted, trust_env=False).status_code

    with FaultProxy(upstream.url, authority=first) as proxy:
        assert ask(proxy.url, first) == 200
        proxy.show_certificate_of(second)
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            ask(proxy.url, first)
        assert (len(proxy.calls), len(proxy.connections)) == (1, 2)
        assert ask(proxy.url, second) == 200


def test_the_first_list_is_answered_again(proxy: FaultProxy, client: httpx.Client) -> None:
    stale = Stale()
    with proxy.failing(lambda call: stale if call.is_list else None):
        assert client.get(PODS).json()["number"] == 0
        client.post(PODS)
        assert client.get(PODS).json()["number"] == 0
    assert client.get(PODS).json()["number"] == 1


def test_the_hook_is_called_around_each_write(proxy: FaultProxy, client: httpx.Client, upstream: Upstream) -> None:
    seen: list[tuple[int, Phase, int]] = []
    proxy.on_write = lambda call, phase: seen.append((call.write, phase, upstream.number))

    client.get(PODS)
    client.post(PODS)
    client.delete(f"{PODS}/a")

    assert seen == [(1, Phase.BEFORE, 0), (1, Phase.AFTER, 1), (2, Phase.BEFORE, 1), (2, Phase.AFTER, 2)]


@pytest.mark.parametrize(("phase", "forwarded"), [(Phase.BEFORE, 0), (Phase.AFTER, 1)])
def test_the_hook_drops_a_write(
    proxy: FaultProxy, client: httpx.Client, upstream: Upstream, phase: Phase, forwarded: int
) -> None:
    def drop(_: Call, now: Phase) -> None:
        if now is phase:
            raise DroppedError

    proxy.on_write = drop
    with pytest.raises(httpx.TransportError):
        client.post(PODS)
    assert upstream.number == forwarded


def test_rates_are_counted_in_windows_of_a_second(proxy: FaultProxy, client: httpx.Client) -> None:
    start = time.monotonic()
    for _ in range(3):
        client.get(PODS)

    measured = rate([0.0, 0.1, 0.2, 0.95, 1.05, 1.1, 5.0, 9.0], 0.0, 10.0)

    assert (measured.average, measured.peak, measured.count) == (0.8, 4, 8)
    assert proxy.count(lambda call: call.is_list) == 3
    assert (proxy.rate(start).count, proxy.connection_rate(start, time.monotonic()).count) == (3, 1)


def test_repeated_writes_are_singled_out() -> None:
    bodies = [b"a", b"b", b"a"]
    made = [Call(n, n, 0.0, "POST", PODS, {}, "", "", body) for n, body in enumerate(bodies, 1)]
    assert repeated(made) == {("POST", PODS, b"a"): 2}


def test_a_kubeconfig_names_the_proxy(tmp_path: Path) -> None:
    source, authority = tmp_path / "source", Authority()
    clusters = [{"name": "a", "cluster": {"server": "https://a", "certificate-authority-data": "b"}}]
    source.write_text(yaml.safe_dump({"clusters": clusters, "users": [{"name": "c", "user": {"token": "d"}}]}))

    written = yaml.safe_load(kubeconfig(source, tmp_path / "target", "https://e", authority, token="f").read_text())

    assert written["clusters"][0]["cluster"]["server"] == "https://e"
    assert written["clusters"][0]["cluster"]["certificate-authority-data"] != "b"
    assert written["users"] == [{"name": "c", "user": {"token": "f"}}]
