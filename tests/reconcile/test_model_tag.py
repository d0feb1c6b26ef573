"""One reconciliation of a ModelTag: what is asked of the model server, what is written, and who is notified."""

from __future__ import annotations

from typing import Any

import pytest

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.controller.promotions import FAILED, Move
from rasa_environments.controller.queue import DONE, Kind, Request, Result
from rasa_environments.controller.state import State
from rasa_environments.domain.conflicts import CONFLICT_SECONDS
from rasa_environments.domain.facts import Problem, ServerObservation, TaggedModel
from rasa_environments.rasa.errors import RasaError, UnauthorizedError, UnreachableError
from rasa_environments.reconcile.model_tag import ModelTagReconciler
from rasa_environments.reconcile.status import Statuses
from rasa_environments.reconcile.tag_writes import BACKOFF
from tests.reconcile.fakes import (
    FakeApiServer,
    FakeConnections,
    FakeEvents,
    FakeModelServer,
    RecordingQueue,
    unasked_releases,
    verification_stages,
)
from tests.reconcile.objects import environment, server, server_error, tag, tag_body

KEY = ObjectKey("bots", "live")
SERVER = ObjectKey("bots", "default")
HASHES = {"old": "0" * 32, "new": "1" * 32}
OLD, NEW = (TaggedModel(name, digest) for name, digest in HASHES.items())
TIME = "2026-01-01T12:00:00Z"
AWAY = Problem(Reason.MODEL_SERVER_UNREACHABLE, "away", stalled=False)


class Scene:
    """A ModelTag for the model `new`, whose tag is on `old`, as the last listing says."""

    def __init__(self, *, model_server: JsonObject | None = None, **spec: Any) -> None:
        self.queue = RecordingQueue()
        self.state, self.api, self.events = State(queue=self.queue), FakeApiServer(), FakeEvents()
        self.model_server = FakeModelServer(dict(HASHES), {"live": "old"})
        self.clients = FakeConnections(self.model_server)
        statuses = Statuses(self.api, self.state.lister, self.events)
        self.reconciler = ModelTagReconciler(
            self.state,
            self.clients,
            statuses,
            unasked_releases(self.state),
            verification_stages(self.state),
            self.events,
            lambda: TIME,
        )
        self.state.lister.servers.put(server(**(model_server or {})))
        self.state.lister.tags.put(tag("live", **{"model": "new", **spec}))
        self.observe()

    def observe(self, problem: Problem | None = None) -> None:
        """The model server was listed."""
        models = {name: TaggedModel(name, digest) for name, digest in self.model_server.hashes.items()}
        tags = {name: models[model] for name, model in self.model_server.tags.items()}
        observation = ServerObservation(models=models, tags=tags, known=True, problem=problem)
        self.state.observations.listing_begins(SERVER)
        self.state.observations.listed(SERVER, observation)

    async def reconcile(self) -> Result:
        """Reconcile once."""
        return await self.reconciler.reconcile(KEY)

    @property
    def tag(self) -> ModelTag:
        """The ModelTag as it is known."""
        found = self.state.lister.tags.get(KEY)
        assert found is not None
        return found

    @property
    def tagged(self) -> tuple[str, str]:
        """Status and reason of the condition Tagged."""
        found = next(each for each in self.tag.status.conditions or () if each.type == "Tagged")
        return found.status, found.reason


async def test_the_tag_is_set_on_its_model_and_pulled_to_verify_it() -> None:
    scene = Scene()

    assert await scene.reconcile() == DONE

    assert scene.model_server.writes == ["live on new"]
    assert scene.model_server.requests == 2
    assert scene.tagged == ("True", "Tagged")
    assert scene.state.promotions.results[Move.PROMOTED] == 1
    assert scene.events.reasons == ["Promoted"]


async def test_a_tag_that_is_on_its_model_is_pulled_once_and_then_left_alone() -> None:
    scene = Scene()
    scene.model_server.tags["live"] = "new"
    scene.observe()

    await scene.reconcile()
    await scene.reconcile()

    assert scene.model_server.writes == []
    assert scene.model_server.requests == 1
    assert len(scene.api.statuses) == 1


@pytest.mark.parametrize("tags", [{"live": "old"}, {}], ids=["moved", "deleted"])
async def test_a_tag_that_somebody_moved_or_deleted_is_put_back_which_only_an_event_shows(tags: dict[str, str]) -> None:
    scene = Scene()
    await scene.reconcile()
    scene.model_server.tags = dict(tags)
    scene.observe()

    await scene.reconcile()

    assert scene.model_server.writes == ["live on new", "live on new"]
    assert scene.events.reasons == ["Promoted", "TagReverted"]
    assert scene.state.promotions.drift == 1
    assert len(scene.api.statuses) == 1


