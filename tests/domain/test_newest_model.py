"""Which of the models on a server is the newest that matches a pattern, and what follows from that for a tag."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.base import ModelReference
from rasa_environments.api.conditions import ConditionType, Reason
from rasa_environments.api.model_tag import Follow, ModelTag, ModelTagStatus
from rasa_environments.domain.desired_model import Circumstances, DesiredModel, Origin, desired_model
from rasa_environments.domain.facts import Problem, ServerObservation, TaggedModel
from rasa_environments.domain.newest_model import is_outdated, newest_model
from rasa_environments.domain.waiting import Waiting
from rasa_environments.judge.conditions import condition
from tests.reconcile.objects import server, tag

MODELS = (
    TaggedModel("main-3", "3", trained_at=10.0, uploaded_at=15.0),
    TaggedModel("main-2", "2", trained_at=20.0, uploaded_at=25.0),
    TaggedModel("main-1", "1", uploaded_at=95.0),
    TaggedModel("branch-9", "9", trained_at=90.0),
)
LISTED = ServerObservation({model.name: model for model in MODELS}, known=True)


@pytest.mark.parametrize(
    ("pattern", "by", "expected"),
    [
        ("main-*", "TrainingTime", "main-2"),
        ("main-*", "Name", "main-3"),
        ("*", "TrainingTime", "branch-9"),
        ("main-*", "UploadTime", "main-1"),
        ("*", "UploadTime", "main-1"),
        ("feature-*", "UploadTime", None),
        ("main-?", "Name", "main-3"),
        ("MAIN-*", "Name", None),
        ("main", "Name", None),
        ("main-1", "TrainingTime", "main-1"),
        ("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", "Name", None),
    ],
)
def test_the_newest_model_is_found_by_training_time_upload_time_or_name(
    pattern: str, by: str, expected: str | None
) -> None:
    follow = Follow.model_validate({"namePattern": pattern, "newestBy": by})

    found = newest_model(follow, [*MODELS, TaggedModel("a" * 200, "a")] if "b" in pattern[1:] else MODELS)

    if isinstance(found, Waiting):
        assert (found.reason, expected) == (Reason.MODEL_NOT_FOUND, None)
    else:
        assert found.name == expected


BY_UPLOAD = Follow.model_validate({"namePattern": "*", "newestBy": "UploadTime"})


@given(st.permutations(range(4)))
def test_of_models_that_were_uploaded_at_the_same_time_the_last_trained_is_the_newest(order: list[int]) -> None:
    trained = (10.0, 30.0, 30.0, None)
    copied = [TaggedModel(f"main-{number}", "h", trained_at=trained[number], uploaded_at=99.0) for number in order]

    found = newest_model(BY_UPLOAD, copied)

    assert isinstance(found, TaggedModel)
    assert found.name == "main-2"


def test_a_model_of_which_the_upload_time_is_unknown_is_older_than_any_other() -> None:
    models = [TaggedModel("new", "1", trained_at=99.0), TaggedModel("old", "2", uploaded_at=0.0)]

    assert newest_model(BY_UPLOAD, models) == models[1]


def test_a_server_that_says_no_upload_times_has_no_newest_model_and_the_message_says_what_to_do() -> None:
    found = newest_model(BY_UPLOAD, [TaggedModel("a", "1", trained_at=1.0)])

    assert isinstance(found, Waiting)
    assert (found.reason, found.is_misconfigured) == (Reason.UPLOAD_TIME_UNKNOWN, True)
    assert "set spec.follow.newestBy to TrainingTime or Name" in found.message


def following(desired: str | None = "main-1", **spec: Any) -> ModelTag:
    """A ModelTag that follows main-*, whose tag was let through to be on a model."""
    found = tag("staging", **{"model": None, "follow": {"namePattern": "main-*"}, **spec})
    reference = None if desired is None else ModelReference(name=desired, hash="1")
    return found.model_copy(update={"status": ModelTagStatus(desired_model=reference)})


def decided(of: ModelTag, observation: ServerObservation = LISTED, **server_spec: Any) -> DesiredModel:
    return desired_model(of, Circumstances(server=server(**server_spec), observation=observation))


def test_the_newest_model_is_let_through_and_recorded_first() -> None:
    found = decided(following())

    assert (found.name, found.hash, found.origin) == ("main-2", "2", Origin.FOLLOW)
    assert found.let_through_by == "the newest model that matches main-*"
    assert found.is_decision(following().status)


def test_a_freeze_holds_the_newest_model() -> None:
    found = decided(following(), freeze={"reason": "audit"})

    assert (found.name, found.candidate) == ("main-1", ModelReference(name="main-2", hash="2"))


@pytest.mark.parametrize(
    "observation",
    [
        ServerObservation(),
        ServerObservation(LISTED.models, known=True, problem=Problem(Reason.MODEL_SERVER_UNREACHABLE, "away")),
    ],
    ids=["not listed yet", "away"],
)
def test_while_the_listing_is_unknown_the_tag_keeps_its_model(observation: ServerObservation) -> None:
    found = decided(following(), observation)

    assert (found.name, found.waiting) == ("main-1", None)


def test_without_a_matching_model_the_tag_keeps_its_model_and_says_so() -> None:
    found = decided(following(follow={"namePattern": "release-*"}))

    assert found.name == "main-1"
    assert found.waiting is not None
    assert found.waiting.reason is Reason.MODEL_NOT_FOUND


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (following("main-1"), True),
        (following("main-2"), False),
        (following(None), True),
        (following("main-1", model="main-1"), False),
        (following("main-1", follow=None), False),
    ],
    ids=["newer", "the newest", "none yet", "pinned", "follows nothing"],
)
def test_a_listing_with_a_newer_model_is_noticed(of: ModelTag, expected: bool) -> None:
    assert is_outdated(of, LISTED) is expected


@pytest.mark.parametrize(
    ("reason", "by", "expected"),
    [
        ("UploadTimeUnknown", "UploadTime", True),
        ("Promoted", "UploadTime", False),
        ("UploadTimeUnknown", "TrainingTime", True),
        ("Promoted", "Unlisted", True),
        ("UploadTimeUnknown", "Unlisted", False),
    ],
)
def test_a_listing_with_upload_times_again_or_without_them_is_noticed(reason: str, by: str, expected: bool) -> None:
    newest_by = "UploadTime" if by == "Unlisted" else by
    listed = [replace(model, uploaded_at=None) if by == "Unlisted" else model for model in MODELS]
    desired = "main-1" if newest_by == "UploadTime" else "main-2"
    known = following(desired, follow={"namePattern": "main-*", "newestBy": newest_by})
    promoted = condition(ConditionType.PROMOTED, "False", Reason(reason), "")
    status = known.status.model_copy(update={"conditions": [promoted]})

    observation = ServerObservation({model.name: model for model in listed}, known=True)

    assert is_outdated(known.model_copy(update={"status": status}), observation) is expected
