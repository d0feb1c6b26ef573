"""A pipeline from the command line: approve, pin, resume and freeze, with the operator at work."""

from __future__ import annotations

from tests.integration.manifests import environment, model_tag
from tests.integration.model_server_process import MODEL_A
from tests.integration.rasa_at_pod import scripted_rasa
from tests.integration.space import Space
from tests.integration.test_model_tags import TAG, wait_until_tagged
from tests.integration.test_promotion_cli import Command, command

__all__ = ["command"]
RULE = {"tag": "staging", "approvals": 1}


def test_a_model_that_waits_is_approved_and_then_promoted(tag_space: Space, command: Command) -> None:
    tag_space.apply(environment("staging"), environment(), model_tag(promoteFrom=RULE))
    key = f"{tag_space.namespace}/production"
    before = command("approve production")
    tag_space.apply(model_tag("staging", model=MODEL_A))
    with scripted_rasa(tag_space, "staging") as rasa:
        rasa.model = MODEL_A
        tag_space.wait_for_condition(TAG, "production", "Promoted", reason="ApprovalPending")

        approved = command("approve production")

        wait_until_tagged(tag_space, MODEL_A)
    assert before.returncode == 4, before.stdout
    assert before.stderr.startswith(f"error: no model waits to be promoted to environment {key}")
    assert approved.returncode == 0, approved.stderr
    assert approved.stdout.startswith(f"{key}: {MODEL_A} is approved by ")


def test_a_promotion_by_hand_pins_until_it_is_resumed(tag_space: Space, command: Command) -> None:
    tag_space.apply(environment(), model_tag(promoteFrom=RULE))
    key = f"{tag_space.namespace}/production"

    pinned = command(f"promote {MODEL_A} production --no-wait")
    resumed = command("resume production")

    assert pinned.returncode == 0, pinned.stderr
    assert pinned.stdout.splitlines()[-1] == (
        f"{key}: pinned; to get models from tag staging again: kubectl rasa resume production -n {tag_space.namespace}"
    )
    assert resumed.returncode == 0, resumed.stderr
    assert "model" not in tag_space.get(TAG, "production")["spec"]


def test_a_model_server_is_frozen_and_unfrozen(tag_space: Space, command: Command) -> None:
    frozen = command("freeze --reason audit --until 2030-01-01T00:00:00Z")
    spec = tag_space.get("ModelServer", "default")["spec"]
    unfrozen = command("freeze --end")

    assert frozen.returncode == 0, frozen.stderr
    assert spec["freeze"] == {"reason": "audit", "endTime": "2030-01-01T00:00:00Z"}
    assert unfrozen.returncode == 0, unfrozen.stderr
    assert "freeze" not in tag_space.get("ModelServer", "default")["spec"]
