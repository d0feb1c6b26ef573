"""The verbs, and every way in which a request can fail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml
from aiohttp import web

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.cluster import client as client_module
from rasa_environments.cluster import reading
from rasa_environments.cluster.client import USER_AGENT, Client, Listing, TooLargeError, WatchEvent
from rasa_environments.cluster.errors import ApiError
from rasa_environments.cluster.resources import CONFIG_MAPS, DEPLOYMENTS, SECRETS, resource_of
from tests.cluster.line import Line, RecordingConnection, eventually
from tests.cluster.objects import config_map, deployment, secret


@pytest.fixture
def key(namespace: str) -> ObjectKey:
    """The path of the object in question."""
    return ObjectKey(namespace, "a")


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("Secret", "/api/v1/namespaces/bots/secrets/a/status"),
        ("Deployment", "/apis/apps/v1/namespaces/bots/deployments/a/status"),
        ("ModelTag", "/apis/rasa-environments.io/v1alpha1/namespaces/bots/modeltags/a/status"),
    ],
)
def test_the_path_of_an_object(kind: str, path: str) -> None:
    assert resource_of(kind).path("bots", "a", "status") == path


def test_the_path_of_all_objects() -> None:
    assert CONFIG_MAPS.path() == "/api/v1/configmaps"
    assert DEPLOYMENTS.path("bots") == "/apis/apps/v1/namespaces/bots/deployments"


async def test_an_object_that_is_created_can_be_read_and_deleted(client: Client, key: ObjectKey) -> None:
    created = await client.create(CONFIG_MAPS, config_map("a", {"x": "1"}, namespace=key.namespace))
    assert await client.get(CONFIG_MAPS, key) == created
    await client.delete(CONFIG_MAPS, key, uid=created["metadata"]["uid"])
    with pytest.raises(ApiError) as caught:
        await client.get(CONFIG_MAPS, key)
    assert (caught.value.status, caught.value.reason) == (404, "NotFound")
    assert str(caught.value) == 'NotFound: configmaps "a" not found'


async def test_to_delete_what_is_gone_is_fine(client: Client, key: ObjectKey) -> None:
    await client.delete(CONFIG_MAPS, key)


async def test_another_object_of_that_name_is_not_deleted(client: Client, key: ObjectKey) -> None:
    await client.create(CONFIG_MAPS, config_map("a", namespace=key.namespace))
    with pytest.raises(ApiError) as caught:
        await client.delete(CONFIG_MAPS, key, uid="00000000-0000-0000-0000-000000000000")
    assert caught.value.status == 409
    assert not caught.value.already_exists


async def test_what_exists_is_not_created_again(client: Client, key: ObjectKey) -> None:
    await client.create(CONFIG_MAPS, config_map("a", namespace=key.namespace))
    with pytest.raises(ApiError) as caught:
        await client.create(CONFIG_MAPS, config_map("a", namespace=key.namespace))
    assert caught.value.already_exists


async def test_a_list_of_many_pages_is_complete_and_its_items_say_what_they_are(
    client: Client, connection: RecordingConnection, namespace: str
) -> None:
    for number in range(5):
        await client.create(SECRETS, secret(f"s{number}", namespace, {"x": "1"}))
    connection.requests.clear()
    listing = await client.list(SECRETS, namespace, page_size=2)
    assert len(connection.requests) == 3
    assert [item["metadata"]["name"] for item in listing.items] == [f"s{number}" for number in range(5)]
    assert {(item["apiVersion"], item["kind"]) for item in listing.items} == {("v1", "Secret")}
    assert int(listing.resource_version) >= max(int(item["metadata"]["resourceVersion"]) for item in listing.items)


async def test_a_list_of_metadata_has_no_content(client: Client, namespace: str) -> None:
    await client.create(SECRETS, secret("s", namespace, {"x": "1"}))
    listing = await client.list(SECRETS, namespace, metadata_only=True, field_selector="metadata.name=s")
    assert [set(item) for item in listing.items] == [{"apiVersion", "kind", "metadata"}]
    assert listing.items[0]["kind"] == "Secret"


async def test_a_list_of_what_nobody_has_is_empty(client: Client, namespace: str) -> None:
    assert (await client.list(CONFIG_MAPS, namespace, label_selector="no=body")).items == []


async def test_a_status_is_written_and_nothing_else(client: Client, key: ObjectKey) -> None:
    before = await client.create(DEPLOYMENTS, deployment("a", key.namespace))
    after = await client.patch_status(DEPLOYMENTS, key, {"collisionCount": 3})
    assert after["status"]["collisionCount"] == 3
    assert after["metadata"]["generation"] == before["metadata"]["generation"]


async def test_a_status_is_not_written_over_a_newer_object(client: Client, key: ObjectKey) -> None:
    await client.create(DEPLOYMENTS, deployment("a", key.namespace))
    with pytest.raises(ApiError) as caught:
        await client.patch_status(DEPLOYMENTS, key, {"collisionCount": 3}, resource_version="1")
    assert (caught.value.status, caught.value.reason) == (409, "Conflict")


async def test_what_cannot_be_reached_says_so(distant: Client, line: Line, key: ObjectKey) -> None:
    line.cut()
    with pytest.raises(ApiError, match=f"Unreachable: no answer from the API server {line.address}") as caught:
        await distant.get(CONFIG_MAPS, key)
    assert (caught.value.status, caught.value.reason) == (0, "Unreachable")


async def test_a_watch_whose_line_is_cut_is_an_error_and_no_end(
    distant: Client, line: Line, someone: Client, namespace: str
) -> None:
    version = (await distant.list(CONFIG_MAPS, namespace)).resource_version
    seen: list[str] = []

    async def follow() -> None:
        async for event in distant.watch(CONFIG_MAPS, namespace, resource_version=version):
            assert isinstance(event, WatchEvent)
            seen.append(event.type)

    task = asyncio.create_task(follow())
    await someone.create(CONFIG_MAPS, config_map("a", namespace=namespace))
    await eventually(lambda: "ADDED" in seen, "the watch to be open")
    line.cut()
    with pytest.raises(ApiError) as caught:
        await task
    assert caught.value.status == 0


async def test_a_closed_client_says_so(client: Client, key: ObjectKey) -> None:
    await client.close()
    with pytest.raises(ApiError, match="the connection to the API server is closed"):
        await client.get(CONFIG_MAPS, key)


class Scripted:
    """Return a server that gives the next of several answers each time."""

    def __init__(self, *answers: web.Response) -> None:
        self.answers = list(answers)
        self.requests: list[web.Request] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        return self.answers.pop(0)


@pytest.fixture
async def scripted(tmp_path: Path, namespace: str) -> AsyncIterator[tuple[Scripted, Client]]:
    """A server without answers yet, and a client of it."""
    script = Scripted()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", script.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    path = tmp_path / "kubeconfig"
    path.write_text(
        yaml.safe_dump(
            {
                "clusters": [
                    {"name": "c", "cluster": {"server": f"http://127.0.0.1:{runner.addresses[0][1]}/prefix/"}}
                ],
                "users": [{"name": "u", "user": {"token": "secret"}}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u", "namespace": "bots"}}],
                "current-context": "x",
            }
        )
    )
    async with await Client.connect(str(path)) as client:
        yield script, client
    await runner.cleanup()


def named(key: ObjectKey) -> JsonObject:
    """The smallest possible object."""
    return {"metadata": {"namespace": key.namespace, "name": key.name}}


async def test_an_answer_about_another_object_is_an_error(scripted: tuple[Scripted, Client], key: ObjectKey) -> None:
    script, client = scripted
    others: tuple[JsonObject, ...] = (
        {},
        named(ObjectKey(key.namespace, "another"))["metadata"],
        named(ObjectKey("another", key.name))["metadata"],
    )
    for metadata in others:
        script.answers = [web.json_response({"metadata": metadata})]
        with pytest.raises(ApiError, match="returned another object"):
            await client.get(CONFIG_MAPS, key)


async def test_each_request_says_who_it_is_from(scripted: tuple[Scripted, Client], key: ObjectKey) -> None:
    script, client = scripted
    script.answers = [web.json_response(named(key))]
    await client.get(CONFIG_MAPS, key)
    (request,) = script.requests
    assert request.path == f"/prefix/api/v1/namespaces/{key.namespace}/configmaps/a"
    assert request.headers["User-Agent"] == USER_AGENT
    assert request.headers["Authorization"] == "Bearer secret"
    assert USER_AGENT.startswith("rasa-environments/")


async def test_the_namespace_is_that_of_the_context(scripted: tuple[Scripted, Client]) -> None:
    assert scripted[1].namespace == "bots"


async def test_a_server_that_asks_to_slow_down_is_asked_again(
    scripted: tuple[Scripted, Client], key: ObjectKey
) -> None:
    script, client = scripted
    busy = [web.Response(status=429, headers={"Retry-After": text}) for text in ("0", "soon")]
    script.answers = [*busy, web.json_response(named(key))]
    assert await client.get(CONFIG_MAPS, key) == named(key)


async def test_a_server_that_stays_busy_is_an_error_in_the_end(
    scripted: tuple[Scripted, Client], key: ObjectKey
) -> None:
    script, client = scripted
    script.answers = [web.Response(status=429, headers={"Retry-After": "0"}) for _ in range(10)]
    with pytest.raises(ApiError) as caught:
        await client.get(CONFIG_MAPS, key)
    assert caught.value.status == 429
    assert len(script.requests) == 6


async def test_the_page_of_a_proxy_is_an_error_with_its_text(scripted: tuple[Scripted, Client], key: ObjectKey) -> None:
    script, client = scripted
    script.answers = [web.Response(status=502, reason="Bad Gateway", text="<h1>upstream is gone</h1>")]
    with pytest.raises(ApiError, match="Bad Gateway: <h1>upstream is gone</h1>") as caught:
        await client.get(CONFIG_MAPS, key)
    assert caught.value.status == 502


async def test_an_answer_that_is_no_json_is_an_error(scripted: tuple[Scripted, Client], key: ObjectKey) -> None:
    script, client = scripted
    script.answers = [web.Response(text="<h1>log in</h1>")]
    with pytest.raises(ApiError, match="is not JSON"):
        await client.get(CONFIG_MAPS, key)


async def test_a_version_that_is_too_old_cannot_be_watched_from(scripted: tuple[Scripted, Client]) -> None:
    script, client = scripted
    status = '{"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version: 1 (2)"}'
    script.answers = [web.Response(text=f'{{"type": "ERROR", "object": {status}}}\n')]
    with pytest.raises(ApiError, match="Expired: too old resource version") as caught:
        await anext(client.watch(CONFIG_MAPS, "bots", resource_version="1"))
    assert caught.value.status == 410


async def test_a_watch_with_a_torn_line_is_an_error(scripted: tuple[Scripted, Client]) -> None:
    script, client = scripted
    added = f'{{"type": "ADDED", "object": {json.dumps(config_map("a", version=7))}}}'
    script.answers = [web.Response(text=added + '\n{"type": "ADD\n')]
    events = client.watch(CONFIG_MAPS, "bots", resource_version="1")
    assert await anext(events) == WatchEvent("ADDED", config_map("a", version=7))
    with pytest.raises(ApiError, match="is not JSON"):
        await anext(events)


async def test_a_watch_that_ends_within_an_event_is_an_error(scripted: tuple[Scripted, Client]) -> None:
    script, client = scripted
    script.answers = [web.Response(text='{"type": "ADDED", "object"')]
    with pytest.raises(ApiError, match="ended within an event"):
        await anext(client.watch(CONFIG_MAPS, "bots", resource_version="1"))


async def test_a_page_of_html_is_no_watch(scripted: tuple[Scripted, Client]) -> None:
    script, client = scripted
    script.answers = [web.Response(text="<html>\nPlease log in\n</html>\n", content_type="text/html")]
    with pytest.raises(ApiError, match="is not JSON"):
        await anext(client.watch(CONFIG_MAPS, "bots", resource_version="1"))


class Silent(web.Response):
    """Return a watch that stays silent until the event is set."""

    def __init__(self, over: asyncio.Event) -> None:
        super().__init__()
        self.enable_chunked_encoding()
        self._over = over

    async def write_eof(self, data: bytes = b"") -> None:
        await self._over.wait()
        await super().write_eof(data)


async def test_a_watch_that_the_server_does_not_end_in_time_is_an_error(
    scripted: tuple[Scripted, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    script, client = scripted
    monkeypatch.setattr(client_module, "WATCH_SECONDS", (0, 0))
    monkeypatch.setattr(client_module, "_WATCH_GRACE", 0.2)
    over = asyncio.Event()
    script.answers = [Silent(over)]
    try:
        with pytest.raises(ApiError) as caught:
            await anext(client.watch(CONFIG_MAPS, "bots", resource_version="1"))
    finally:
        over.set()
    assert caught.value.status == 0


async def test_an_event_without_end_is_not_kept_growing(
    scripted: tuple[Scripted, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    script, client = scripted
    monkeypatch.setattr(reading, "LARGEST_OBJECT", 1000)
    script.answers = [web.Response(text='{"type": "ADDED", "object": "' + "x" * 2000)]
    with pytest.raises(TooLargeError, match="an event of a watch is longer than 1000 bytes") as caught:
        await anext(client.watch(CONFIG_MAPS, "bots", resource_version="1"))
    assert caught.value.limit == 1000


async def test_an_answer_beyond_its_limit_is_not_read(scripted: tuple[Scripted, Client]) -> None:
    script, client = scripted
    text = json.dumps(config_map("a", {"x": "x" * 2000}, version=7))
    script.answers = [web.Response(text=text), web.Response(text=text)]
    with pytest.raises(TooLargeError) as caught:
        await client.get(CONFIG_MAPS, ObjectKey("bots", "a"), maximum_bytes=1000)
    assert caught.value.limit == 1000
    assert (await client.get(CONFIG_MAPS, ObjectKey("bots", "a")))["data"] == {"x": "x" * 2000}


def names_in(*pages: Listing) -> list[str]:
    """Return the names of all objects except the one that Kubernetes creates in each namespace."""
    names = [item["metadata"]["name"] for page in pages for item in page.items]
    return [name for name in names if name != "kube-root-ca.crt"]


async def test_a_page_that_is_too_large_is_read_in_smaller_ones(
    monkeypatch: pytest.MonkeyPatch, connection: RecordingConnection, client: Client, someone: Client, namespace: str
) -> None:
    monkeypatch.setattr(reading, "LARGEST_PAGE", 4000)
    for number in range(8):
        await someone.create(CONFIG_MAPS, config_map(f"large-{number}", {"x": "x" * 1500}, namespace=namespace))
    pages = [page async for page in client.pages(CONFIG_MAPS, namespace, page_size=8)]
    assert names_in(*pages) == [f"large-{number}" for number in range(8)]
    assert max(len(page.items) for page in pages) <= 2


async def test_one_object_may_be_larger_than_a_page(
    monkeypatch: pytest.MonkeyPatch, client: Client, someone: Client, namespace: str
) -> None:
    monkeypatch.setattr(reading, "LARGEST_PAGE", 4000)
    await someone.create(CONFIG_MAPS, config_map("huge", {"x": "x" * 9000}, namespace=namespace))
    assert "huge" in names_in(await client.list(CONFIG_MAPS, namespace))


async def test_an_object_that_is_too_large_is_rejected_and_ends_no_list(
    monkeypatch: pytest.MonkeyPatch, client: Client, someone: Client, namespace: str
) -> None:
    monkeypatch.setattr(reading, "LARGEST_PAGE", 4000)
    monkeypatch.setattr(reading, "LARGEST_OBJECT", 6000)
    for name, size in (("a", 100), ("huge", 9000), ("z", 100)):
        await someone.create(CONFIG_MAPS, config_map(name, {"x": "x" * size}, namespace=namespace))
    listing = await client.list(CONFIG_MAPS, namespace)
    assert names_in(listing) == ["a", "z"]
    (rejected,) = listing.rejected
    assert rejected.key == ObjectKey(namespace, "huge")
    assert rejected.problem == "it has more than 6000 bytes as JSON"


async def test_a_message_of_any_length_fits_a_condition(scripted: tuple[Scripted, Client], key: ObjectKey) -> None:
    script, client = scripted
    status = {"kind": "Status", "code": 422, "reason": "Invalid", "message": "Invalid value: " + "x" * 500_000}
    script.answers = [web.json_response(status, status=422)]
    with pytest.raises(ApiError) as caught:
        await client.get(CONFIG_MAPS, key)
    assert (caught.value.status, caught.value.reason) == (422, "Invalid")
    assert len(caught.value.message) < 2100
