"""The verdicts on a ModelTag."""

from __future__ import annotations

from typing import Any

import pytest

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.api.model_tag import ModelTag, ModelTagStatus
from rasa_environments.judge.findings import Follower, Problem, TaggedModel
from rasa_environments.judge.model_tag import ModelTagFindings, judged

A, B = TaggedModel("A", "hash-a"), TaggedModel("B", "hash-b")
TIMES = [f"2026-01-0{day}T00:00:00Z" for day in range(1, 10)]
NOT_FOUND = Problem(Reason.MODEL_NOT_FOUND, "no such model", stalled=False)
UNREACHABLE = Problem(Reason.MODEL_SERVER_UNREACHABLE, "cannot be reached", stalled=False)
CONFLICT = Problem(Reason.TAG_CONFLICT, "belongs to another")


def tag(model: str = "A", history_limit: int = 10, status: ModelTagStatus | None = None) -> ModelTag:
    """A ModelTag."""
    spec = {"model": model, "historyLimit": history_limit}
    new = ModelTag.model_validate({"metadata": {"name": "production", "namespace": "bots"}, "spec": spec})
    return new if status is None else new.model_copy(update={"status": status})


def follower(wanted: str | None = "A", truth: str = "True", name: str = "production") -> Follower:
    """An environment that pulls the tag."""
    return Follower(
        ObjectKey("bots", name), wanted, wanted, served_truth=truth, served_message="as said", ready=truth == "True"
    )


def verdicts(findings: ModelTagFindings) -> dict[str, tuple[str, str]]:
    """Status and reason of each condition."""
    _, conditions = judged(findings, tag(findings.model), TIMES[0])
    return {entry.type: (entry.status, entry.reason) for entry in conditions}


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        ({"tagged": A, "followers": (follower(),)}, {"Ready": "True", "Tagged": "True", "Served": "True"}),
        ({"tagged": A}, {"Ready": "True", "Tagged": "True", "Served": "True"}),
        (
            {"tagged": A, "followers": (follower(), follower(truth="False", name="worker"))},
            {"Ready": "False", "Tagged": "True", "Served": "False"},
        ),
        (
            {"tagged": A, "followers": (follower(truth="Unknown"),)},
            {"Ready": "True", "Tagged": "True", "Served": "Unknown"},
        ),
        (
            {"tagged": A, "followers": (follower(wanted="B"),)},
            {"Ready": "False", "Tagged": "True", "Served": "False"},
        ),
        (
            {"problem": NOT_FOUND},
            {"Ready": "False", "Tagged": "False", "Reconciling": "True", "Stalled": "False"},
        ),
        ({"problem": UNREACHABLE}, {"Ready": "False", "Tagged": "Unknown", "Reconciling": "True"}),
        (
            {"problem": CONFLICT},
            {"Ready": "False", "Tagged": "False", "Reconciling": "False", "Stalled": "True"},
        ),
    ],
    ids=[
        "served",
        "nobody follows",
        "one does not serve",
        "it is not known what is served",
        "the one before is served",
        "no such model",
        "the server is away",
        "another owns the tag",
    ],
)
def test_each_finding_has_its_verdict(findings: dict[str, Any], expected: dict[str, str]) -> None:
    shown = verdicts(ModelTagFindings(tag="production", model="A", **findings))

    assert {name: shown[name][0] for name in expected} == expected


def promoted(*models: TaggedModel, history_limit: int = 10) -> ModelTag:
    """A ModelTag that carried these models, one after the other."""
    current = tag(models[0].name, history_limit)
    for time, model in zip(TIMES, models, strict=False):
        findings = ModelTagFindings(tag="production", model=model.name, tagged=model)
        status, _ = judged(findings, tag(model.name, history_limit, current.status), time)
        current = tag(model.name, history_limit, status)
    return current


def test_the_history_has_the_latest_first() -> None:
    status = promoted(A, B).status

    assert [(entry.model, entry.hash, entry.tagged_at) for entry in status.history or ()] == [
        ("B", "hash-b", TIMES[1]),
        ("A", "hash-a", TIMES[0]),
    ]
    assert (status.model, status.hash, status.previous_model) == ("B", "hash-b", "A")


def test_judging_the_same_model_again_adds_nothing() -> None:
    assert len(promoted(A, A, A).status.history or ()) == 1


def test_a_model_that_changed_under_its_name_is_history_but_no_way_back() -> None:
    status = promoted(A, TaggedModel("A", "hash-other")).status

    assert len(status.history or ()) == 2
    assert status.previous_model is None


def test_going_back_makes_the_other_the_previous_one() -> None:
    assert promoted(A, B, A).status.previous_model == "B"


@pytest.mark.parametrize(("limit", "kept"), [(0, 0), (1, 1), (2, 2), (10, 3)])
def test_the_history_has_its_limit_and_the_previous_model_is_known_all_the_same(limit: int, kept: int) -> None:
    status = promoted(A, B, A, history_limit=limit).status

    assert len(status.history or ()) == kept
    assert (status.model, status.previous_model) == ("A", "B")


def test_a_problem_keeps_what_was_tagged_last() -> None:
    before = promoted(A, B)

    status, _ = judged(ModelTagFindings(tag="production", model="C", problem=NOT_FOUND), before, TIMES[5])

    assert (status.model, status.previous_model) == ("B", "A")
    assert status.history == before.status.history