async def test_environments_that_follow_the_tag_are_notified_at_once() -> None:
    scene = Scene()
    scene.state.lister.environments.put(environment("live"))
    scene.state.lister.environments.put(environment("staging"))

    await scene.reconcile()

    assert scene.queue.added == [Request(Kind.DEPLOYMENT_ENVIRONMENT, KEY)]
    observation = scene.state.observations.get(SERVER)
    assert observation is not None
    assert observation.tags["live"] == NEW


async def test_a_tag_without_a_model_is_reported_and_never_set() -> None:
    scene = Scene()
    scene.state.lister.tags.put(ModelTag.model_validate(tag_body("live", model=None)))

    await scene.reconcile()

    assert scene.model_server.requests == 0
    assert scene.tagged == ("True", "Tagged")


@pytest.mark.parametrize("deleted", [False, True])
async def test_a_tag_to_be_deleted_later_is_recorded_before_it_is_set(deleted: bool) -> None:
    scene = Scene(deletionPolicy="Delete")
    if deleted:  # as recorded by the ModelServer's reconciliation
        known = scene.state.lister.servers.get(SERVER)
        assert known is not None
        entry = {"pendingTagDeletions": [{"tag": "live", "namespace": "bots", "name": "live"}]}
        scene.state.lister.servers.put(known.model_copy(update={"status": known.status.model_validate(entry)}))

    assert await scene.reconcile() == DONE

    assert scene.model_server.writes == (["live on new"] if deleted else [])
    assert (Request(Kind.MODEL_SERVER, SERVER) in scene.queue.added) is not deleted
    assert bool(scene.api.statuses) is deleted


async def test_a_tag_of_an_older_model_tag_is_left_to_that() -> None:
    scene = Scene()
    scene.state.lister.tags.put(tag("older", age=5, tag="live", model="old"))

    assert await scene.reconcile() == Result(requeue_after=CONFLICT_SECONDS)

    assert scene.model_server.requests == 0
    assert scene.tagged == ("False", "TagConflict")


async def test_a_namespace_that_may_not_use_the_server_sets_nothing() -> None:
    scene = Scene()
    other = ObjectKey("elsewhere", "live")
    reference = {"name": "default", "namespace": "bots"}
    scene.state.lister.tags.put(tag("live", namespace="elsewhere", model="new", modelServerRef=reference))

    await scene.reconciler.reconcile(other)

    assert scene.model_server.requests == 0
    found = scene.state.lister.tags.get(other)
    assert found is not None
    assert {"RefNotPermitted"} <= {each.reason for each in found.status.conditions or ()}


async def test_without_its_model_server_the_tag_is_not_set() -> None:
    scene = Scene()
    scene.state.lister.servers.remove(SERVER)
    scene.state.observations.forget(SERVER)

    assert await scene.reconcile() == DONE

    assert scene.model_server.requests == 0
    assert scene.tagged == ("False", "ModelServerNotFound")


async def test_while_the_server_does_not_answer_its_own_checks_are_waited_for() -> None:
    scene = Scene()
    scene.observe(AWAY)

    assert await scene.reconcile() == DONE

    assert scene.model_server.requests == 0
    assert scene.tagged[1] == "ModelServerUnreachable"


async def test_a_model_without_a_client_is_reported_as_that_problem() -> None:
    scene = Scene()
    scene.clients.connection = Problem(Reason.SECRET_NOT_FOUND, "no Secret")

    await scene.reconcile()

    assert scene.tagged == ("False", "SecretNotFound")


@pytest.mark.parametrize(
    ("fault", "retried"), [(server_error(UnreachableError), True), (server_error(UnauthorizedError), False)]
)
async def test_a_tag_that_cannot_be_verified_is_tried_again_if_that_may_pass(fault: RasaError, retried: bool) -> None:
    scene = Scene()
    scene.model_server.tags["live"] = "new"
    scene.observe()
    scene.model_server.pull_fault = fault

    assert (await scene.reconcile()).failed is retried


async def test_a_write_without_effect_is_a_failed_promotion_and_tried_again_with_backoff() -> None:
    scene = Scene()
    await scene.reconcile()
    scene.model_server.tags["live"] = "old"
    scene.model_server.ignores_writes = True
    scene.observe()

    result = await scene.reconcile()

    assert result.requeue_after is not None
    assert result.requeue_after <= BACKOFF.first
    assert scene.tagged == ("False", "HashMismatch")
    assert scene.state.promotions.results[FAILED] == 1


async def test_a_model_tag_that_is_being_deleted_is_left_alone() -> None:
    scene = Scene()
    body = tag_body("live")
    body["metadata"]["deletionTimestamp"] = TIME
    scene.state.lister.tags.put(ModelTag.model_validate(body))

    assert await scene.reconcile() == DONE

    assert (scene.model_server.requests, scene.api.requests) == (0, [])


async def test_of_a_model_tag_that_is_gone_nothing_is_left() -> None:
    scene = Scene()
    await scene.reconcile()
    scene.state.lister.tags.remove(KEY)

    assert await scene.reconcile() == DONE

    assert len(scene.api.statuses) == 1
