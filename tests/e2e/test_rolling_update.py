"""Promotions that roll the pods while visitors chat: to a model that can be loaded, and to one that cannot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from rasa_environments.api.base import JsonObject
from tests.e2e.conftest import Lounge
from tests.e2e.models import ANSWERS, LOAD_FAILED, UNLOADABLE
from tests.e2e.pod_space import TAG, Life, PodSpace
from tests.e2e.visitors import Talk
from tests.integration.model_server_process import MODEL_A, MODEL_B
from tests.integration.space import ENVIRONMENT

NAMESPACE = "rolling"
NAME = "staging"


@dataclass(frozen=True)
class Rolled:
    """What was seen of a promotion to model B."""

    before: list[Life]
    after: list[Life]
    talk: Talk


@dataclass(frozen=True)
class Stuck:
    """What was seen of a promotion to a model that cannot be loaded, and of the way back."""

    before: list[Life]
    meanwhile: list[Life]
    ready: JsonObject
    after: list[Life]
    talk: Talk


@pytest.fixture(scope="module")
def environment(space: PodSpace) -> str:
    """An environment that serves model A, and rolls its pods for another; returns its address."""
    space.start(NAME, MODEL_A, model={"updateStrategy": "RollingUpdate"})
    return space.url(NAME)


@pytest.fixture(scope="module")
def rolled(space: PodSpace, environment: str, talking: Lounge, measured: Callable[[str], None]) -> Rolled:
    """Model B is promoted."""
    before = space.lives(NAME)
    with talking(NAMESPACE, environment) as visitors:
        space.command("promote", MODEL_B, NAME)
        visitors.wait_until_all_hear(ANSWERS[MODEL_B])
        space.eventually(lambda: len(space.list("Pod")) == 1, "the old pod to be gone")
        visitors.wait_for_answers()
        talk = visitors.end()
    measured(talk.summary("promotion by rolling update"))
    return Rolled(before, space.lives(NAME), talk)


@pytest.fixture(scope="module")
def stuck(space: PodSpace, environment: str, rolled: Rolled, talking: Lounge) -> Stuck:
    """Promote a model that cannot be loaded, and roll back when its pod runs."""
    with talking(f"{NAMESPACE}-stuck", environment) as visitors:
        space.patch(TAG, NAME, {"spec": {"model": UNLOADABLE, "allowIncompatibleModel": UNLOADABLE}})
        space.eventually(lambda: has_tried_to_load(space, rolled.after), "the new pod to have tried to load the model")
        ready = space.wait_for_condition(ENVIRONMENT, NAME, "Ready", status="False")
        visitors.wait_for_answers()
        meanwhile = space.lives(NAME)
        space.command("rollback", NAME)
        space.eventually(lambda: len(space.list("Pod")) == 1, "one pod to be left")
        space.wait_until_served(NAME, MODEL_B)
        visitors.wait_for_answers()
        talk = visitors.end()
    return Stuck(rolled.after, meanwhile, ready, space.lives(NAME), talk)


def has_tried_to_load(space: PodSpace, before: list[Life]) -> bool:
    """Return whether a new pod reports it."""
    new = [life.pod for life in space.lives(NAME) if life not in before]
    return any(LOAD_FAILED in space.cluster.log(NAMESPACE, pod) for pod in new)


def test_during_a_promotion_by_rolling_update_not_one_request_fails(rolled: Rolled) -> None:
    assert rolled.talk.failed == []


def test_a_connection_that_is_never_renewed_ends_with_its_pod_and_may_lose_one_request(rolled: Rolled) -> None:
    assert len(rolled.talk.cut_off) <= len(rolled.before)


def test_the_answers_change_from_one_model_to_the_other(rolled: Rolled) -> None:
    assert set(rolled.talk.answers) == {ANSWERS[MODEL_A], ANSWERS[MODEL_B]}
    assert set(rolled.talk.last.values()) == {ANSWERS[MODEL_B]}


def test_the_pod_is_another_one(rolled: Rolled) -> None:
    assert len(rolled.before) == len(rolled.after) == 1
    assert rolled.before[0].uid != rolled.after[0].uid


def test_with_a_model_that_cannot_be_loaded_the_old_pod_continues(stuck: Stuck) -> None:
    assert set(stuck.before) < set(stuck.meanwhile)
    assert stuck.talk.failed == []
    assert stuck.talk.cut_off == []
    assert set(stuck.talk.answers) == {ANSWERS[MODEL_B]}


def test_and_the_status_says_what_is_waited_for(stuck: Stuck) -> None:
    assert stuck.ready["reason"] == "WaitingForPods"
    assert f"Deployment {NAMESPACE}/{NAME}-rasa" in stuck.ready["message"]


def test_a_rollback_ends_the_pod_that_could_not_load_it_and_no_other(stuck: Stuck) -> None:
    assert len(stuck.after) == 1
