"""The life of an environment on real pods: no model, a first one, a promotion in place, back, and a broken one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from rasa_environments.api.base import JsonObject
from tests.e2e.caller import Caller
from tests.e2e.conftest import Lounge
from tests.e2e.models import ANSWERS, LOAD_FAILED, UNLOADABLE, Models
from tests.e2e.pod_space import TAG, Life, PodSpace, environment, model_tag
from tests.e2e.visitors import Talk
from tests.integration.model_server_process import MODEL_A, MODEL_B
from tests.integration.space import ENVIRONMENT

NAMESPACE = "in-place"
NAME = "production"


@dataclass(frozen=True)
class Seen:
    """Observations after a step."""

    ready: JsonObject
    served: JsonObject
    says: str
    lives: list[Life]
    talk: Talk | None = None


@pytest.fixture(scope="module")
def before_a_model(space: PodSpace) -> JsonObject:
    """Start the pod while no model carries the tag, and observe the pod and its environment."""
    space.apply(environment(NAME))
    space.eventually(lambda: started(space), "the Rasa server to have started")
    condition = space.wait_for_condition(ENVIRONMENT, NAME, "Ready", status="False", reason="TagNotFound")
    return {"ready": condition, "pod": space.pods(NAME)[0]}


def started(space: PodSpace) -> bool:
    """Return whether the server answers its startup probe, which needs no model."""
    containers = [item for pod in space.pods(NAME) for item in pod["status"].get("containerStatuses", ())]
    return any(container.get("started") for container in containers)


@pytest.fixture(scope="module")
def first(space: PodSpace, caller: Caller, before_a_model: JsonObject) -> Seen:
    """The tag is put on model A."""
    space.apply(model_tag(NAME, model=MODEL_A))
    return seen(space, caller, MODEL_A)


def seen(space: PodSpace, caller: Caller, model: str, talk: Talk | None = None) -> Seen:
    """Once the model is served."""
    space.wait_until_served(NAME, model)
    ready, served = (space.wait_for_condition(ENVIRONMENT, NAME, kind) for kind in ("Ready", "ModelServed"))
    return Seen(ready, served, caller.says(space.url(NAME)), space.lives(NAME), talk)


@pytest.fixture(scope="module")
def promoted(space: PodSpace, caller: Caller, talking: Lounge, measured: Callable[[str], None], first: Seen) -> Seen:
    """Promote model B while visitors chat."""
    with talking(NAMESPACE, space.url(NAME)) as visitors:
        said = space.command("promote", MODEL_B, NAME)
        assert f"{MODEL_B} is served" in said
        visitors.wait_until_all_hear(ANSWERS[MODEL_B])
        visitors.wait_for_answers()
        talk = visitors.end()
    measured(talk.summary("promotion in place"))
    return seen(space, caller, MODEL_B, talk)


@pytest.fixture(scope="module")
def rolled_back(space: PodSpace, caller: Caller, promoted: Seen) -> Seen:
    """Return to model A."""
    space.command("rollback", NAME)
    return seen(space, caller, MODEL_A)


@pytest.fixture(scope="module")
def broken(space: PodSpace, caller: Caller, rolled_back: Seen) -> Seen:
    """Promote a model that Rasa cannot load."""
    space.patch(TAG, NAME, {"spec": {"model": UNLOADABLE, "allowIncompatibleModel": UNLOADABLE}})
    ready = space.wait_for_condition(ENVIRONMENT, NAME, "Ready", status="False", reason="AnotherModelServed")
    [pod] = space.pods(NAME)
    name = pod["metadata"]["name"]
    space.eventually(lambda: LOAD_FAILED in space.cluster.log(NAMESPACE, name), "Rasa to have tried to load it")
    served = space.wait_for_condition(ENVIRONMENT, NAME, "ModelServed", status="False")
    return Seen(ready, served, caller.says(space.url(NAME)), space.lives(NAME))


@pytest.fixture(scope="module")
def mended(space: PodSpace, caller: Caller, broken: Seen) -> Seen:
    """Promote a model that can be loaded."""
    space.patch(TAG, NAME, {"spec": {"model": MODEL_B}})
    return seen(space, caller, MODEL_B)


def test_without_a_model_the_environment_is_not_ready_and_says_what_to_do(before_a_model: JsonObject) -> None:
    assert before_a_model["ready"]["message"] == (
        "no model on ModelServer rasa-environments/default carries the tag production: promote one, for example "
        "`kubectl rasa promote MODEL production`"
    )


def test_without_a_model_the_pod_that_runs_is_not_ready_either(before_a_model: JsonObject) -> None:
    conditions = {entry["type"]: entry["status"] for entry in before_a_model["pod"]["status"]["conditions"]}

    assert conditions["Ready"] == "False"


def test_with_a_model_it_is_ready_and_the_operator_has_asked_its_pods(first: Seen) -> None:
    assert first.ready["message"] == f"serves {MODEL_A}"
    assert first.served["message"] == f"1 of 1 ready pods serve {MODEL_A}"


def test_the_first_model_comes_without_a_restart(before_a_model: JsonObject, first: Seen) -> None:
    assert [life.uid for life in first.lives] == [before_a_model["pod"]["metadata"]["uid"]]
    assert [life.restarts for life in first.lives] == [0]


def test_its_service_answers_by_name_in_another_namespace(space: PodSpace, first: Seen) -> None:
    assert space.url(NAME) == f"http://{NAME}-rasa.{NAMESPACE}.svc:5005"
    assert first.says == ANSWERS[MODEL_A]


def test_during_a_promotion_in_place_not_one_request_fails(promoted: Seen) -> None:
    assert promoted.talk is not None
    assert promoted.talk.failed == []
    assert promoted.talk.cut_off == []
    assert set(promoted.talk.answers) == {ANSWERS[MODEL_A], ANSWERS[MODEL_B]}


def test_a_promotion_in_place_restarts_nothing(first: Seen, promoted: Seen) -> None:
    assert promoted.lives == first.lives
    assert promoted.says == ANSWERS[MODEL_B]


def test_a_rollback_serves_the_model_before(space: PodSpace, first: Seen, rolled_back: Seen) -> None:
    assert rolled_back.says == ANSWERS[MODEL_A]
    assert rolled_back.lives == first.lives


def test_a_model_that_cannot_be_loaded_leaves_the_one_before_in_service(rolled_back: Seen, broken: Seen) -> None:
    assert broken.says == ANSWERS[MODEL_A]
    assert broken.lives == rolled_back.lives


def test_the_status_says_that_it_could_not_be_loaded(broken: Seen) -> None:
    message = broken.served["message"]

    assert f"serves {MODEL_A}, {UNLOADABLE} is wanted: it has not pulled it yet or could not load it" in message
    assert broken.ready["message"] == message


def test_another_model_mends_it(rolled_back: Seen, mended: Seen) -> None:
    assert mended.says == ANSWERS[MODEL_B]
    assert mended.lives == rolled_back.lives


def test_the_history_has_every_promotion(space: PodSpace, mended: Seen, models: Models) -> None:
    history = [entry["model"] for entry in space.status(TAG, NAME)["history"]]

    assert history == [MODEL_B, UNLOADABLE, MODEL_A, MODEL_B, MODEL_A]
    assert models.tags()[NAME] == MODEL_B
