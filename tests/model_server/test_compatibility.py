"""Models that production cannot load are neither accepted nor tagged; while it does not answer, none are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from rasa_model_server.rasa_x.production import Production
from rasa_model_server.rasa_x.profiles import PROFILES, ProfileName
from rasa_model_server.rasa_x.registry import Registry
from rasa_model_server.rasa_x.servers import RasaServers
from rasa_model_server.settings import Settings
from rasa_model_server.storage import Catalogue, EnvironmentRecord, open_storage
from rasa_model_server.web.model_check import is_compatible
from tests.model_server.archives import model_file
from tests.model_server.conftest import ModelServer, running
from tests.model_server.environment_files import environments_file
from tests.model_server.small_rasa import SmallRasa, running_rasa

NOWHERE = "http://127.0.0.1:9"
OLD: Mapping[str, object] = {"rasa_open_source_version": "2.8.34", "trained_at": "2026-01-01T12:00:00"}

releases = st.tuples(st.integers(0, 9), st.integers(0, 30), st.integers(0, 30)).map(
    lambda parts: "{}.{}.{}".format(*parts)
)


@given(releases, releases)
def test_versions_are_compared_as_releases_are(trained: str, minimum: str) -> None:
    assert is_compatible(trained, minimum) == (Version(trained) >= Version(minimum))


@pytest.mark.parametrize(
    ("trained", "minimum", "compatible"),
    [
        ("2.8.0a1", "2.8.0", False),
        ("2.8.0rc2", "2.8.0", False),
        ("2.8.0.dev3", "2.8.0", False),
        ("2.8.0", "2.8.0rc2", True),
        ("3.0.0a1", "2.8.9", True),
        ("3.6", "3.6.0", True),
        (None, "3.6.0", True),
        ("3.6.21", None, True),
        ("of my own", "3.6.0", True),
    ],
)
def test_a_pre_release_comes_before_its_release_and_what_is_not_known_is_compatible(
    trained: str | None, minimum: str | None, compatible: bool
) -> None:
    assert is_compatible(trained, minimum) == compatible


@pytest.fixture
async def production() -> AsyncIterator[SmallRasa]:
    async with running_rasa(SmallRasa(minimum="3.6.0")) as rasa:
        yield rasa


def with_environments(settings: Settings, profile: ProfileName, directory: Path, url: str) -> Settings:
    file = environments_file(directory, production=(url, "x"), worker=(NOWHERE, "x"))
    return replace(settings, profile=PROFILES[profile], environments_file=file)


UPLOAD_REFUSED: list[tuple[ProfileName, int]] = [("RasaX-0.2", 404), ("RasaX-0.32", 400), ("RasaEnterprise-1.0", 400)]


@pytest.mark.parametrize(("profile", "status"), UPLOAD_REFUSED)
async def test_a_model_that_production_cannot_load_is_not_taken(
    settings: Settings, tmp_path: Path, production: SmallRasa, profile: ProfileName, status: int
) -> None:
    async with running(with_environments(settings, profile, tmp_path, production.url)) as server:
        answer = await server.upload("old", model_file(metadata=OLD))
        tags = await server.tags()

    assert (answer.status_code, answer.json()["reason"], answer.json()["message"]) == (
        status,
        "ModelVersionError",
        "Rasa 2.8.34 trained the model, and the oldest that the production server can load is 3.6.0: train it again",
    )
    assert tags == {}
    assert not list((tmp_path / "models" / "models").glob("*"))


async def test_a_model_that_production_can_load_no_more_is_listed_so_and_not_tagged(
    settings: Settings, tmp_path: Path, production: SmallRasa
) -> None:
    async with running(settings) as before:
        await before.upload("old", model_file(metadata=OLD))
        await before.upload("new", model_file("new"))

    async with running(with_environments(settings, "RasaX-0.32", tmp_path, production.url)) as server:
        listed = {model["model"]: model["is_compatible"] for model in (await server.listed()).json()}
        refused = await server.put_tag("old", "experimental")
        tagged = await server.put_tag("new", "experimental")

    assert listed == {"old": False, "new": True}
    assert (refused.status_code, refused.json()["reason"], refused.json()["message"]) == (
        404,
        "ModelTagError",
        (
            "failed to tag the model 'old': Rasa 2.8.34 trained it, and the oldest that the production server can "
            "load is 3.6.0: train it again"
        ),
    )
    assert tagged.status_code == 204


@pytest.mark.parametrize(("profile", "status"), UPLOAD_REFUSED)
async def test_nothing_is_uploaded_or_tagged_while_production_does_not_answer(
    settings: Settings, tmp_path: Path, profile: ProfileName, status: int
) -> None:
    async with running(settings) as before:
        await before.upload("a")

    async with running(with_environments(settings, profile, tmp_path, NOWHERE)) as server:
        uploaded = await server.upload("b")
        tagged = await server.put_tag("a", "production")
        listed = await server.listed()

    reason = "production is not reachable, so its minimum version is not known: it cannot be reached"
    assert (uploaded.status_code, uploaded.json()["message"]) == (status, f"the model is not taken: {reason}")
    assert (tagged.status_code, tagged.json()["message"]) == (404, f"failed to tag the model 'a': {reason}")
    assert [model["is_compatible"] for model in listed.json()] == [True]


async def test_a_tag_is_taken_away_also_while_production_does_not_answer(settings: Settings, tmp_path: Path) -> None:
    async with running(settings) as before:
        await before.upload("a")
        await before.put_tag("a", "production")

    async with running(with_environments(settings, "RasaX-0.32", tmp_path, NOWHERE)) as server:
        answer = await server.delete_tag("a", "production")

    assert answer.status_code == 204


async def test_environments_without_production_are_said(settings: Settings) -> None:
    async with running(replace(settings, profile=PROFILES["RasaEnterprise-1.0"])) as server:
        before = await server.upload("a")
        environment = {"name": "development", "url": NOWHERE, "token": "x"}
        await server.client.put("/api/environments", json=[environment], headers=await server.log_in())
        after = await server.put_tag("a", "development")

    assert before.status_code == 201
    assert (after.status_code, after.json()["message"]) == (
        404,
        (
            "failed to tag the model 'a': production is not reachable: environments are registered, but none is called "
            "production: register it"
        ),
    )


async def test_the_profile_modelserver_asks_nobody(settings: Settings) -> None:
    async with running_rasa() as rasa, running(settings) as server:
        environment = {"name": "production", "url": rasa.url, "token": rasa.token}
        await server.client.put("/api/environments", json=[environment], headers=await server.log_in())
        await upload_and_tag(server)

    assert rasa.asked == []


async def upload_and_tag(server: ModelServer) -> None:
    assert (await server.upload("old", model_file(metadata=OLD))).status_code == 201
    assert (await server.put_tag("old", "production")).status_code == 204


async def test_production_is_asked_again_once_its_answer_is_old(production: SmallRasa) -> None:
    now = 0.0
    registered = EnvironmentRecord(name="production", url=production.url, token="x")
    servers = RasaServers()
    asked = Production(Registry(Catalogue(open_storage("memory://").store), (registered,)), servers, clock=lambda: now)
    await asked.minimum_version()
    production.minimum = "3.7.0"
    at_once = await asked.minimum_version()
    now = 6.0
    later = await asked.minimum_version()
    await servers.aclose()

    assert (at_once, later, production.asked) == ("3.6.0", "3.7.0", ["/version", "/version"])
