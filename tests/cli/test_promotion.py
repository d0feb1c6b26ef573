"""How far a promotion has come: the verdicts on what the status of a ModelTag and its environment say."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.base import API_VERSION, JsonObject
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.cli.promotion import (
    Outcome,
    model_name,
    new_model_tag,
    object_name,
    progress,
    rollback_target,
)

OBSERVED = {"observedGeneration": 2, "model": "A"}
TAGGED = ("Tagged", "True", "tag production answers with model B")


def conditions(*entries: tuple[str, str, str]) -> list[JsonObject]:
    """Conditions of (type, status, message)."""
    return [{"type": kind, "status": status, "reason": "Because", "message": text} for kind, status, text in entries]


def tag(
    *entries: tuple[str, str, str], model: str = "B", carried: str | None = "B", observed: int = 2, **status: str
) -> ModelTag:
    """A ModelTag of generation 2."""
    return ModelTag.model_validate(
        {
            "metadata": {"name": "production", "namespace": "team", "generation": 2},
            "spec": {"model": model},
            "status": {"observedGeneration": observed, "model": carried, "conditions": conditions(*entries), **status},
        }
    )


def environment(*entries: tuple[str, str, str], wanted: str = "B", **spec: object) -> DeploymentEnvironment:
    """An environment that the operator has seen."""
    return DeploymentEnvironment.model_validate(
        {
            "metadata": {"name": "production", "namespace": "team", "generation": 1},
            "spec": {"rasa": {"version": "3.6.21"}, **spec},
            "status": {"observedGeneration": 1, "model": {"wanted": wanted}, "conditions": conditions(*entries)},
        }
    )


def test_a_served_model_ends_it() -> None:
    seen = progress(tag(TAGGED, ("Served", "True", "B is served by 1 environments")), environment(), "B")

    assert (seen.outcome, seen.text) == (Outcome.DONE, "B is served by 1 environments")


def test_a_status_of_the_spec_before_counts_for_nothing() -> None:
    seen = progress(tag(TAGGED, ("Served", "True", ""), observed=1), environment(), "B")

    assert seen.outcome is Outcome.UNDER_WAY
    assert "waiting for the operator" in seen.text


def test_a_stalled_tag_ends_it_with_its_message() -> None:
    seen = progress(tag(("Stalled", "True", "no model B")), environment(), "B")

    assert (seen.outcome, seen.text) == (Outcome.FAILED, "no model B")


def test_a_model_that_the_server_does_not_have_ends_it() -> None:
    unknown = {"type": "Tagged", "status": "False", "reason": "ModelNotFound", "message": "upload it"}
    refused = tag(carried="A").model_copy(
        update={"status": tag().status.model_validate({**OBSERVED, "conditions": [unknown]})}
    )

    seen = progress(refused, environment(), "B")

    assert (seen.outcome, seen.text) == (Outcome.FAILED, "upload it (the ModelTag goes on asking for B)")


def test_a_tag_that_does_not_answer_yet_is_waited_for() -> None:
    seen = progress(tag(("Tagged", "Unknown", "the model server is down"), carried="A"), environment(), "B")

    assert (seen.outcome, seen.text) == (Outcome.UNDER_WAY, "waiting for the tag: the model server is down")


def test_an_environment_that_serves_another_model_is_waited_for() -> None:
    seen = progress(tag(TAGGED, ("Served", "False", "pod x serves A")), environment(), "B")

    assert (seen.outcome, seen.text) == (Outcome.UNDER_WAY, "waiting for the environment: pod x serves A")


def test_pods_that_cannot_be_asked_end_it_and_say_why() -> None:
    simulated = environment(("Ready", "True", ""), ("ModelServed", "Unknown", "pod x does not answer"))

    seen = progress(tag(TAGGED, ("Served", "Unknown", "whatever")), simulated, "B")

    assert (seen.outcome, seen.text) == (
        Outcome.DONE,
        "whether it is served is not known: pod x does not answer",
    )


@pytest.mark.parametrize(
    "still_moving",
    [
        environment(("Ready", "True", ""), ("ModelServed", "Unknown", ""), wanted="A"),
        environment(("Ready", "False", ""), ("ModelServed", "Unknown", "")),
        environment(),
    ],
)
def test_unknown_is_no_end_while_the_environment_still_moves(still_moving: DeploymentEnvironment) -> None:
    seen = progress(tag(TAGGED, ("Served", "Unknown", "on its way")), still_moving, "B")

    assert seen.outcome is Outcome.UNDER_WAY


def test_a_stuck_environment_ends_it() -> None:
    stuck = environment(("Stalled", "True", "Secret db is not there"))

    seen = progress(tag(TAGGED, ("Served", "False", "")), stuck, "B")

    assert seen.outcome is Outcome.FAILED
    assert "its environment is stuck: Secret db is not there" in seen.text


def test_a_suspended_environment_is_not_waited_for() -> None:
    seen = progress(tag(TAGGED, ("Served", "Unknown", "")), environment(suspend=True), "B")

    assert seen.outcome is Outcome.DONE
    assert "suspended" in seen.text


def test_what_somebody_else_does_meanwhile_ends_it() -> None:
    assert progress(None, environment(), "B").text == "the ModelTag was deleted meanwhile"
    assert progress(tag(), None, "B").text == "the environment was deleted meanwhile"
    assert progress(tag(model="C"), environment(), "B").text == "somebody else promoted C meanwhile"


def test_a_rollback_goes_to_the_model_before() -> None:
    assert rollback_target(tag(previousModel="A")) == "A"
    assert rollback_target(tag()) is None


def test_a_rollback_of_a_promotion_that_never_took_place_goes_to_what_is_still_served() -> None:
    assert rollback_target(tag(model="missing", carried="B", previousModel="A")) == "B"


def test_a_new_model_tag_says_no_more_than_it_must() -> None:
    assert new_model_tag(environment(), "B", "dave") == {
        "apiVersion": API_VERSION,
        "kind": "ModelTag",
        "metadata": {
            "name": "production",
            "namespace": "team",
            "annotations": {"rasa-environments.io/promoted-by": "dave"},
        },
        "spec": {"model": "B"},
    }


def test_a_new_model_tag_names_the_tag_and_server_of_its_environment() -> None:
    other = environment(tag="Blue_Green", modelServerRef={"name": "shared", "namespace": "platform"})

    manifest = new_model_tag(other, "B", "dave")

    assert manifest["metadata"]["name"] == "blue-green"
    assert manifest["spec"] == {
        "model": "B",
        "tag": "Blue_Green",
        "modelServerRef": {"name": "shared", "namespace": "platform"},
    }


@given(st.from_regex(r"\A[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?\Z"))
def test_every_tag_becomes_the_name_of_an_object(any_tag: str) -> None:
    name = object_name(any_tag)

    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", name)


def test_a_file_name_is_as_good_as_a_model_name() -> None:
    assert model_name("20260101-120000.tar.gz") == "20260101-120000"
