"""A ModelTag with promoteFrom: what is written before the tag moves, when it is looked at again, who is notified."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rasa_environments.api.base import ModelReference, ObjectKey
from rasa_environments.api.deployment_environment import EnvironmentStatus
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.cluster.errors import ApiError
from rasa_environments.controller.queue import DONE, Kind, Request, Result
from rasa_environments.controller.state import State
from rasa_environments.domain.facts import ServerObservation, TaggedModel
from rasa_environments.domain.promotion_source import CONFIRMATION_SECONDS
from rasa_environments.judge.conditions import condition_of
from rasa_environments.reconcile.model_tag import ModelTagReconciler
from rasa_environments.reconcile.status import Statuses
from tests.reconcile.fakes import (
    FakeApiServer,
    FakeConnections,
    FakeEvents,
    FakeModelServer,
    RecordingQueue,
    unasked_releases,
    verification_stages,
)
from tests.reconcile.objects import environment, server, tag

PRODUCTION, STAGING, SERVER = (ObjectKey("bots", name) for name in ("production", "staging", "default"))
HASHES = {"old": "0" * 32, "new": "1" * 32}
SERVED_SINCE, ENOUGH = "2026-01-01T12:00:00Z", "2026-01-01T13:00:00Z"


class Scene:
    """production on `old`, promoted from staging, which was moved to `new` and serves it since 12:00."""

    def __init__(self, **rule: Any) -> None:
        self.queue, self.now = RecordingQueue(), SERVED_SINCE
        self.state, self.api, self.events = State(queue=self.queue), FakeApiServer(), FakeEvents()
        self.model_server = FakeModelServer(dict(HASHES), {"production": "old", "staging": "new"})
        self.restart()
        lister = self.state.lister
        lister.servers.put(server())
        lister.tags.put(tag("staging", model="new", age=1))
        promote_from = {"tag": "staging", "soakSeconds": 3600, **rule}
        lister.tags.put(tag("production", model=None, promoteFrom=promote_from))
        lister.environments.put(serving("staging", "new"))
        lister.environments.put(serving("production", "old"))

    def restart(self) -> None:
        """Another process: what is in memory alone is gone, and the environments have answered."""
        statuses = Statuses(self.api, self.state.lister, self.events, lambda: self.now)
        connections, releases = FakeConnections(self.model_server), unasked_releases(self.state)
        gate, now = verification_stages(self.state), lambda: self.now
        self.reconciler = ModelTagReconciler(self.state, connections, statuses, releases, gate, self.events, now)
        self.state.answer_times.answered(STAGING)

    def observe(self) -> None:
        """The model server was listed."""
        models = {name: TaggedModel(name, digest) for name, digest in self.model_server.hashes.items()}
        tags = {name: models[model] for name, model in self.model_server.tags.items()}
        self.state.observations.listing_begins(SERVER)
        self.state.observations.listed(SERVER, ServerObservation(models=models, tags=tags, known=True))

    async def reconcile(self, *keys: ObjectKey) -> Result:
        """Reconcile ModelTags in that order; return the result of the last."""
        result = DONE
        self.observe()
        for key in keys:
            result = await self.reconciler.reconcile(key)
        return result

    def tag(self, key: ObjectKey = PRODUCTION) -> ModelTag:
        """The ModelTag as it is known."""
        found = self.state.lister.tags.get(key)
        assert found is not None
        return found

    @property
    def promoted(self) -> tuple[str, str]:
        """Status and reason of production's condition Promoted."""
        found = condition_of(self.tag().status.conditions, "Promoted")
        assert found is not None
        return found.status, found.reason


def serving(name: str, model: str) -> Any:
    """An environment that serves the model of its tag."""
    status = {
        "desiredModel": {"name": model, "hash": HASHES[model]},
        "conditions": [
            {"type": "ModelServed", "status": "True", "reason": "Served", "message": "", "lastTransitionTime": ""}
        ],
    }
    return environment(name).model_copy(update={"status": EnvironmentStatus.model_validate(status)})


async def test_a_model_that_soaks_is_looked_at_again_when_it_has_soaked() -> None:
    scene = Scene()

    result = await scene.reconcile(STAGING, PRODUCTION)

    assert result == Result(requeue_after=3600.0)
    assert scene.promoted == ("Unknown", "Soaking")
    assert scene.tag().status.candidate_model == ModelReference(name="new", hash=HASHES["new"])
    assert scene.model_server.writes == []


async def test_while_it_soaks_nothing_is_requested_or_written() -> None:
    scene = Scene()
    await scene.reconcile(STAGING, PRODUCTION)
    before = len(scene.api.statuses), scene.model_server.requests
    scene.now = "2026-01-01T12:30:00Z"

    assert await scene.reconcile(STAGING, PRODUCTION) == Result(requeue_after=1800.0)

    assert (len(scene.api.statuses), scene.model_server.requests) == before


async def test_a_model_that_has_soaked_is_recorded_and_then_gets_the_tag() -> None:
    scene = Scene()
    await scene.reconcile(STAGING, PRODUCTION)
    scene.now = ENOUGH

    assert await scene.reconcile(PRODUCTION) == DONE

    assert scene.model_server.writes == ["production on new"]
    recorded, done = scene.api.statuses[-2:]
    assert recorded == {"desiredModel": {"name": "new", "hash": HASHES["new"]}, "candidateModel": None}
    assert done["taggedModel"] == {"name": "new", "hash": HASHES["new"]}
    assert scene.promoted == ("True", "Promoted")
    latest = (scene.tag().status.history or [])[0]
    assert (latest.cause, latest.promoted_by) == ("PromoteFrom", None)
    assert latest.message == f"from tag staging, served there since {SERVED_SINCE}"


