"""The verdicts on a ModelTag: its history, the target of a rollback, and who serves the model."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.base import JsonObject, ModelReference, ObjectKey
from rasa_environments.api.conditions import Condition, ConditionType, Reason
from rasa_environments.api.deployment_environment import EnvironmentStatus
from rasa_environments.api.model_tag import (
    MAXIMUM_FOLLOWERS,
    PROMOTED_BY_ANNOTATION,
    HistoryEntry,
    ModelTag,
    ModelTagStatus,
)
from rasa_environments.domain.desired_model import DesiredModel, Origin
from rasa_environments.domain.facts import Follower, Problem, TaggedModel
from rasa_environments.judge.conditions import condition, condition_of
from rasa_environments.judge.model_tag import ModelTagFacts, follower, judge
from rasa_environments.judge.tag_history import last_model
from tests.reconcile.objects import environment

FIRST, SECOND, THIRD = (TaggedModel(f"model-{number}", f"hash-{number}") for number in (1, 2, 3))
TIME = "2026-01-01T00:00:00Z"
MODELS = st.sampled_from([FIRST, SECOND, THIRD, TaggedModel("model-1", "trained-anew")])


def model_tag(status: ModelTagStatus | None = None, **spec: object) -> ModelTag:
    """Return the ModelTag as last seen."""
    body: JsonObject = {"metadata": {"name": "live", "namespace": "bots"}, "spec": {"model": "model-1", **spec}}
    tag = ModelTag.model_validate(body)
    return tag.model_copy(update={"status": status}) if status is not None else tag


def of_spec(model: TaggedModel) -> DesiredModel:
    """The decision that the spec names the model."""
    return DesiredModel(model.name, Origin.SPEC)


def reference(model: TaggedModel) -> ModelReference:
    """The model as a status names it."""
    return ModelReference(name=model.name, hash=model.hash)


def promoted(*models: TaggedModel, limit: int = 10) -> ModelTagStatus:
    """Return the status after the tag was set on one model after the other, an hour apart."""
    status = ModelTagStatus()
    for number, tagged in enumerate(models):
        facts = ModelTagFacts(tag="live", desired=reference(tagged), decision=of_spec(tagged), tagged=tagged)
        status, _ = judge(facts, model_tag(status, historyLimit=limit), f"2026-01-01T{number:02}:00:00Z")
    return status


def test_a_first_model_has_no_previous_one() -> None:
    status = promoted(FIRST)

    assert (status.tagged_model, status.previous_model) == (reference(FIRST), None)
    assert status.history == [HistoryEntry(model="model-1", hash="hash-1", tagged_time=TIME, cause="Promotion")]


def test_a_moved_tag_remembers_where_it_was() -> None:
    status = promoted(FIRST, SECOND)

    assert (status.tagged_model, status.previous_model) == (reference(SECOND), reference(FIRST))
    assert [entry.model for entry in status.history or ()] == ["model-2", "model-1"]


def test_another_check_of_the_same_model_changes_nothing() -> None:
    assert promoted(FIRST, SECOND, SECOND) == promoted(FIRST, SECOND)


def test_a_model_with_new_content_is_remembered_and_is_nowhere_to_roll_back_to() -> None:
    status = promoted(FIRST, SECOND, TaggedModel("model-2", "trained-anew"))

    assert [entry.hash for entry in status.history or ()] == ["trained-anew", "hash-2", "hash-1"]
    assert status.previous_model == reference(FIRST)


def promoted_by(user: str, tagged: TaggedModel, before: ModelTagStatus | None = None) -> ModelTagStatus:
    """Return the status after the user's promotion was seen to take effect."""
    tag = model_tag(before)
    metadata = tag.metadata.model_copy(update={"annotations": {PROMOTED_BY_ANNOTATION: user}})
    facts = ModelTagFacts(tag="live", desired=reference(tagged), decision=of_spec(tagged), tagged=tagged)
    return judge(facts, tag.model_copy(update={"metadata": metadata}), TIME)[0]


def test_the_history_names_who_promoted_each_model() -> None:
    status = promoted_by("carol", SECOND, promoted_by("dave", FIRST))

    assert [(entry.model, entry.promoted_by) for entry in status.history or ()] == [
        ("model-2", "carol"),
        ("model-1", "dave"),
    ]


def test_another_name_later_does_not_change_who_promoted_what_is_there() -> None:
    status = promoted_by("dave", FIRST)

    assert promoted_by("carol", FIRST, status) == status


def test_content_that_was_replaced_on_the_server_was_promoted_by_nobody() -> None:
    status = promoted_by("dave", TaggedModel("model-1", "trained-anew"), promoted_by("dave", FIRST))

    assert [entry.promoted_by for entry in status.history or ()] == [None, "dave"]


def test_a_rollback_can_itself_be_rolled_back() -> None:
    assert promoted(FIRST, SECOND, FIRST).previous_model == reference(SECOND)


