"""A token rotation for an environment with running servers, while visitors chat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from rasa_environments.api.deployment_environment import ROTATE_TOKEN_ANNOTATION
from tests.e2e.caller import Caller
from tests.e2e.conftest import Lounge
from tests.e2e.evidence import tokens
from tests.e2e.models import ANSWERS
from tests.e2e.pod_space import Life, PodSpace
from tests.e2e.release import Release
from tests.e2e.visitors import Talk
from tests.integration.model_server_process import MODEL_A
from tests.integration.secrecy import found_in
from tests.integration.space import ENVIRONMENT

NAMESPACE = "rotation"
NAME = "support"
MOMENT = "2026-01-01T00:00:00Z"


@dataclass(frozen=True)
class Rotated:
    """What was seen of it."""

    old_token: str
    new_token: str
    before: list[Life]
    after: list[Life]
    talk: Talk
    logs_before: str
    """What the pod with the old token logged."""


@pytest.fixture(scope="module")
def rotated(space: PodSpace, talking: Lounge, measured: Callable[[str], None]) -> Rotated:
    """Request a new token with the annotation, and wait for the end."""
    space.start(NAME, MODEL_A)
    before, old_token, logs = space.lives(NAME), space.token(NAME), space.logs()
    with talking(NAMESPACE, space.url(NAME)) as visitors:
        space.patch(ENVIRONMENT, NAME, {"metadata": {"annotations": {ROTATE_TOKEN_ANNOTATION: MOMENT}}})
        space.eventually(
            lambda: space.status(ENVIRONMENT, NAME).get("lastHandledRotateTokenAt") == MOMENT, "another token"
        )
        space.eventually(
            lambda: len(space.list("Pod")) == 1 and space.lives(NAME) != before, "the new pod to be the only one"
        )
        space.wait_until_served(NAME, MODEL_A)
        visitors.wait_for_answers()
        talk = visitors.end()
    measured(talk.summary("token rotation"))
    return Rotated(old_token, space.token(NAME), before, space.lives(NAME), talk, logs)


def test_the_pods_are_rolled_with_another_token(rotated: Rotated) -> None:
    assert rotated.new_token != rotated.old_token
    assert len(rotated.after) == 1
    assert rotated.after != rotated.before


def test_the_new_token_opens_the_server_and_the_old_one_does_not(
    space: PodSpace, caller: Caller, rotated: Rotated
) -> None:
    status = f"{space.url(NAME)}/status"

    assert caller.request("GET", status, params={"token": rotated.new_token}).status == 200
    assert caller.request("GET", status, params={"token": rotated.old_token}).status == 401


def test_during_a_rotation_not_one_request_fails(rotated: Rotated) -> None:
    assert rotated.talk.failed == []
    assert len(rotated.talk.cut_off) <= len(rotated.before)
    assert set(rotated.talk.answers) == {ANSWERS[MODEL_A]}


def test_no_log_has_a_token(space: PodSpace, release: Release, rotated: Rotated) -> None:
    secrets = {rotated.old_token, rotated.new_token, *tokens(space), *tokens(release)}
    logs = {
        "the operator and the model server": release.logs(),
        "Rasa before": rotated.logs_before,
        "Rasa now": space.logs(),
    }

    assert len(secrets) > 4
    for who, text in logs.items():
        assert text, who
        assert found_in(text, secrets) == set(), who
