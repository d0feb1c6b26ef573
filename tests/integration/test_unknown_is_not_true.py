"""Unknown is never reported as True, with an operator that checks what is served."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.conftest import NUMBERS, Installation, furnish
from tests.integration.manifests import environment, model_tag
from tests.integration.model_server_front import Front, refuse
from tests.integration.model_server_process import MODEL_A, MODEL_B
from tests.integration.rasa_at_pod import scripted_rasa
from tests.integration.space import ENVIRONMENT, Space
from tests.integration.test_model_tags import TAG

KINDS = (ENVIRONMENT, TAG)


@pytest.fixture
def strict_space(breakable: Installation, front: Front) -> Iterator[Space]:
    """A namespace whose operator does not accept unchecked pods, with production on model A."""
    operator = breakable.operator("--no-accept-unchecked")
    operator.start()
    space = Space(breakable.api, f"space-{next(NUMBERS)}", operator)
    space.create_namespace()
    furnish(space, front)
    space.apply(model_tag(model=MODEL_A), environment())
    space.wait_for_condition(ENVIRONMENT, "production", "Available", status="True")
    yield space
    operator.kill()
    space.remove()


def wait_until_both_are(space: Space, status: str) -> None:
    """Wait until the environment and its tag have that Ready, at their current generation."""
    for kind in KINDS:
        space.wait_for_condition(kind, "production", "Ready", status=status)


def test_pods_that_cannot_be_reached_leave_ready_unknown_with_the_way_out(strict_space: Space) -> None:
    wait_until_both_are(strict_space, "Unknown")

    ready = strict_space.condition(ENVIRONMENT, "production", "Ready")
    assert ready is not None
    assert ready["reason"] == "PodsUnreachable"
    assert "let it in where a NetworkPolicy is in force" in ready["message"]


def test_a_server_that_hangs_while_it_loads_a_model_is_not_green_before_it_serves_it(strict_space: Space) -> None:
    with scripted_rasa(strict_space) as rasa:
        rasa.model = MODEL_A
        wait_until_both_are(strict_space, "True")

        rasa.free.clear()
        strict_space.patch(TAG, "production", {"spec": {"model": MODEL_B}})
        message = strict_space.wait_for_condition(
            ENVIRONMENT, "production", "Ready", status="False", reason="AnotherModelServed"
        )["message"]
        wait_until_both_are(strict_space, "False")
        assert f"served {MODEL_A} at " in message
        assert "does not answer now" in message
        assert strict_space.status(ENVIRONMENT, "production")["servedModels"] == [{"name": MODEL_A, "replicas": 1}]

        rasa.model = MODEL_B
        rasa.free.set()
        wait_until_both_are(strict_space, "True")


def test_a_server_that_hangs_from_the_start_is_not_green(strict_space: Space) -> None:
    with scripted_rasa(strict_space) as rasa:
        rasa.model = MODEL_A
        rasa.free.clear()
        strict_space.eventually(lambda: rasa.arrived > 1, "the server to be asked again")
        wait_until_both_are(strict_space, "Unknown")

        rasa.free.set()
        wait_until_both_are(strict_space, "True")


def test_while_the_model_server_refuses_the_token_what_serves_stays_ready(strict_space: Space, front: Front) -> None:
    with scripted_rasa(strict_space) as rasa:
        rasa.model = MODEL_A
        wait_until_both_are(strict_space, "True")

        front.fault = refuse
        strict_space.wait_for_condition("ModelServer", "default", "Ready", status="False")
        strict_space.wait_for_condition(ENVIRONMENT, "production", "ModelAvailable", status="Unknown")

        ready = strict_space.condition(ENVIRONMENT, "production", "Ready")
        assert ready is not None
        assert (ready["status"], ready["reason"]) == ("True", "Ready")
        assert "which was wanted when ModelServer" in ready["message"]
        strict_space.wait_for_condition(TAG, "production", "Ready", status="Unknown")
