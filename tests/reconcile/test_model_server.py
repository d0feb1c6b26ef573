"""One check of a model server: what is asked, what is written, and which dependents are notified."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.api.model_server import ModelServer
from rasa_environments.controller.queue import DONE, Kind, Request, Result
from rasa_environments.controller.state import State
from rasa_environments.domain.facts import Problem
from rasa_environments.rasa.environments import RegisteredEnvironment
from rasa_environments.rasa.errors import UnauthorizedError, UnreachableError
from rasa_environments.reconcile.intervals import Intervals
from rasa_environments.reconcile.model_server import LONGEST_BACKOFF, ModelServerReconciler
from rasa_environments.reconcile.orphaned_tags import RECHECK_SECONDS, OrphanedTags
from rasa_environments.reconcile.registration.file import EnvironmentsFileWriter
from rasa_environments.reconcile.registration.registrar import Registrar
from rasa_environments.reconcile.status import Statuses
from tests.reconcile.fakes import FakeApiServer, FakeChildren, FakeConnections, FakeModelServer, RecordingQueue
from tests.reconcile.objects import environment, server, server_error, tag
from tests.reconcile.registry_objects import desired

KEY = ObjectKey("bots", "default")
INTERVAL = Intervals().model_server
RETRY = Result(failed=True, longest=LONGEST_BACKOFF)
LIVE, STAGING = (Request(Kind.DEPLOYMENT_ENVIRONMENT, ObjectKey("bots", name)) for name in ("live", "staging"))
TAG = Request(Kind.MODEL_TAG, ObjectKey("bots", "live"))


class Scene:
    """A ModelServer with two models, of which one has the tag `live`."""

    def __init__(self, **spec: Any) -> None:
        self.queue = RecordingQueue()
        self.state, self.api, self.children = State(queue=self.queue), FakeApiServer(), FakeChildren()
        self.model_server = FakeModelServer({"old": "0" * 32, "new": "1" * 32}, {"live": "old"})
        self.clients = FakeConnections(self.model_server)
        statuses = Statuses(self.api, self.state.lister)
        registrar = Registrar(self.state, self.clients, statuses, EnvironmentsFileWriter(self.children, self.api))
        orphans = OrphanedTags(self.state, self.clients, self.api)
        self.reconciler = ModelServerReconciler(self.state, self.clients, statuses, registrar, orphans, Intervals())
        self.state.lister.servers.put(server(**{"registration": "None", **spec}))
        self.api.objects["Namespace", ObjectKey("", "bots")] = {"metadata": {}}

    async def reconcile(self) -> Result:
        """Check once."""
        return await self.reconciler.reconcile(KEY)

    def has_dependents(self) -> None:
        """Two environments and a ModelTag refer to it."""
        for name in ("live", "staging"):
            self.state.lister.environments.put(environment(name))
        self.state.lister.tags.put(tag("live", model="old"))

    def notified(self) -> set[Request]:
        """The requests since the last call."""
        added = set(self.queue.added)
        self.queue.added.clear()
        return added

    @property
    def server(self) -> ModelServer:
        """The ModelServer as it is known."""
        found = self.state.lister.servers.get(KEY)
        assert found is not None
        return found

    @property
    def ready(self) -> tuple[str, str]:
        """Status and reason of the condition Ready."""
        found = next(each for each in self.server.status.conditions or () if each.type == "Ready")
        return found.status, found.reason


async def test_the_listing_is_kept_and_the_next_is_due_after_the_interval() -> None:
    scene = Scene()

    result = await scene.reconcile()

    observation = scene.state.observations.get(KEY)
    assert observation is not None
    assert {name: model.name for name, model in observation.tags.items()} == {"live": "old"}
    assert scene.ready == ("True", "Ready")
    assert result.requeue_after is not None
    assert 0.9 * INTERVAL <= result.requeue_after <= 1.1 * INTERVAL


async def test_version_and_credentials_are_asked_for_only_when_something_has_changed() -> None:
    scene = Scene()
    await scene.reconcile()
    assert scene.model_server.requests == 3

    await scene.reconcile()
    assert scene.model_server.requests == 4
    assert len(scene.api.statuses) == 1

    scene.clients.renewed = True
    await scene.reconcile()
    assert scene.model_server.requests == 7


async def test_the_first_check_notifies_all_dependents() -> None:
    scene = Scene()
    scene.has_dependents()

    await scene.reconcile()

    assert scene.notified() >= {LIVE, STAGING, TAG}


async def test_a_moved_tag_notifies_those_that_follow_it_alone() -> None:
    scene = Scene()
    scene.has_dependents()
    await scene.reconcile()
    scene.notified()
    scene.model_server.tags["live"] = "new"

    await scene.reconcile()

    assert scene.notified() == {LIVE, TAG}


async def test_a_server_that_does_not_answer_is_checked_again_soon_and_what_was_known_stays() -> None:
    scene = Scene()
    scene.has_dependents()
    await scene.reconcile()
    scene.notified()
    before = scene.state.observations.get(KEY)
    scene.model_server.listing_fault = server_error(UnreachableError)

    assert await scene.reconcile() == RETRY

    after = scene.state.observations.get(KEY)
    assert after is not None
    assert before == replace(after, problem=None)
    assert scene.ready == ("False", "ModelServerUnreachable")
    assert scene.notified() == {LIVE, STAGING, TAG}


async def test_a_server_that_is_away_in_ever_other_words_notifies_nobody_again() -> None:
    scene = Scene()
    scene.has_dependents()
    await scene.reconcile()
    scene.model_server.listing_fault = server_error(UnreachableError, "cannot be reached")
    await scene.reconcile()
    scene.notified()
    before = list(scene.api.statuses)

    for problem in ("did not answer in time", "cannot be reached", "did not answer in time"):
        scene.model_server.listing_fault = server_error(UnreachableError, problem)
        assert await scene.reconcile() == RETRY

    assert scene.notified() & {LIVE, STAGING} == set()
    assert scene.api.statuses == before


async def test_another_problem_of_a_server_is_told_at_once() -> None:
    scene = Scene()
    scene.has_dependents()
    for fault in (server_error(UnreachableError), server_error(UnauthorizedError)):
        scene.model_server.listing_fault = fault
        await scene.reconcile()

    assert scene.ready == ("False", "Unauthorized")
    scene.clients.renewed = True
    scene.model_server.listing_fault = server_error(UnauthorizedError, "refuses the new token")
    await scene.reconcile()
    observation = scene.state.observations.get(KEY)
    assert observation is not None
    assert observation.problem is not None
    assert "refuses the new token" in observation.problem.message


async def test_rejected_write_credentials_are_reported_and_pulls_go_on() -> None:
    scene = Scene()
    scene.model_server.write_fault = server_error(UnauthorizedError)

    assert await scene.reconcile() == RETRY

    observation = scene.state.observations.get(KEY)
    assert observation is not None
    assert observation.problem is None
    assert scene.ready == ("False", "Unauthorized")


async def test_without_credentials_for_writing_they_are_not_checked() -> None:
    scene = Scene()
    scene.clients.writable = False
    scene.model_server.write_fault = server_error(UnauthorizedError)

    assert not (await scene.reconcile()).failed


async def test_a_server_without_a_client_is_reported_as_that_problem() -> None:
    scene = Scene()
    scene.clients.connection = Problem(Reason.SECRET_NOT_FOUND, "no Secret")

    assert await scene.reconcile() == RETRY

    assert scene.ready == ("False", "SecretNotFound")


async def test_a_tag_to_be_deleted_is_recorded_and_its_model_tag_then_notified() -> None:
    scene = Scene()
    scene.state.lister.tags.put(tag("live", model="old", deletionPolicy="Delete"))
    await scene.reconcile()

    assert [entry.tag for entry in scene.server.status.pending_tag_deletions or ()] == ["live"]
    assert TAG in scene.notified()


async def test_the_tag_of_a_deleted_model_tag_is_deleted_and_then_forgotten() -> None:
    scene = Scene()
    scene.state.lister.tags.put(tag("live", model="old", deletionPolicy="Delete"))
    await scene.reconcile()
    scene.state.lister.tags.remove(TAG.key)

    assert await scene.reconcile() == Result(requeue_after=RECHECK_SECONDS)
    assert scene.model_server.writes == ["live off old"]
    assert scene.server.status.pending_tag_deletions

    await scene.reconcile()
    assert not scene.server.status.pending_tag_deletions


async def test_a_server_that_is_gone_is_forgotten_and_its_dependents_are_notified() -> None:
    scene = Scene()
    scene.has_dependents()
    await scene.reconcile()
    scene.notified()
    scene.state.lister.servers.remove(KEY)

    assert await scene.reconcile() == DONE

    assert scene.clients.forgotten == [KEY]
    assert scene.state.observations.get(KEY) is None
    assert scene.notified() == {LIVE, STAGING, TAG}


async def test_environments_are_registered_and_notified_of_the_result() -> None:
    scene = Scene(profile="RasaEnterprise-1.0", registration="API")
    scene.state.lister.environments.put(environment("live"))
    scene.state.registrations.request(desired("live", url="http://live:5005"))

    await scene.reconcile()

    assert scene.model_server.environments.entries == (
        RegisteredEnvironment("live", "http://live:5005", "first-token"),
    )
    assert LIVE in scene.notified()
    assert scene.server.status.registered_environments == ["live"]


FILE: JsonObject = {
    "profile": "RasaX-0.32",
    "registration": "File",
    "environmentsFile": {"secretName": "environments", "deploymentName": "rasa-x"},
}
RASA_X = ObjectKey("bots", "rasa-x")


async def test_environments_yml_is_written_and_rasa_x_restarted_once() -> None:
    scene = Scene(**FILE)
    scene.api.objects["Deployment", RASA_X] = {"spec": {"template": {"metadata": {}}}}
    for name in ("production", "worker"):
        scene.state.lister.environments.put(environment(name))
        scene.state.registrations.request(desired(name, url=f"http://{name}:5005"))

    await scene.reconcile()
    await scene.reconcile()

    assert scene.children.kinds == ["Secret", "Secret"]
    assert scene.children.objects["Secret", ObjectKey("bots", "environments")] == scene.children.applied[0]
    assert scene.api.requests.count("PATCH Deployment bots/rasa-x") == 1
    result = scene.state.registrations.result(ObjectKey("bots", "production"))
    assert result is not None
    assert (result.status, result.reason) == ("True", Reason.REGISTERED)


async def test_environments_yml_that_rasa_x_would_not_start_with_is_not_written() -> None:
    scene = Scene(**FILE)
    scene.state.lister.environments.put(environment("production"))
    scene.state.registrations.request(desired("production", url="http://production:5005"))

    await scene.reconcile()

    assert scene.children.applied == []
    result = scene.state.registrations.result(ObjectKey("bots", "production"))
    assert result is not None
    assert result.reason is Reason.REGISTRY_INCOMPLETE


@pytest.mark.parametrize("gone", [False, True])
async def test_a_tag_whose_namespace_went_with_its_model_tag_stays(gone: bool) -> None:
    scene = Scene()
    scene.state.lister.tags.put(tag("live", model="old", deletionPolicy="Delete"))
    await scene.reconcile()
    scene.state.lister.tags.remove(TAG.key)
    if gone:
        del scene.api.objects["Namespace", ObjectKey("", "bots")]

    await scene.reconcile()

    assert ("live" in scene.model_server.tags) is gone