@given(models=st.lists(MODELS, min_size=1, max_size=6), limit=st.integers(0, 4))
def test_the_history_has_its_limit_and_the_latest_first(models: list[TaggedModel], limit: int) -> None:
    status = promoted(*models, limit=limit)

    history = status.history or []
    assert len(history) <= limit
    assert status.tagged_model == reference(models[-1])
    if limit:
        assert (history[0].model, history[0].hash) == (models[-1].name, models[-1].hash)
    assert all(newer.tagged_time >= older.tagged_time for newer, older in itertools.pairwise(history))


@given(models=st.lists(MODELS, min_size=1, max_size=6), limit=st.integers(0, 4))
def test_a_rollback_goes_to_the_last_other_model_whatever_the_limit(models: list[TaggedModel], limit: int) -> None:
    others = [model for model in models if model.name != models[-1].name]

    assert promoted(*models, limit=limit).previous_model == (reference(others[-1]) if others else None)


@pytest.mark.parametrize("limit", [0, 10])
def test_the_last_model_is_known_whatever_the_limit_of_the_history(limit: int) -> None:
    assert last_model(promoted(FIRST, SECOND, limit=limit)) == reference(SECOND)
    assert last_model(ModelTagStatus()) is None


def test_a_model_that_the_server_has_not_confirmed_is_not_in_the_history() -> None:
    before = promoted(FIRST)
    facts = ModelTagFacts(tag="live", desired=reference(SECOND), problem=Problem(Reason.MODEL_NOT_FOUND, "not there"))

    status, _ = judge(facts, model_tag(before), TIME)

    assert status.tagged_model == reference(FIRST)
    assert status.history == before.history


SERVING = Follower(
    ObjectKey("bots", "support"),
    FIRST,
    served="True",
    served_reason=Reason.SERVED,
    served_message="1 of 1",
    ready="True",
)
PULLING = replace(SERVING, served="False", served_message="pod a serves model-0", ready="False")
SILENT = replace(SERVING, served="Unknown", served_message="no pod is ready", ready="Unknown")
BEHIND = replace(SERVING, desired=TaggedModel("model-0", "hash-0"))
OUTDATED = replace(SERVING, desired=TaggedModel("model-1", "trained-before"))
BEHIND_AND_SILENT = replace(SILENT, desired=None)
UNCHECKED = replace(SERVING, served_reason=Reason.SERVED_UNCHECKED)
OTHER = replace(SERVING, key=ObjectKey("bots", "other"))
TAGGED = ModelTagFacts(tag="live", desired=reference(FIRST), tagged=FIRST)


def verdict(facts: ModelTagFacts, kind: ConditionType) -> Condition:
    """One of the conditions."""
    found = condition_of(judge(facts, model_tag(), TIME)[1], kind)
    assert found is not None
    return found


SERVED = [
    ((), "False", Reason.NO_ENVIRONMENT, "no environment pulls the tag live, so no environment serves its model"),
    ((SERVING,), "True", Reason.SERVED, "model-1 is served by environment bots/support"),
    ((SERVING, OTHER), "True", Reason.SERVED, "model-1 is served by 2 environments"),
    ((OTHER, PULLING), "False", Reason.ANOTHER_MODEL_SERVED, "environment bots/support: pod a serves model-0"),
    ((OTHER, SILENT), "Unknown", Reason.PENDING, "environment bots/support: no pod is ready"),
    (
        (replace(SILENT, key=OTHER.key), PULLING),
        "False",
        Reason.ANOTHER_MODEL_SERVED,
        "environment bots/support: pod a serves model-0",
    ),
    (
        (BEHIND,),
        "False",
        Reason.ANOTHER_MODEL_SERVED,
        "environment bots/support: still wants model-0, model-1 is on its way",
    ),
    (
        (OUTDATED,),
        "False",
        Reason.ANOTHER_MODEL_SERVED,
        "environment bots/support: still wants model-1, model-1 is on its way",
    ),
    (
        (BEHIND_AND_SILENT,),
        "Unknown",
        Reason.PENDING,
        "environment bots/support: still wants no model, model-1 is on its way",
    ),
    (
        (OTHER, UNCHECKED),
        "True",
        Reason.SERVED_UNCHECKED,
        "model-1 is wanted by 2 environments; whether it is served is not checked (--accept-unchecked)",
    ),
]


@pytest.mark.parametrize(("followers", "status", "reason", "message"), SERVED)
def test_served_tells_of_the_worst_environment(
    followers: tuple[Follower, ...], status: str, reason: Reason, message: str
) -> None:
    served = verdict(replace(TAGGED, followers=followers), ConditionType.SERVED)

    assert (served.status, served.reason, served.message) == (status, reason, message)


