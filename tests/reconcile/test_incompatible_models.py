"""A tag does not move to a model that an environment cannot load; who is asked for a version, and when."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from unittest.mock import AsyncMock, Mock

import httpx
import pytest

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.conditions import Condition
from rasa_environments.controller.state import State
from rasa_environments.domain.facts import ServerObservation, TaggedModel
from rasa_environments.rasa.errors import UnreachableError
from rasa_environments.rasa.listing import Model
from rasa_environments.rasa.pulls import TagAnswer
from rasa_environments.rasa.server import server_version
from rasa_environments.reconcile.model_tag import ModelTagReconciler
from rasa_environments.reconcile.running_releases import VERSION_SECONDS, ReleaseProbe
from rasa_environments.reconcile.status import Statuses
from tests.reconcile.clock import run
from tests.reconcile.fakes import FakeApiServer, FakeConnections, verification_stages
from tests.reconcile.objects import environment, server, server_error, tag

KEY, SERVER = ObjectKey("bots", "live"), ObjectKey("bots", "default")
OLD = TaggedModel("old", "0" * 32, version="3.6.21")
RASA_2, RASA_3 = ("2.8.34", "2.8.9"), ("3.6.21", "3.6.21")
EXTERNAL: JsonObject = {"url": "http://elsewhere", "authToken": {"secretKeyRef": {"name": "outside", "key": "token"}}}
OWN_IMAGE: JsonObject = {"rasa": {"image": "registry.example.com/rasa:bots"}}
IMAGE_IN_TEMPLATE: JsonObject = {
    "rasa": {"version": "2.8.34"},
    "podTemplate": {"spec": {"containers": [{"name": "rasa", "image": "registry.example.com/rasa:bots"}]}},
}

Version = tuple[str, str | None]
Answer = Callable[[httpx.Request], Awaitable[httpx.Response]]


def sent(status: int, body: object) -> httpx.Response:
    return httpx.Response(status, stream=httpx.ByteStream(json.dumps(body).encode()))


def pod(name: str, address: str | None, **metadata: Any) -> JsonObject:
    """A pod of the environment `live`."""
    labels = {"app.kubernetes.io/instance": "live"}
    return {"metadata": {"name": name, "labels": labels, **metadata}, "status": {"podIP": address}}


class Promotion:
    """A ModelTag for the model `new` of that version; Rasa servers report versions by host, others do not answer."""

    def __init__(self, trained_with: str | None, **versions: Version | Exception) -> None:
        self.versions = {host.replace("_", "."): version for host, version in versions.items()}
        self.requests: list[str] = []
        new = TaggedModel("new", "1" * 32, version=trained_with)
        self.client = Mock(
            put_tag=AsyncMock(),
            tag=AsyncMock(return_value=TagAnswer(new.hash, new.name)),
            models=AsyncMock(return_value=(Model("new", new.hash, frozenset(), version=trained_with),)),
        )
        self.state = State()
        self.pods = self.state.pods
        self.state.lister.servers.put(server())
        self.observe(ServerObservation(models={"old": OLD, "new": new}, tags={"live": OLD}, known=True))
        http = httpx.AsyncClient(transport=httpx.MockTransport(self.answer))
        releases = ReleaseProbe(self.state, partial(server_version, http))
        statuses = Statuses(FakeApiServer(), self.state.lister)
        self.reconciler = ModelTagReconciler(
            self.state, FakeConnections(self.client), statuses, releases, verification_stages(self.state)
        )

    def observe(self, observation: ServerObservation) -> None:
        """The server was listed."""
        self.state.observations.listing_begins(SERVER)
        self.state.observations.listed(SERVER, observation)

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """The answer of a Rasa server."""
        assert request.url.path == "/version"
        assert not request.url.query, "the version is told without a token, so none is sent"
        self.requests.append(f"{request.url.host}:{request.url.port}" if request.url.port else request.url.host)
        version = self.versions.get(request.url.host)
        if version is None:
            await asyncio.sleep(600)
        if isinstance(version, Exception):
            raise version
        assert version is not None
        return sent(200, {"version": version[0], "minimum_compatible_version": version[1]})

    def environment(self, *, version: int = 1, **spec: Any) -> None:
        """An environment that pulls the tag."""
        self.state.lister.environments.put(environment("live", version=version, **spec))

    def has_pod(self, address: str | None, **metadata: Any) -> None:
        """A pod of the environment."""
        self.pods.put(ObjectKey("bots", f"pod-{address}"), pod(f"pod-{address}", address, **metadata))

    async def promote(self, **spec: Any) -> Condition:
        """Reconcile the ModelTag once; return its condition Tagged."""
        self.state.lister.tags.put(tag("live", model="new", **spec))
        await self.reconciler.reconcile(KEY)
        found = self.state.lister.tags.get(KEY)
        assert found is not None
        return next(entry for entry in found.status.conditions or () if entry.type == "Tagged")

    @property
    def puts(self) -> int:
        """How often the tag was set."""
        return int(self.client.put_tag.await_count)


def promoted(promotion: Promotion, **spec: Any) -> Condition:
    return run(promotion.promote(**spec))


def test_a_model_that_a_running_server_cannot_load_is_not_promoted_to_it() -> None:
    promotion = Promotion("2.8.34", **{"10_0_0_1": RASA_3})
    promotion.environment(**OWN_IMAGE)
    promotion.has_pod("10.0.0.1")

    tagged = promoted(promotion)

    assert (tagged.status, tagged.reason) == ("False", "ModelIncompatible")
    assert tagged.message.startswith(
        "environment bots/live runs Rasa 3.6.21, which loads models of Rasa 3.6.21 and later, and model new was "
        "trained with Rasa 2.8.34: "
    )
    assert promotion.puts == 0
    assert promotion.requests == ["10.0.0.1:5005"]


def test_while_no_server_answers_the_version_of_the_spec_decides() -> None:
    promotion = Promotion("2.8.34")
    promotion.environment(rasa={"version": "3.6.21"})

    assert promoted(promotion).reason == "ModelIncompatible"
    assert promotion.puts == 0


def test_a_server_that_runs_elsewhere_is_asked_where_it_runs() -> None:
    promotion = Promotion("2.8.34", elsewhere=RASA_3)
    promotion.environment(external=EXTERNAL, rasa={"version": "2.8.34"})

    assert promoted(promotion).reason == "ModelIncompatible"
    assert promotion.requests == ["elsewhere"]


@pytest.mark.parametrize("spec", [OWN_IMAGE, IMAGE_IN_TEMPLATE, {"external": EXTERNAL}])
@pytest.mark.parametrize("answer", [None, httpx.ConnectError("refused")], ids=["silent", "refused"])
def test_an_environment_of_unknown_version_holds_nothing_up_for_long(
    spec: JsonObject, answer: Exception | None
) -> None:
    hosts = {} if answer is None else {"10_0_0_1": answer, "elsewhere": answer}
    promotion = Promotion("1.10.26" if spec is not IMAGE_IN_TEMPLATE else "2.8.34", **hosts)
    promotion.environment(**spec)
    promotion.has_pod("10.0.0.1")

    async def timed() -> tuple[Condition, float]:
        before = asyncio.get_running_loop().time()
        return await promotion.promote(), asyncio.get_running_loop().time() - before

    tagged, seconds = run(timed())

    assert (tagged.status, promotion.puts, len(promotion.requests)) == ("True", 1, 1)
    assert seconds <= VERSION_SECONDS


def test_of_an_image_named_in_the_pod_template_the_servers_know_the_version() -> None:
    promotion = Promotion("2.8.34", **{"10_0_0_1": RASA_3})
    promotion.environment(**IMAGE_IN_TEMPLATE)
    promotion.has_pod("10.0.0.1")

    assert promoted(promotion).reason == "ModelIncompatible"


@pytest.mark.parametrize("trained_with", [None, "of my own"])
def test_nothing_is_asked_or_claimed_about_a_model_of_unknown_version(trained_with: str | None) -> None:
    promotion = Promotion(trained_with, **{"10_0_0_1": RASA_3})
    promotion.environment(**OWN_IMAGE)
    promotion.has_pod("10.0.0.1")

    tagged = promoted(promotion)

    assert (tagged.status, tagged.message) == ("True", "tag live answers with model new")
    assert promotion.requests == []


def test_nobody_is_asked_where_the_spec_says_that_the_model_can_be_loaded() -> None:
    promotion = Promotion("3.6.21", **{"10_0_0_1": RASA_3})
    promotion.environment(rasa={"version": "3.6.21"})
    promotion.has_pod("10.0.0.1")

    assert promoted(promotion).status == "True"
    assert promotion.requests == []


def test_at_rest_nobody_is_asked() -> None:
    promotion = Promotion("2.8.34", **{"10_0_0_1": RASA_2})
    promotion.environment(**OWN_IMAGE)
    promotion.has_pod("10.0.0.1")

    async def test() -> int:
        await promotion.promote()
        moved = len(promotion.requests)
        for _ in range(3):
            await promotion.promote()
        return len(promotion.requests) - moved

    assert run(test()) == 0


def test_whoever_allows_this_model_promotes_it_anyway() -> None:
    promotion = Promotion("2.8.34", **{"10_0_0_1": RASA_3})
    promotion.environment(**OWN_IMAGE)
    promotion.has_pod("10.0.0.1")

    tagged = promoted(promotion, allowIncompatibleModel="new")

    assert (tagged.status, promotion.puts, promotion.requests) == ("True", 1, [])


def test_what_was_allowed_for_another_model_does_not_count() -> None:
    promotion = Promotion("2.8.34", **{"10_0_0_1": RASA_3})
    promotion.environment(**OWN_IMAGE)
    promotion.has_pod("10.0.0.1")

    assert promoted(promotion, allowIncompatibleModel="old").reason == "ModelIncompatible"


def test_the_tag_moves_once_the_environment_is_upgraded() -> None:
    promotion = Promotion("3.6.21", **{"10_0_0_1": ("3.11.20", "3.11.0rc1")})
    promotion.environment(rasa={"version": "3.11.20"})
    promotion.has_pod("10.0.0.1")

    async def test() -> tuple[str, str]:
        before = await promotion.promote()
        promotion.environment(version=2, rasa={"version": "3.6.21"})
        return before.reason, (await promotion.promote()).reason

    assert run(test()) == ("ModelIncompatible", "Tagged")


def test_pods_that_are_going_or_have_no_address_are_not_asked() -> None:
    promotion = Promotion("2.8.34", **{"10_0_0_1": RASA_2, "10_0_0_3": RASA_3})
    promotion.environment(**OWN_IMAGE)
    promotion.has_pod("10.0.0.1", deletionTimestamp="2026-01-01T12:00:00Z")
    promotion.has_pod(None)
    promotion.has_pod("10.0.0.3")

    assert promoted(promotion).reason == "ModelIncompatible"
    assert promotion.requests == ["10.0.0.3:5005"]


def test_during_a_rollout_one_pod_that_can_load_the_model_is_enough() -> None:
    promotion = Promotion("2.8.34", **{"10_0_0_1": RASA_2, "10_0_0_2": RASA_3})
    promotion.environment(**OWN_IMAGE)
    promotion.has_pod("10.0.0.1")
    promotion.has_pod("10.0.0.2")

    assert promoted(promotion).status == "True"


def test_a_spec_that_cannot_be_merged_says_nothing_about_versions() -> None:
    promotion = Promotion("2.8.34")
    promotion.environment(rasa={"version": "3.6.21"}, trackerStore={"sql": {"database": "bots"}})

    assert promoted(promotion).status == "True"


BEFORE_THE_UPLOAD = ServerObservation(models={"old": OLD}, tags={"live": OLD}, known=True)


def test_a_model_that_was_uploaded_since_the_last_listing_is_listed_before_its_tag_moves() -> None:
    promotion = Promotion("2.8.34")
    promotion.environment(rasa={"version": "3.6.21"})
    promotion.observe(BEFORE_THE_UPLOAD)

    assert promoted(promotion).reason == "ModelIncompatible"
    assert promotion.client.models.await_count == 1


def test_while_a_new_model_cannot_be_listed_its_tag_stays() -> None:
    promotion = Promotion("3.6.21")
    promotion.environment(rasa={"version": "3.6.21"})
    promotion.observe(BEFORE_THE_UPLOAD)
    promotion.client.models.side_effect = server_error(UnreachableError, "away")

    assert promoted(promotion).reason == "ModelServerUnreachable"
    assert promotion.puts == 0


def test_without_an_environment_nothing_is_listed_or_asked() -> None:
    promotion = Promotion("2.8.34")
    promotion.observe(BEFORE_THE_UPLOAD)

    assert promoted(promotion).status == "True"
    assert promotion.client.models.await_count == 0


def test_of_a_server_without_a_listing_no_version_is_known() -> None:
    promotion = Promotion("2.8.34")
    promotion.environment(rasa={"version": "3.6.21"})
    promotion.observe(ServerObservation(tags={"live": OLD}, known=True, lists=False))

    assert promoted(promotion).status == "True"
    assert promotion.client.models.await_count == 0
