"""Which model an environment wants, and whether a tag is on the model of its ModelTag."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rasa_environments.api.base import ModelReference, ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.api.deployment_environment import DeploymentEnvironment, EnvironmentStatus
from rasa_environments.api.model_tag import ModelTag, ModelTagStatus
from rasa_environments.domain.access import missing
from rasa_environments.domain.facts import Problem, ServerObservation, TaggedModel
from rasa_environments.domain.tags import (
    changed_tags,
    confirmed,
    incompatible,
    is_as_reported,
    owned_by_older,
    untagged,
    wanted_model,
)
from tests.reconcile.objects import environment, server, tag

OLD, NEW = TaggedModel("model-0", "hash-0"), TaggedModel("model-1", "hash-1")
AWAY = Problem(Reason.MODEL_SERVER_UNREACHABLE, "away", stalled=False)
HIDDEN = Problem(Reason.UNAUTHORIZED, "it may not be read", stalled=False)
LISTED = ServerObservation(tags={"live": NEW}, known=True)


def following(desired: TaggedModel | None) -> DeploymentEnvironment:
    """Return an environment that follows the tag live, and desired that model so far."""
    reference = None if desired is None else ModelReference(name=desired.name, hash=desired.hash)
    status = EnvironmentStatus(desired_model=reference)
    return environment("support", tag="live").model_copy(update={"status": status})


OBSERVATIONS = [
    ("the tag is listed", LISTED, NEW, None),
    ("no model has the tag", ServerObservation(known=True), None, None),
    ("its own tag has a problem", ServerObservation(known=True, tag_problems={"live": HIDDEN}), OLD, HIDDEN),
    ("another tag has a problem", replace(LISTED, tag_problems={"staging": HIDDEN}), NEW, None),
    ("the server has never answered", ServerObservation(problem=AWAY), OLD, AWAY),
    ("the server answered before", replace(LISTED, problem=AWAY), NEW, AWAY),
    ("no model had the tag before", ServerObservation(known=True, problem=AWAY), None, AWAY),
]


@pytest.mark.parametrize(
    ("observation", "model", "problem"), [row[1:] for row in OBSERVATIONS], ids=[row[0] for row in OBSERVATIONS]
)
def test_the_wanted_model_is_the_tagged_one_or_the_last_known(
    observation: ServerObservation, model: TaggedModel | None, problem: Problem | None
) -> None:
    assert wanted_model(following(OLD), server(), None, observation) == (model, problem)


@pytest.mark.parametrize("exists", [True, False])
def test_an_environment_that_may_not_use_its_server_keeps_the_model_and_says_why(exists: bool) -> None:
    elsewhere = server(namespace="platform") if exists else missing(ObjectKey("bots", "default"))

    model, problem = wanted_model(following(OLD), elsewhere, None, ServerObservation())

    assert model == OLD
    assert problem is not None
    assert problem.reason == (Reason.REF_NOT_PERMITTED if exists else Reason.MODEL_SERVER_NOT_FOUND)


def test_a_tag_has_changed_if_its_model_or_its_problem_has() -> None:
    before = ServerObservation(
        tags={"same": OLD, "moved": OLD, "gone": OLD}, tag_problems={"still hidden": HIDDEN, "shown": HIDDEN}
    )
    now = ServerObservation(
        tags={"same": OLD, "moved": NEW, "new": NEW, "shown": NEW},
        tag_problems={"still hidden": HIDDEN, "gone": HIDDEN},
    )

    assert changed_tags(before, now) == {"moved", "gone", "new", "shown"}
    assert changed_tags(now, now) == set()


def reporting(tagged: TaggedModel | None, *, model: str | None = NEW.name) -> ModelTag:
    """Return the ModelTag live of that model, whose status names the tagged one."""
    reference = None if tagged is None else ModelReference(name=tagged.name, hash=tagged.hash)
    return tag("live", model=model).model_copy(update={"status": ModelTagStatus(tagged_model=reference)})


@pytest.mark.parametrize(
    ("of", "holds"),
    [
        (reporting(NEW), True),
        (reporting(NEW, model=None), True),
        (reporting(None), False),
        (reporting(OLD), False),
        (reporting(replace(NEW, hash="trained anew")), False),
        (reporting(NEW, model="model-2"), False),
    ],
)
def test_a_model_tag_is_up_to_date_if_spec_status_and_server_name_one_model(of: ModelTag, holds: bool) -> None:
    assert is_as_reported(of, NEW) is holds


@pytest.mark.parametrize(("listed", "pulled"), [(NEW, NEW), (None, NEW), (NEW, TaggedModel("another name", "hash-1"))])
def test_a_tag_is_confirmed_by_the_hash_or_without_a_listing_by_the_name(
    listed: TaggedModel | None, pulled: TaggedModel
) -> None:
    assert confirmed(tag("live"), "model-1", listed, pulled) == NEW


@pytest.mark.parametrize(
    ("listed", "pulled", "reason", "words"),
    [
        (NEW, None, Reason.TAG_NOT_FOUND, "is spec.modelPath of ModelServer bots/default right?"),
        (NEW, OLD, Reason.HASH_MISMATCH, "tag live answers with hash hash-0, model model-1 has hash-1"),
        (None, OLD, Reason.HASH_MISMATCH, "tag live answers with model model-0 instead of model-1"),
    ],
)
def test_a_tag_that_answers_otherwise_is_not_confirmed(
    listed: TaggedModel | None, pulled: TaggedModel | None, reason: Reason, words: str
) -> None:
    problem = confirmed(tag("live"), "model-1", listed, pulled)

    assert isinstance(problem, Problem)
    assert (problem.reason, problem.stalled) == (reason, False)
    assert words in problem.message


def test_only_another_owner_is_in_the_way() -> None:
    mine, older = tag("live"), tag("first", tag="live", model="model-0")

    assert owned_by_older(mine, None) is None
    assert owned_by_older(mine, mine) is None
    assert owned_by_older(mine, older) == Problem(
        Reason.TAG_CONFLICT,
        "tag live belongs to the older ModelTag bots/first (model model-0): change that one, or delete one of the two",
    )


def test_a_tag_on_no_model_says_how_to_promote_one() -> None:
    problem = untagged(tag("live"), None)

    assert (problem.reason, problem.stalled) == (Reason.TAG_NOT_FOUND, True)
    assert "`kubectl rasa promote MODEL live`" in problem.message


@pytest.mark.parametrize(
    ("version", "words"),
    [("2.8.34", "model m was trained with Rasa 2.8.34, and the model server says"), (None, "model m is one that the")],
)
def test_an_incompatible_model_says_what_to_do(version: str | None, words: str) -> None:
    problem = incompatible(TaggedModel("m", "1", version=version, compatible=False))

    assert problem.reason == "ModelIncompatible"
    assert not problem.stalled, "another model of production's version, or another production, ends it"
    assert problem.message.startswith(words)
    assert problem.message.endswith("train it with production's version of Rasa, or upgrade production first")
