"""A model goes from staging to production on its own: once it soaked there, and somebody approved it."""

from __future__ import annotations

from tests.integration.manifests import environment, model_tag
from tests.integration.model_server_front import Front
from tests.integration.model_server_process import MODEL_A, MODEL_B
from tests.integration.people import Person
from tests.integration.rasa_at_pod import scripted_rasa
from tests.integration.space import Space
from tests.integration.test_model_tags import TAG, wait_until_tagged


def test_a_model_that_staging_serves_is_promoted_once_it_soaked_and_was_approved(
    tag_space: Space, front: Front
) -> None:
    carol = Person(tag_space.api, "carol", tag_space.namespace, "system:masters")
    tag_space.apply(model_tag("staging", model=MODEL_A), environment("staging"))
    tag_space.apply(model_tag(promoteFrom={"tag": "staging", "soakSeconds": 1, "approvals": 1}))
    tag_space.wait_for_condition(TAG, "production", "Promoted", status="Unknown", reason="Soaking")
    tag_space.wait_until_ready("staging")

    with scripted_rasa(tag_space, "staging") as rasa:
        rasa.model = MODEL_A
        tag_space.wait_for_condition(TAG, "staging", "Served", status="True", reason="Served")
        waiting = tag_space.wait_for_condition(TAG, "production", "Promoted", reason="ApprovalPending")
        assert f"model {MODEL_A} has 0 of 1 approvals" in waiting["message"]
        candidate = tag_space.status(TAG, "production")["candidateModel"]
        assert "production" not in front.behind.tags()

        approval = {"model": candidate["name"], "hash": candidate["hash"]}
        assert carol.change(TAG, "production", approvals=[approval]).accepted

        status = wait_until_tagged(tag_space, MODEL_A)

    assert "candidateModel" not in status
    (entry,) = status["history"]
    assert entry["cause"] == "PromoteFrom"
    assert entry["message"].startswith("from tag staging, served there since ")
    assert entry["message"].endswith(", approved by carol")


def test_a_promotion_waits_while_its_model_server_is_frozen_and_a_rollback_does_not(
    tag_space: Space, front: Front
) -> None:
    tag_space.apply(model_tag(model=MODEL_A))
    wait_until_tagged(tag_space, MODEL_A)
    tag_space.patch(TAG, "production", {"spec": {"model": MODEL_B}})
    wait_until_tagged(tag_space, MODEL_B)
    frozen = tag_space.patch("ModelServer", "default", {"spec": {"freeze": {"reason": "audit"}}})
    generation = frozen["metadata"]["generation"]
    tag_space.eventually(
        lambda: tag_space.status("ModelServer", "default")["observedGeneration"] == generation, "the freeze to be seen"
    )

    tag_space.patch(TAG, "production", {"spec": {"model": "later"}})
    tag_space.wait_for_condition(TAG, "production", "Promoted", status="Unknown", reason="Frozen")
    assert front.behind.tags() == {"production": MODEL_B}

    tag_space.patch(TAG, "production", {"spec": {"model": MODEL_A}})
    status = wait_until_tagged(tag_space, MODEL_A)
    assert status["history"][0]["cause"] == "Rollback"
