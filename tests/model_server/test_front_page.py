"""`/` explains the server to whoever opens it in a browser, and tells nothing of what is stored."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from rasa_model_server.rasa_x.profiles import PROFILES
from rasa_model_server.settings import Settings
from tests.model_server.conftest import API_TOKEN, PASSWORD, SERVICE_TOKEN, ModelServer, running

pytestmark = pytest.mark.asyncio(loop_scope="module")
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


class Elements(HTMLParser):
    """The elements of a page, with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


async def test_the_page_needs_no_token_and_links_to_the_api(shared_server: ModelServer) -> None:
    answer = await shared_server.client.get("/", headers=BROWSER)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "keeps trained Rasa models" in answer.text
    links = [attributes["href"] for tag, attributes in Elements(answer.text).found if tag == "a"]
    assert links == ["openapi.json"]
    assert (await shared_server.client.get(f"/{links[0]}")).status_code == 200


async def test_the_page_lists_every_operation_of_the_api(shared_server: ModelServer) -> None:
    page = (await shared_server.client.get("/")).text
    document = (await shared_server.client.get("/openapi.json")).json()

    rows = [(path, method) for path, item in document["paths"].items() for method in item]
    assert [row for row in rows if f"<td>{row[1].upper()}</td><td><code>{row[0]}</code></td>" not in page] == []


async def test_the_page_tells_nothing_of_what_is_stored_and_no_token(settings: Settings) -> None:
    async with running(settings) as server:
        before = (await server.client.get("/")).text
        await server.upload("very-secret-model")
        await server.put_tag("very-secret-model", "secret-tag")

        after = (await server.client.get("/")).text

    assert after == before
    assert [
        word for word in (SERVICE_TOKEN, API_TOKEN, PASSWORD, "secret-", str(server.directory)) if word in after
    ] == []


async def test_the_page_loads_nothing_and_runs_nothing(shared_server: ModelServer) -> None:
    answer = await shared_server.client.get("/")

    policy = answer.headers["Content-Security-Policy"]
    style = answer.text.partition("<style>")[2].partition("</style>")[0]
    allowed = b64encode(sha256(style.encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{allowed}';")
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    loading = {"script", "link", "img", "iframe", "object", "embed", "form", "base"}
    assert loading.isdisjoint(tag for tag, _ in Elements(answer.text).found)


@pytest.mark.parametrize("profile", ["RasaX-0.2", "RasaX-0.32", "RasaEnterprise-1.0"])
async def test_every_profile_has_the_page(settings: Settings, profile: str) -> None:
    async with running(replace(settings, profile=PROFILES[profile])) as server:  # type: ignore[index]
        answer = await server.client.get("/", headers=BROWSER)

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")


async def test_a_probe_may_ask_for_the_headers_alone(shared_server: ModelServer) -> None:
    answer = await shared_server.client.head("/")

    assert (answer.status_code, answer.content) == (200, b"")