READY = [
    ((), "False", Reason.NO_ENVIRONMENT, "no environment pulls the tag live, so no environment serves its model"),
    (
        (SERVING,),
        "True",
        Reason.READY,
        "tag live answers with model model-1: model-1 is served by environment bots/support",
    ),
    ((PULLING,), "False", Reason.ANOTHER_MODEL_SERVED, "environment bots/support: pod a serves model-0"),
    ((SILENT,), "Unknown", Reason.PENDING, "environment bots/support: no pod is ready"),
]


@pytest.mark.parametrize(("followers", "status", "reason", "message"), READY)
def test_ready_once_every_environment_is_known_to_serve_the_model(
    followers: tuple[Follower, ...], status: str, reason: Reason, message: str
) -> None:
    ready = verdict(replace(TAGGED, followers=followers), ConditionType.READY)

    assert (ready.status, ready.reason, ready.message) == (status, reason, message)


NOT_ASKED = {Reason.MODEL_SERVER_UNREACHABLE, Reason.UNEXPECTED_ANSWER, Reason.PENDING}


@pytest.mark.parametrize("reason", list(Reason))
@pytest.mark.parametrize("waits", [True, False])
@pytest.mark.parametrize("answers", [True, False])
def test_a_problem_is_reported_by_each_condition_that_it_concerns(reason: Reason, waits: bool, answers: bool) -> None:
    problem = Problem(reason, "what is wrong", stalled=waits)
    facts = replace(TAGGED, tagged=None, problem=problem, answers=answers, followers=(SERVING,))

    tagged, ready = verdict(facts, ConditionType.TAGGED), verdict(facts, ConditionType.READY)

    expected = "Unknown" if reason in NOT_ASKED or not answers else "False"
    assert (tagged.status, tagged.reason) == (expected, reason)
    assert (ready.status, ready.reason, ready.message) == (expected, reason, "what is wrong")
    assert verdict(facts, ConditionType.STALLED).status == str(waits)
    assert verdict(facts, ConditionType.RECONCILING).status == str(not waits)


def test_environments_that_serve_the_last_known_model_are_told_to_while_the_server_is_away() -> None:
    away = Problem(Reason.MODEL_SERVER_UNREACHABLE, "away", stalled=False)
    facts = replace(TAGGED, tagged=None, problem=away, answers=False, last=reference(FIRST), followers=(SERVING,))

    status, conditions = judge(facts, model_tag(promoted(FIRST)), TIME)

    served = condition_of(conditions, ConditionType.SERVED)
    assert served is not None
    assert (served.status, status.tagged_model) == ("True", reference(FIRST))


def test_a_promotion_that_failed_is_not_served() -> None:
    missing = Problem(Reason.MODEL_NOT_FOUND, "not there")
    facts = replace(
        TAGGED, desired=reference(SECOND), tagged=None, problem=missing, last=reference(FIRST), followers=(SERVING,)
    )

    status, conditions = judge(facts, model_tag(promoted(FIRST)), TIME)

    served = condition_of(conditions, ConditionType.SERVED)
    assert served is not None
    assert (served.status, status.environments and status.environments[0].served) == ("False", "False")


def test_a_tag_without_a_model_of_its_own_tells_where_it_is() -> None:
    facts = ModelTagFacts(tag="live", tagged=SECOND, followers=(replace(SERVING, desired=SECOND),))

    status, conditions = judge(facts, model_tag(), TIME)

    ready = condition_of(conditions, ConditionType.READY)
    assert ready is not None
    assert (ready.status, status.tagged_model) == ("True", reference(SECOND))


def test_a_tag_that_answers_is_tagged() -> None:
    tagged = verdict(TAGGED, ConditionType.TAGGED)

    assert (tagged.status, tagged.message) == ("True", "tag live answers with model model-1")


def test_the_status_lists_the_environments_up_to_a_limit() -> None:
    followers = tuple(replace(SERVING, key=ObjectKey("bots", f"e{number}")) for number in range(MAXIMUM_FOLLOWERS + 1))

    status, _ = judge(replace(TAGGED, followers=followers), model_tag(), TIME)

    assert [entry.name for entry in status.environments or ()] == [f"e{number}" for number in range(MAXIMUM_FOLLOWERS)]


def test_a_follower_is_an_environment_by_its_status() -> None:
    conditions = [
        condition(ConditionType.READY, "False", Reason.WAITING_FOR_PODS, "waiting"),
        condition(ConditionType.MODEL_SERVED, "True", Reason.SERVED, "1 of 1"),
    ]
    status = EnvironmentStatus(desired_model=reference(FIRST), conditions=conditions)

    found = follower(environment("support").model_copy(update={"status": status}))

    assert found == replace(SERVING, ready="False")


def test_of_an_environment_without_a_status_nothing_is_known() -> None:
    found = follower(environment("support"))

    assert (found.desired, found.served, found.served_reason, found.ready) == (None, "Unknown", "Pending", "Unknown")
