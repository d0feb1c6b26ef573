"""The progress of a promotion, derived from the status of a ModelTag and its environment."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.base import API_VERSION, JsonObject
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_tag import ModelTag, ModelTagSpec
from rasa_environments.cli.exit_codes import ExitCode
from rasa_environments.cli.failures import CommandError
from rasa_environments.cli.promote import require_verification
from rasa_environments.cli.promotion import (
    Goal,
    Progress,
    Wanted,
    model_name,
    new_model_tag,
    object_name,
    progress,
    rollback_target,
)

READY = ("Ready", "True", "")
TAGGED = ("Tagged", "True", "tag production answers with model B")


def conditions(*entries: tuple[str, ...]) -> list[JsonObject]:
    """Conditions of (type, status, message), or with a reason at the end."""
    return [
        {
            "type": kind,
            "status": status,
            "reason": (*reason, "Because")[0],
            "message": text,
            "lastTransitionTime": "2026-01-01T12:00:00Z",
        }
        for kind, status, text, *reason in entries
    ]


def named(model: str | None) -> JsonObject | None:
    """A model with its hash."""
    return None if model is None else {"name": model, "hash": model.lower()}


def tag(
    *entries: tuple[str, ...],
    model: str | None = "B",
    carried: str | None = "B",
    previous: str | None = None,
    observed: int = 2,
) -> ModelTag:
    """A ModelTag of generation 2."""
    return ModelTag.model_validate(
        {
            "metadata": {"name": "production", "namespace": "team", "generation": 2},
            "spec": {"model": model},
            "status": {
                "observedGeneration": observed,
                "taggedModel": named(carried),
                "previousModel": named(previous),
                "conditions": conditions(*entries),
            },
        }
    )


def environment(*entries: tuple[str, ...], **spec: object) -> DeploymentEnvironment:
    """An environment that the operator has seen."""
    return DeploymentEnvironment.model_validate(
        {
            "metadata": {"name": "production", "namespace": "team", "generation": 1},
            "spec": {"rasa": {"version": "3.6.21"}, **spec},
            "status": {"observedGeneration": 1, "conditions": conditions(*entries)},
        }
    )


def seen(found: ModelTag | None, other: DeploymentEnvironment | None = None, goal: Goal = Goal.SERVED) -> Progress:
    """Return the progress of the promotion of B that was written as generation 2."""
    return progress(tag(), found, other or environment(), goal)


def test_a_served_model_ends_it() -> None:
    found = seen(tag(TAGGED, ("Served", "True", "B is served by 1 environments"), READY))

    assert found == Progress("B is served by 1 environments", ExitCode.DONE)


@given(st.sampled_from(["True", "False", "Unknown"]), st.sampled_from(["True", "False", "Unknown"]), st.booleans())
def test_nothing_but_served_and_ready_of_this_generation_is_done(served: str, ready: str, current: bool) -> None:
    found = seen(tag(TAGGED, ("Served", served, ""), ("Ready", ready, ""), observed=2 if current else 1))

    assert (found.ended is ExitCode.DONE) == ((served, ready, current) == ("True", "True", True))


def test_a_model_tag_that_is_not_ready_otherwise_is_waited_for() -> None:
    found = seen(tag(TAGGED, ("Served", "True", ""), ("Ready", "False", "waits for approval")))

    assert found == Progress("waiting for the ModelTag: waits for approval")


SERVED_AND_READY = (TAGGED, ("Served", "True", "B is served by 1 environments"), READY)
CHECK = {"conversations": [{"configMapKeyRef": {"name": "conversations", "key": "tests.yaml"}}]}


def verified(*entries: tuple[str, ...], **verification: object) -> Progress:
    """Return the progress of a promotion of B that is to be verified."""
    found = tag(*entries)
    spec = ModelTagSpec.model_validate({"model": "B", "verification": verification or None})
    return progress(tag(), found.model_copy(update={"spec": spec}), environment(), Goal.SERVED, verify=True)


def test_a_verified_promotion_ends_with_its_verification() -> None:
    found = verified(*SERVED_AND_READY, ("Verified", "True", "the model has passed"), live=CHECK)

    assert found == Progress("B is served by 1 environments; the model has passed", ExitCode.DONE)


@pytest.mark.parametrize("condition", [(), (("Verified", "Unknown", "it is being verified"),)])
def test_a_served_model_that_is_not_known_to_have_passed_is_waited_for(condition: tuple[tuple[str, ...], ...]) -> None:
    assert verified(*SERVED_AND_READY, *condition, live=CHECK).ended is None


def test_a_verification_that_was_removed_meanwhile_ends_it() -> None:
    found = verified(*SERVED_AND_READY)

    assert found.ended is ExitCode.FAILED
    assert "spec.verification was removed in the meantime" in found.text


def test_a_model_that_is_verified_live_is_waited_for_and_known() -> None:
    ready = ("Ready", "Unknown", "B holds its conversations", "Verifying")

    assert seen(tag(*SERVED_AND_READY[:2], ready)) == Progress("waiting for the ModelTag: B holds its conversations")


def test_a_model_that_is_rejected_live_ends_it() -> None:
    stalled = ("Stalled", "True", "model B failed its verification", "ModelRejected")

    found = verified(TAGGED, stalled, live=CHECK)

    assert found == Progress("model B failed its verification", ExitCode.FAILED)


def test_a_promotion_that_nothing_verifies_is_refused_with_words() -> None:
    for found in (None, tag()):
        with pytest.raises(CommandError, match="nothing verifies models: add it, or leave out --verify; nothing was"):
            require_verification(environment(), found)
    spec = ModelTagSpec.model_validate({"model": "B", "verification": {"live": CHECK}})
    require_verification(environment(), tag().model_copy(update={"spec": spec}))


def test_a_status_of_the_spec_before_counts_for_nothing() -> None:
    found = seen(tag(TAGGED, ("Served", "True", ""), READY, observed=1))

    assert (found.ended, found.known) == (None, False)
    assert "waiting for the operator" in found.text


def test_an_object_older_than_what_was_written_counts_for_nothing() -> None:
    old = tag(TAGGED, ("Served", "True", ""), READY, observed=1)
    before = old.model_copy(update={"metadata": old.metadata.model_copy(update={"generation": 1})})

    assert seen(before).ended is None


@pytest.mark.parametrize(("reason", "code"), [("InvalidSpec", 1), ("ModelNotFound", 4), ("ModelServerNotFound", 4)])
def test_a_stalled_tag_ends_it_with_its_message(reason: str, code: int) -> None:
    assert seen(tag(("Stalled", "True", "no model B", reason))) == Progress("no model B", ExitCode(code))


@pytest.mark.parametrize(
    ("reason", "code"), [("ModelNotFound", 4), ("Unauthorized", 1), ("TagRefused", 1), ("ModelIncompatible", 1)]
)
def test_a_tag_that_waiting_does_not_help_ends_it(reason: str, code: int) -> None:
    found = seen(tag(("Tagged", "False", "upload it", reason), carried="A"))

    assert found == Progress("upload it (the ModelTag still asks for B)", ExitCode(code))


def test_a_tag_that_does_not_answer_yet_is_waited_for_and_not_known() -> None:
    found = seen(tag(("Tagged", "Unknown", "the model server is down"), carried="A"))

    assert found == Progress("waiting for the tag: the model server is down", known=False)


def test_an_environment_that_serves_another_model_is_waited_for() -> None:
    found = seen(tag(TAGGED, ("Served", "False", "pod x serves A")))

    assert found == Progress("waiting for the environment: pod x serves A")


def test_pods_that_cannot_be_asked_are_no_end() -> None:
    found = seen(tag(TAGGED, ("Served", "Unknown", "pod x does not answer")), environment(READY))

    assert found == Progress("whether it is served is unknown: pod x does not answer", known=False)


def test_a_tag_that_nothing_follows_is_not_served_and_said() -> None:
    found = seen(tag(TAGGED, ("Served", "False", "no environment pulls it", "NoEnvironment")))

    assert found == Progress("tag production is on B, but nothing serves it: no environment pulls it")


@pytest.mark.parametrize("served", ["True", "False", "Unknown"])
def test_where_only_the_tag_is_waited_for_it_ends_when_it_is_there(served: str) -> None:
    found = seen(tag(TAGGED, ("Served", served, ""), ("Ready", served, "")), goal=Goal.TAGGED)

    assert found == Progress("tag production is on B", ExitCode.DONE)


def test_where_only_the_tag_is_waited_for_it_must_be_on_the_model() -> None:
    assert seen(tag(TAGGED, carried="A"), goal=Goal.TAGGED).ended is None


def test_a_stuck_environment_ends_it() -> None:
    stuck = environment(("Stalled", "True", "Secret db not found"))

    found = seen(tag(TAGGED, ("Served", "False", "")), stuck)

    assert found.ended is ExitCode.FAILED
    assert "its environment is stuck: Secret db not found" in found.text


def test_a_suspended_environment_is_not_waited_for_and_not_known() -> None:
    found = seen(tag(TAGGED, ("Served", "Unknown", "")), environment(suspend=True))

    assert found.ended is ExitCode.UNKNOWN
    assert "team/production is suspended; set spec.suspend to false" in found.text


def test_what_somebody_else_does_meanwhile_ends_it() -> None:
    again = tag()
    recreated = again.model_copy(update={"metadata": again.metadata.model_copy(update={"uid": "another"})})
    orphaned = progress(tag(), tag(TAGGED), None, Goal.SERVED)

    assert seen(None) == seen(recreated) == Progress("the ModelTag was deleted in the meantime", ExitCode.FAILED)
    assert seen(tag(model="C")) == Progress("somebody else promoted C in the meantime", ExitCode.FAILED)
    assert orphaned == Progress("the environment was deleted in the meantime; tag production is on B", ExitCode.FAILED)


def test_a_rollback_goes_to_the_model_before() -> None:
    assert rollback_target(tag(previous="A")) == Wanted("A")
    assert rollback_target(tag(model=None, previous="A")) == Wanted("A")
    assert rollback_target(tag()) is None


@pytest.mark.parametrize(
    ("to", "target"),
    [("1", "A"), ("2", "Z"), ("0", "B"), ("A", "A"), ("3", None), ("-1", None), ("C", None), ("9999", None)],
)
def test_a_rollback_goes_to_a_model_of_the_history_by_its_name_or_number(to: str, target: str | None) -> None:
    there = with_actions(tag(previous="A"), None, **dict.fromkeys(("B", "A", "Z")))

    found = rollback_target(there, to)

    assert (found and found.model) == target


def test_a_model_that_is_called_like_a_number_is_meant_by_it() -> None:
    there = with_actions(tag(previous="A"), None, **dict.fromkeys(("B", "A", "1")))

    assert rollback_target(there, "1") == Wanted("1")


def with_actions(found: ModelTag, image: str | None, **before: str | None) -> ModelTag:
    """The ModelTag with an image of actions, and those that it named for each model before."""
    spec = {"model": found.spec.model, "actionServer": image and {"image": image}}
    history = [
        {"model": model, "hash": "1", "taggedTime": "", "actionServerImage": each} for model, each in before.items()
    ]
    status = {**found.status.model_dump(by_alias=True, exclude_none=True), "history": history}
    return ModelTag.model_validate({"metadata": found.metadata.model_dump(), "spec": spec, "status": status})


def test_a_rollback_goes_to_the_actions_of_that_model() -> None:
    there = with_actions(tag(previous="A"), "actions:2", B="actions:2", A="actions:1")
    never = with_actions(tag(previous="A"), "actions:2", B="actions:2", A=None)
    limited = with_actions(tag(previous="A"), "actions:2")

    targets = [rollback_target(each) for each in (there, never, limited)]

    assert [each and each.spec for each in targets] == [
        {"model": "A", "actionServer": {"image": "actions:1"}},
        {"model": "A", "actionServer": None},
        {"model": "A"},
    ]


def test_actions_that_go_with_a_model_are_promoted_with_it() -> None:
    wanted = Wanted("B", actions="actions:2")

    assert wanted.spec == {"model": "B", "actionServer": {"image": "actions:2"}}
    assert not wanted.is_said_by(with_actions(tag(), "actions:1"))
    assert wanted.is_said_by(with_actions(tag(), "actions:2"))
    assert Wanted("B").is_said_by(with_actions(tag(), "actions:1"))
    assert Wanted("B", without_actions=True).is_said_by(tag())


def test_a_rollback_of_a_promotion_that_never_took_place_goes_to_what_is_still_served() -> None:
    assert rollback_target(tag(model="missing", carried="B", previous="A")) == Wanted("B")


def test_a_new_model_tag_says_no_more_than_it_must() -> None:
    assert new_model_tag(environment(), Wanted("B"), "dave") == {
        "apiVersion": API_VERSION,
        "kind": "ModelTag",
        "metadata": {
            "name": "production",
            "namespace": "team",
            "annotations": {"rasa-environments.io/promoted-by": "dave"},
        },
        "spec": {"model": "B"},
    }


def test_a_model_may_be_allowed_although_it_is_incompatible() -> None:
    manifest = new_model_tag(environment(), Wanted("B", allow_incompatible=True), "dave")

    assert manifest["spec"] == {"model": "B", "allowIncompatibleModel": "B"}


@pytest.mark.parametrize(
    ("spec", "allowed", "said"),
    [
        ({"model": "B"}, False, True),
        ({"model": "A"}, False, False),
        ({"model": "B"}, True, False),
        ({"model": "B", "allowIncompatibleModel": "A"}, True, False),
        ({"model": "B", "allowIncompatibleModel": "B"}, True, True),
        ({"model": "B", "allowIncompatibleModel": "B"}, False, True),
    ],
)
def test_a_model_tag_that_says_what_is_wanted_is_left_alone(spec: JsonObject, *, allowed: bool, said: bool) -> None:
    existing = ModelTag.model_validate({"metadata": {"name": "production", "namespace": "team"}, "spec": spec})

    assert Wanted("B", allow_incompatible=allowed).is_said_by(existing) is said


def test_a_new_model_tag_names_the_tag_and_server_of_its_environment() -> None:
    other = environment(tag="Blue_Green", modelServerRef={"name": "shared", "namespace": "platform"})

    manifest = new_model_tag(other, Wanted("B"), "dave")

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