async def test_what_was_let_through_gets_the_tag_although_its_source_broke_after_a_crash() -> None:
    scene = Scene()
    await scene.reconcile(STAGING, PRODUCTION)
    scene.now = ENOUGH
    recorded = ModelReference(name="new", hash=HASHES["new"])
    status = scene.tag().status.model_copy(update={"desired_model": recorded, "candidate_model": None})
    scene.state.lister.tags.put(scene.tag().model_copy(update={"status": status}))  # as a killed process leaves it
    scene.state.lister.environments.put(serving("staging", "old"))
    scene.restart()

    await scene.reconcile(STAGING, PRODUCTION)

    assert scene.model_server.writes == ["production on new"]


async def test_nothing_moves_unless_the_decision_could_be_recorded() -> None:
    scene = Scene()
    await scene.reconcile(STAGING, PRODUCTION)
    scene.now, scene.api.fault = ENOUGH, ApiError(409, "Conflict", "changed")

    with pytest.raises(ApiError):
        await scene.reconcile(PRODUCTION)

    assert scene.model_server.writes == []


async def test_an_interruption_starts_the_soak_anew() -> None:
    scene = Scene()
    await scene.reconcile(STAGING, PRODUCTION)
    scene.state.lister.environments.put(serving("staging", "old"))
    scene.now = "2026-01-01T12:59:00Z"
    await scene.reconcile(STAGING)
    scene.state.lister.environments.put(serving("staging", "new"))
    scene.now = ENOUGH

    assert await scene.reconcile(STAGING, PRODUCTION) == Result(requeue_after=3600.0)

    assert scene.model_server.writes == []


async def test_an_interruption_that_was_over_before_it_was_seen_starts_the_soak_anew() -> None:
    scene = Scene()
    await scene.reconcile(STAGING, PRODUCTION)
    scene.now = ENOUGH
    again = serving("staging", "new")
    (condition,) = again.status.conditions
    interrupted = replace(condition, last_transition_time="2026-01-01T12:30:00Z")
    status = again.status.model_copy(update={"conditions": [interrupted]})
    scene.state.lister.environments.put(again.model_copy(update={"status": status}))

    assert await scene.reconcile(STAGING, PRODUCTION) == Result(requeue_after=1800.0)


async def test_after_a_restart_the_environments_of_the_source_have_to_answer_first() -> None:
    scene = Scene()
    await scene.reconcile(STAGING, PRODUCTION)
    scene.now = ENOUGH
    scene.state.answer_times.forget(STAGING)

    assert await scene.reconcile(PRODUCTION) == Result(requeue_after=CONFIRMATION_SECONDS)

    assert scene.model_server.writes == []


async def test_a_change_of_the_source_enqueues_what_is_promoted_from_it() -> None:
    scene = Scene()

    await scene.reconcile(STAGING)

    assert Request(Kind.MODEL_TAG, PRODUCTION) in scene.queue.added


async def test_a_tag_that_somebody_moved_while_its_model_soaks_is_put_back() -> None:
    scene = Scene()
    await scene.reconcile(STAGING, PRODUCTION)
    scene.model_server.tags["production"] = "new"

    await scene.reconcile(PRODUCTION)

    assert scene.model_server.writes == ["production on old"]
    assert "TagReverted" in scene.events.reasons


async def test_without_a_source_the_model_stays_and_the_tag_says_what_is_missing() -> None:
    scene = Scene(tag="nowhere")

    await scene.reconcile(PRODUCTION)

    assert scene.promoted == ("False", "SourceNotFound")
    assert scene.model_server.writes == []


async def test_tags_that_are_promoted_in_a_circle_stay_where_they_are() -> None:
    scene = Scene()
    scene.state.lister.tags.put(tag("staging", model=None, age=1, promoteFrom={"tag": "production"}))

    await scene.reconcile(STAGING, PRODUCTION)

    assert scene.promoted == ("False", "PromotionCycle")
    assert scene.model_server.writes == []


async def test_a_source_of_another_namespace_is_none() -> None:
    scene = Scene(tag="elsewhere")
    reference = {"name": "default", "namespace": "bots"}
    scene.state.lister.servers.put(server(accessFrom={"namespaces": ["others"]}))
    scene.state.lister.tags.put(tag("elsewhere", namespace="others", model="new", modelServerRef=reference))

    await scene.reconcile(PRODUCTION)

    assert scene.promoted == ("False", "SourceNotFound")


async def test_a_source_that_is_being_deleted_is_none() -> None:
    scene = Scene()
    await scene.reconcile(STAGING)
    source = scene.tag(STAGING)
    metadata = source.metadata.model_copy(update={"deletion_timestamp": ENOUGH})
    scene.state.lister.tags.put(source.model_copy(update={"metadata": metadata}))
    scene.now = ENOUGH

    await scene.reconcile(PRODUCTION)

    assert scene.promoted == ("False", "SourceNotFound")


async def test_a_pin_is_tagged_at_once_and_says_that_the_source_is_not_followed() -> None:
    scene = Scene()
    promote_from = {"tag": "staging", "soakSeconds": 3600}
    scene.state.lister.tags.put(tag("production", version=2, model="new", promoteFrom=promote_from))

    await scene.reconcile(PRODUCTION)

    assert scene.model_server.writes == ["production on new"]
    assert scene.promoted == ("True", "Pinned")
