"""Deleted objects go within a stated time, with or without the operator, and nothing is created for deleted owners."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import pytest

from local import installation
from rasa_environments.api.base import JsonObject
from tests.api.api_server import wait_until
from tests.chaos.calls import Call, Phase
from tests.chaos.conftest import NUMBERS, NewOperator
from tests.chaos.operators import ProxiedOperator, wait_until_quiet
from tests.chaos.proxy import FaultProxy
from tests.integration.conftest import Installation, furnish
from tests.integration.manifests import CREDENTIALS, environment, model_server, model_tag, secret
from tests.integration.model_server_process import (
    API_TOKEN,
    MODEL_A,
    MODEL_B,
    TOKEN,
    ModelServerProcess,
    running_model_server,
)
from tests.integration.space import ENVIRONMENT, Space
from tests.integration.test_definitions import DEFINITIONS
from tests.integration.test_deletion import COLLECTION_SECONDS

TAG, SERVER = "ModelTag", "ModelServer"
NAMESPACE_SECONDS = 60.0
"""Until a namespace with environments is deleted; the operator takes no part in it."""
DEFINITION_SECONDS = 30.0
"""Until the definitions are gone, with all objects."""
CONVERGENCE_SECONDS = 15.0
"""Until everything has recovered after deleted objects were restored."""
READINESS_SECONDS = 10.0
"""Until /readyz says that the definitions are gone, or are back."""
TAG_SECONDS = 15.0
"""Until a tag is gone after its ModelTag."""
WRITES_FOR_WHAT_IS_GONE = 10
"""What was in progress when the owner was deleted."""


@dataclass(frozen=True)
class Deletions:
    """An operator, a namespace with a ModelServer, and the proxy between them."""

    operator: ProxiedOperator
    space: Space
    models: FaultProxy
    model_server: ModelServerProcess
    installation: Installation

    def furnish(self) -> None:
        """Puts the ModelServer and its credentials there."""
        self.space.apply(secret(CREDENTIALS, token=TOKEN, apiToken=API_TOKEN), model_server(self.models.url))

    def populate(self) -> None:
        """Create two environments, one with a ModelTag that deletes its tag, and wait until they are ready."""
        self.space.apply(model_tag(model=MODEL_A, deletionPolicy="Delete"), environment(), environment("worker"))
        self.wait_until_well()

    def wait_until_well(self, seconds: float = 30.0) -> None:
        """Wait until everything that `populate` creates exists."""
        self.space.eventually(self._is_well, "all to be well", seconds)

    def _is_well(self) -> bool:
        wanted = ((ENVIRONMENT, "production"), (TAG, "production"))
        ready = (self.space.find(kind, name) and self.space.condition(kind, name, "Ready") for kind, name in wanted)
        stalled = self.space.find(ENVIRONMENT, "worker") and self.space.condition(ENVIRONMENT, "worker", "Stalled")
        return all(found and found["status"] == "True" for found in ready) and bool(
            stalled and stalled["status"] == "False" and self.space.find_child("Deployment", "worker")
        )

    def wait_until_collected(self) -> None:
        """Wait until there are no children, and check that the operator has created no more of them meanwhile."""
        start = self.operator.proxy.mark()
        self.space.eventually(lambda: self._children() == [], "all children to be gone", COLLECTION_SECONDS)
        made = [f"{call.method} {call.path}" for call in self.operator.writes(start)]
        assert len(made) <= WRITES_FOR_WHAT_IS_GONE, made

    def _children(self) -> list[str]:
        names = [item["metadata"]["name"] for kind in ("Secret", "Deployment") for item in self.space.list(kind)]
        return [name for name in names if name.endswith("-rasa")]

    def delete_definitions(self) -> None:
        """Deletes the definitions of all kinds, and with them all objects."""
        api = self.installation.api
        names = [f"{plural}.rasa-environments.io" for plural in ("modelservers", "deploymentenvironments", "modeltags")]
        for name in names:
            assert api.request("DELETE", f"{DEFINITIONS}/{name}").accepted
        wait_until(
            lambda: not any(api.request("GET", f"{DEFINITIONS}/{name}").accepted for name in names),
            "the definitions to be gone",
            DEFINITION_SECONDS,
        )

    def install(self) -> None:
        """The definitions are back."""
        installation.install(self.installation.facts.kubeconfig)


@pytest.fixture(scope="module")
def own_model_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServerProcess]:
    """The tags that only these tests use."""
    with running_model_server(tmp_path_factory.mktemp("model-server")) as server:
        yield server


@pytest.fixture
def deletions(
    breakable: Installation, new_operator: NewOperator, own_model_server: ModelServerProcess
) -> Iterator[Deletions]:
    with FaultProxy(own_model_server.url) as models:
        operator = new_operator()
        space = Space(breakable.api, f"deletions-{next(NUMBERS)}", operator.process)
        space.create_namespace()
        deletions = Deletions(operator, space, models, own_model_server, breakable)
        deletions.furnish()
        operator.process.start()
        yield deletions
        deletions.install()
        space.remove()
    own_model_server.delete_all_tags()


def test_a_tag_goes_with_its_model_tag_even_where_it_was_just_being_moved(deletions: Deletions) -> None:
    deletions.populate()

    delete_while_the_tag_is_put(deletions, model_tag(model=MODEL_B, deletionPolicy="Delete"))

    assert_the_tag_is_gone(deletions)


@pytest.mark.full_chaos
def test_a_tag_that_is_put_for_the_first_time_goes_with_its_model_tag_too(deletions: Deletions) -> None:
    delete_while_the_tag_is_put(deletions, model_tag(model=MODEL_A, deletionPolicy="Delete"))

    assert_the_tag_is_gone(deletions)


def delete_while_the_tag_is_put(deletions: Deletions, tag: JsonObject) -> None:
    """Delete the ModelTag while its tag is on the way to the model server, which has been listed twice by then."""
    space, models = deletions.space, deletions.models
    held, deleted = threading.Event(), threading.Event()

    def hold(call: Call, phase: Phase) -> None:
        if call.method == "PUT" and phase is Phase.BEFORE:
            held.set()
            deleted.wait(20)

    models.on_write = hold
    space.apply(tag)
    assert held.wait(20)
    start = models.mark()
    space.delete(TAG, "production")
    space.eventually(
        lambda: models.count(lambda call: call.path.endswith("/models"), start) > 2, "the server to be listed twice"
    )
    deleted.set()


def assert_the_tag_is_gone(deletions: Deletions) -> None:
    """Check that no model carries the tag, and none gets it any more."""
    deletions.space.eventually(lambda: deletions.model_server.tags() == {}, "the tag to be gone", TAG_SECONDS)
    wait_until_quiet(deletions.operator, seconds=2)
    assert deletions.model_server.tags() == {}


@pytest.mark.full_chaos
def test_tags_that_are_moved_and_deleted_in_one_go_are_gone_soon(deletions: Deletions) -> None:
    space = deletions.space
    names = [f"moved-{number}" for number in range(20)]
    space.apply(*(model_tag(name, model=MODEL_A, deletionPolicy="Delete") for name in names))
    space.eventually(lambda: set(deletions.model_server.tags()) == set(names), "all tags to be put")

    for name in names:
        space.patch(TAG, name, {"spec": {"model": MODEL_B}})
    for name in names:
        space.delete(TAG, name)

    with suppress(AssertionError):  # which tags are left says more
        space.eventually(lambda: deletions.model_server.tags() == {}, "the tags to be gone", TAG_SECONDS)
    wait_until_quiet(deletions.operator, seconds=2)
    assert deletions.model_server.tags() == {}, deletions.operator.process.logged()


@pytest.mark.full_chaos
def test_all_definitions_go_at_once_nothing_is_made_for_what_is_gone_and_all_is_well_when_they_are_back(
    deletions: Deletions,
) -> None:
    deletions.populate()

    deletions.delete_definitions()

    deletions.wait_until_collected()
    process = deletions.operator.process
    process.wait_until(lambda: process.answer("/readyz").status_code == 503, "unready", READINESS_SECONDS)
    assert process.answer("/healthz").status_code == 200
    assert "Traceback" not in process.logged()

    deletions.install()
    deletions.furnish()
    deletions.space.apply(model_tag(model=MODEL_A), environment(), environment("worker"))
    deletions.wait_until_well(CONVERGENCE_SECONDS)
    process.wait_until(lambda: process.answer("/readyz").status_code == 200, "ready", READINESS_SECONDS)


@pytest.mark.full_chaos
def test_definitions_that_go_and_come_while_the_operator_is_stopped(deletions: Deletions) -> None:
    deletions.populate()
    assert deletions.operator.process.stop() == 0
    deletions.delete_definitions()
    deletions.operator.process.launch()
    deletions.operator.process.wait_until(
        lambda: "deploymentenvironments" in deletions.operator.process.answer("/readyz").text, "unready"
    )

    deletions.wait_until_collected()
    deletions.install()
    deletions.furnish()
    deletions.space.apply(model_tag(model=MODEL_A), environment(), environment("worker"))

    deletions.wait_until_well(CONVERGENCE_SECONDS)


@pytest.mark.full_chaos
def test_a_model_server_that_is_deleted_and_comes_back_costs_no_environment_anything(deletions: Deletions) -> None:
    space = deletions.space
    deletions.populate()
    before = {name: lasting(space, name) for name in ("production", "worker")}

    space.delete(SERVER, "default")

    space.wait_for_condition(ENVIRONMENT, "production", "Ready", status="False", reason="ModelServerNotFound")
    assert {name: lasting(space, name) for name in before} == before
    deletions.furnish()
    deletions.wait_until_well(CONVERGENCE_SECONDS)
    assert {name: lasting(space, name) for name in before} == before


def test_an_environment_and_its_tag_go_at_once_while_the_model_server_is_down(deletions: Deletions) -> None:
    space = deletions.space
    deletions.populate()
    deletions.models.refuse()

    for kind, name in ((ENVIRONMENT, "production"), (TAG, "production")):
        space.delete(kind, name)
        assert space.find(kind, name) is None
    space.eventually(lambda: space.find_child("Deployment") is None, "the children to be gone", COLLECTION_SECONDS)
    deletions.models.recover()

    space.eventually(lambda: deletions.model_server.tags() == {}, "the tag to be gone", TAG_SECONDS)


@pytest.mark.full_chaos
@pytest.mark.parametrize("runs", [True, False], ids=["while the operator runs", "while it is stopped"])
def test_a_namespace_goes_in_time_and_the_operator_makes_nothing_in_it_afterwards(
    deletions: Deletions, *, runs: bool
) -> None:
    space, process = deletions.space, deletions.operator.process
    deletions.populate()
    if not runs:
        process.kill()
    path = f"/api/v1/namespaces/{space.namespace}"
    start = deletions.operator.proxy.mark()

    assert space.api.request("DELETE", path).accepted

    wait_until(lambda: space.api.request("GET", path).status == 404, "the namespace to be gone", NAMESPACE_SECONDS)
    if not runs:
        process.start()
    process.wait_until(lambda: space.namespace not in process.answer("/metrics").text, "forgetful")
    wait_until_quiet(deletions.operator, seconds=3)
    created = [call.path for call in deletions.operator.writes(start) if call.method == "POST"]
    assert len(created) <= WRITES_FOR_WHAT_IS_GONE, created
    assert deletions.model_server.tags() == {"production": MODEL_A}, "no person has decided on the tag"


@pytest.mark.full_chaos
@pytest.mark.parametrize("policy", ["Foreground", "Background"])
def test_nothing_is_made_anew_for_an_environment_that_is_being_deleted(deletions: Deletions, policy: str) -> None:
    space = deletions.space
    deletions.populate()
    space.confirm_deletion("worker")
    start = deletions.operator.proxy.mark()

    answer = space.api.request("DELETE", space.path(ENVIRONMENT, "worker"), {"propagationPolicy": policy})

    assert answer.accepted
    space.eventually(
        lambda: space.find(ENVIRONMENT, "worker") is None and space.find_child("Secret", "worker") is None,
        "the environment to be gone with its children",
        COLLECTION_SECONDS,
    )
    created = [call.path for call in deletions.operator.writes(start) if call.method == "POST"]
    assert created == []


@pytest.mark.full_chaos
def test_a_namespace_with_the_model_server_of_others_goes_and_these_go_on(
    deletions: Deletions, breakable: Installation
) -> None:
    mine = deletions.space
    theirs = Space(breakable.api, f"{mine.namespace}-shared", mine.operator)
    theirs.create_namespace()
    furnish(theirs, deletions.model_server, accessFrom={"namespaces": [mine.namespace]})
    reference = {"namespace": theirs.namespace}
    mine.apply(model_tag(model=MODEL_A, modelServerRef=reference), environment(modelServerRef=reference))
    mine.wait_until_ready()
    before = lasting(mine, "production")
    path = f"/api/v1/namespaces/{theirs.namespace}"

    assert breakable.api.request("DELETE", path).accepted

    wait_until(lambda: breakable.api.request("GET", path).status == 404, "the namespace to be gone", NAMESPACE_SECONDS)
    mine.wait_for_condition(ENVIRONMENT, "production", "Ready", status="False", reason="ModelServerNotFound")
    assert lasting(mine, "production") == before


def lasting(space: Space, environment: str) -> JsonObject:
    """Return what must stay while the environment's dependencies change: its Deployment and its token."""
    deployment = space.child("Deployment", environment)["metadata"]
    return {"uid": deployment["uid"], "generation": deployment["generation"], "token": space.token(environment)}
