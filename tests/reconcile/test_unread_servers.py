"""An object waits for a ModelServer that exists and is unread or unchecked, rather than reporting it as missing."""

from __future__ import annotations

import pytest

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.deployment_environment import DeploymentEnvironment, EnvironmentStatus
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.cluster.cache import ObjectCache
from rasa_environments.cluster.resources import Resource
from rasa_environments.controller.event_handlers import EventHandlers
from rasa_environments.controller.queue import Kind, Request
from rasa_environments.controller.state import State
from rasa_environments.domain.access import missing
from rasa_environments.domain.facts import Problem, ServerObservation
from rasa_environments.judge.verdicts import unready
from rasa_environments.reconcile.contents import Contents, identity_of
from rasa_environments.reconcile.status import Statuses
from rasa_environments.reconcile.unread_servers import UnreadServers
from tests.reconcile.fakes import FakeApiServer, RecordingQueue
from tests.reconcile.objects import environment, environment_body, server, server_body, tag, tag_body

SERVER = ObjectKey("bots", "default")
SUPPORT = Request(Kind.DEPLOYMENT_ENVIRONMENT, ObjectKey("bots", "support"))
LIVE = Request(Kind.MODEL_TAG, ObjectKey("bots", "live"))
LOOKS = [f"GET ModelServer {SERVER}"]


class NoForeignWrites:
    """Nobody else writes statuses."""

    def has_another_written(self, *_: object) -> bool:
        """Nobody has."""
        return False

    def forget(self, *_: object) -> None:
        """There is nothing to forget."""


class UnusableServer(FakeApiServer):
    """An API server whose objects cannot be used."""

    status_writes = NoForeignWrites()

    async def get(self, _: Resource, key: ObjectKey, /, *, maximum_bytes: int | None = None) -> JsonObject:
        """A ModelServer without a URL."""
        return server_body(key.name) | {"spec": {}}


class Scene:
    """An environment and a ModelTag whose ModelServer is unknown so far."""

    def __init__(self, *namespaces: str) -> None:
        self.queue = RecordingQueue()
        self.state, self.api = State(queue=self.queue), UnusableServer()
        self.watched = ObjectCache(identity_of)
        state = self.state
        handlers = EventHandlers(state.lister, state.queue, state.references, state.pods)
        statuses = Statuses(self.api, state.lister)
        self.contents = Contents(self.api, {Kind.MODEL_SERVER: self.watched}, handlers, statuses)
        self.unread = UnreadServers(state, self.api, self.watched, namespaces)
        state.lister.environments.put(environment("support"))
        state.lister.tags.put(tag("live"))

    async def waits(self, request: Request) -> bool:
        """Return whether the object waits."""
        return await self.unread.is_awaited_by(request)


BOTH = pytest.mark.parametrize("request_", [SUPPORT, LIVE], ids=str)


@BOTH
async def test_a_server_that_the_watch_has_announced_is_waited_for_without_a_request(request_: Request) -> None:
    scene = Scene()
    scene.watched.put(server_body())

    assert await scene.waits(request_)
    assert scene.api.requests == []


@BOTH
async def test_a_server_that_only_the_api_server_knows_is_waited_for(request_: Request) -> None:
    scene = Scene()
    scene.api.objects["ModelServer", SERVER] = {"metadata": {}}

    assert await scene.waits(request_)
    assert scene.api.requests == LOOKS


@BOTH
async def test_a_server_that_does_not_exist_is_not_waited_for(request_: Request) -> None:
    scene = Scene()

    assert not await scene.waits(request_)
    assert scene.api.requests == LOOKS


@BOTH
async def test_a_server_that_was_read_is_waited_for_until_its_first_check(request_: Request) -> None:
    scene = Scene()
    scene.state.lister.servers.put(server())
    assert await scene.waits(request_)

    scene.state.observations.listed(SERVER, ServerObservation())
    assert not await scene.waits(request_)
    assert scene.api.requests == []


async def test_a_server_that_is_read_while_it_is_asked_for_is_waited_for_until_its_first_check() -> None:
    scene = Scene()

    async def find(*_: object, **__: object) -> None:
        scene.state.lister.servers.put(server())

    scene.api.find = find  # type: ignore[method-assign]

    assert await scene.waits(SUPPORT)


@BOTH
async def test_a_server_of_which_no_version_was_valid_is_not_waited_for(request_: Request) -> None:
    scene = Scene()
    scene.watched.put(server_body())
    await scene.contents.refresh(Request(Kind.MODEL_SERVER, SERVER))
    scene.api.requests.clear()

    assert not await scene.waits(request_)
    assert scene.api.requests == []
    problem = scene.state.lister.server(SERVER)
    assert isinstance(problem, Problem)
    assert (problem.reason, problem.message) == (
        "ModelServerNotFound",
        "ModelServer bots/default has never had a valid spec: correct it as its condition Ready says",
    )


async def test_what_refers_to_a_server_that_was_never_valid_is_notified_when_it_is_gone() -> None:
    scene = Scene()
    scene.watched.put(server_body())
    await scene.contents.refresh(Request(Kind.MODEL_SERVER, SERVER))
    scene.queue.added.clear()
    scene.watched.remove(SERVER)

    await scene.contents.refresh(Request(Kind.MODEL_SERVER, SERVER))

    assert set(scene.queue.added) == {SUPPORT, LIVE}
    assert scene.state.lister.server(SERVER) == missing(SERVER)


async def test_once_the_status_says_that_it_is_missing_the_watch_is_trusted() -> None:
    scene = Scene()
    status = EnvironmentStatus(conditions=list(unready(missing(SERVER))))
    scene.state.lister.environments.put(environment("support").model_copy(update={"status": status}))

    assert not await scene.waits(SUPPORT)
    assert scene.api.requests == []


async def test_a_server_in_a_namespace_that_is_not_watched_is_not_asked_for() -> None:
    scene = Scene("others")

    assert not await scene.waits(SUPPORT)
    assert scene.api.requests == []


async def test_a_suspended_environment_waits_for_nothing() -> None:
    scene = Scene()
    scene.watched.put(server_body())
    scene.state.lister.environments.put(environment("support", suspend=True))

    assert not await scene.waits(SUPPORT)


async def test_what_is_being_deleted_waits_for_nothing() -> None:
    scene = Scene()
    scene.watched.put(server_body())
    bodies = environment_body("support"), tag_body("live")
    for body in bodies:
        body["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    scene.state.lister.environments.put(DeploymentEnvironment.model_validate(bodies[0]))
    scene.state.lister.tags.put(ModelTag.model_validate(bodies[1]))

    assert not await scene.waits(SUPPORT)
    assert not await scene.waits(LIVE)


async def test_what_is_gone_and_a_model_server_itself_wait_for_nothing() -> None:
    scene = Scene()
    scene.state.lister.environments.remove(SUPPORT.key)
    scene.watched.put(server_body())

    assert not await scene.waits(SUPPORT)
    assert not await scene.waits(Request(Kind.MODEL_SERVER, SERVER))
