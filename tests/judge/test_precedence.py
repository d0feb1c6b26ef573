"""Which of two verdicts on an object its conditions Ready, Reconciling and Stalled report."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from rasa_environments.api.base import ModelReference, ObjectKey
from rasa_environments.api.conditions import Condition, ConditionType, Reason
from rasa_environments.api.deployment_environment import EnvironmentStatus
from rasa_environments.api.model_server import ModelServer
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.domain.facts import (
    ActionServerFacts,
    DeploymentFacts,
    Follower,
    ProbeResult,
    Problem,
    ServerObservation,
    TaggedModel,
)
from rasa_environments.domain.verification import Progress
from rasa_environments.judge import environment, model_server, model_tag
from rasa_environments.judge.environment_facts import EnvironmentFacts
from rasa_environments.judge.model_server import ModelServerFacts
from rasa_environments.judge.model_tag import ModelTagFacts

RECONCILING, STALLED = ConditionType.RECONCILING, ConditionType.STALLED
APPENDED = frozenset({"served", "followers"})
"""Fields to which each cause adds an entry; any other field has one cause at a time."""


@dataclass(frozen=True)
class Cause:
    """Facts that lead to one verdict."""

    name: str
    changes: dict[str, Any]
    """The facts, as changes to those of an object that is ready."""
    ready: tuple[str, Reason]
    """Status and reason of Ready."""
    progress: ConditionType | None = None
    """The one of Reconciling and Stalled that is True."""
    relies_on: frozenset[str] = field(default_factory=frozenset)
    """Fields without whose value in a ready object the facts prove nothing."""

    def may_occur_with(self, other: Cause) -> bool:
        """Return whether both causes can exist in one object."""
        mine, others = self.changes.keys() - APPENDED, other.changes.keys() - APPENDED
        clashes = mine & others or self.relies_on & other.changes.keys() or other.relies_on & self.changes.keys()
        return not clashes


def both(first: Cause, second: Cause) -> dict[str, Any]:
    """Return the facts of both causes."""
    appended = {
        name: (*first.changes[name], *second.changes[name])
        for name in APPENDED & first.changes.keys() & second.changes.keys()
    }
    return {**first.changes, **second.changes, **appended}


def pairs(causes: list[Cause]) -> list[Any]:
    """Return each pair of causes that can exist in one object, the one that comes first in the list first."""
    return [
        pytest.param(first, second, id=f"{first.name} > {second.name}")
        for first, second in itertools.combinations(causes, 2)
        if first.may_occur_with(second)
    ]


def told(conditions: tuple[Condition, ...]) -> dict[str, tuple[str, str]]:
    """Return status and reason of Ready, Reconciling and Stalled."""
    types = (ConditionType.READY, RECONCILING, STALLED)
    return {entry.type: (entry.status, entry.reason) for entry in conditions if entry.type in types}


def expected(ready: Cause, progress: Cause | None) -> dict[str, tuple[str, str]]:
    """Return the same, if one cause decides Ready and one the other two."""
    conditions: dict[str, tuple[str, str]] = dict.fromkeys((RECONCILING, STALLED), ("False", Reason.SETTLED))
    if progress is not None and progress.progress is not None:
        conditions[progress.progress] = ("True", progress.ready[1])
    return {**conditions, ConditionType.READY: ready.ready}


def expected_of(first: Cause, second: Cause) -> dict[str, tuple[str, str]]:
    """Return the same, if the first cause decides wherever it says anything."""
    return expected(first, first if first.progress is not None else second)


WANTED = TaggedModel("20260101-120000", "8f14e45f")
UP = DeploymentFacts(wanted=1, replicas=1, updated=1, available=1, current=True, failure=None)
RIGHT = ProbeResult("pod support-0", model=WANTED.name)
SILENT = replace(RIGHT, model=None, problem="connection refused")
ABROAD = replace(SILENT, reason=Reason.EXTERNAL_SERVER_UNREACHABLE)
ACTIONS = ActionServerFacts(ObjectKey("bots", "support-actions"), "actions:1", UP)
READY = EnvironmentFacts(
    environment="support",
    tag="live",
    child=ObjectKey("bots", "support-rasa"),
    server=ObjectKey("bots", "default"),
    wanted=WANTED,
    deployment=UP,
    served=(RIGHT,),
    action_server=ACTIONS,
)
AWAY = Problem(Reason.MODEL_SERVER_UNREACHABLE, "away", stalled=False)
WITH_MODEL = frozenset({"wanted"})
"""Whether a model is the desired one is asked only where one is desired."""
CAUSES = [
    Cause(
        "blocked for good",
        {"problem": Problem(Reason.INVALID_SPEC, "wrong")},
        ("False", Reason.INVALID_SPEC),
        STALLED,
    ),
    Cause(
        "blocked for now",
        {"problem": Problem(Reason.SECRET_NOT_FOUND, "none", stalled=False)},
        ("False", Reason.SECRET_NOT_FOUND),
        RECONCILING,
    ),
    Cause("no model", {"wanted": None}, ("False", Reason.TAG_NOT_FOUND)),
    Cause(
        "rollout failed",
        {"deployment": replace(UP, available=0, failure="too slow")},
        ("False", Reason.DEPLOYMENT_FAILED),
        STALLED,
    ),
    Cause(
        "rollout under way",
        {"deployment": replace(UP, available=0)},
        ("False", Reason.WAITING_FOR_PODS),
        RECONCILING,
    ),
    Cause(
        "rollout of the action server failed",
        {"action_server": replace(ACTIONS, deployment=replace(UP, available=0, failure="too slow"))},
        ("False", Reason.DEPLOYMENT_FAILED),
        STALLED,
    ),
    Cause(
        "rollout of the action server under way",
        {"action_server": replace(ACTIONS, deployment=replace(UP, available=0))},
        ("False", Reason.WAITING_FOR_PODS),
        RECONCILING,
    ),
    Cause(
        "external server rejects the token",
        {"external": True, "served": (replace(SILENT, reason=Reason.UNAUTHORIZED),)},
        ("False", Reason.UNAUTHORIZED),
        STALLED,
    ),
    Cause(
        "external server unreachable",
        {"external": True, "served": (ABROAD,)},
        ("False", Reason.EXTERNAL_SERVER_UNREACHABLE),
        RECONCILING,
    ),
    Cause("model lost", {"lost": (RIGHT.server,)}, ("False", Reason.MODEL_LOST), RECONCILING, WITH_MODEL),
    Cause(
        "no replicas",
        {"deployment": replace(UP, wanted=0, replicas=0, updated=0, available=0)},
        ("False", Reason.NO_PODS),
        relies_on=frozenset({"served", "wanted"}),
    ),
    Cause(
        "another model served",
        {"served": (replace(RIGHT, model="20250101-120000"),)},
        ("False", Reason.ANOTHER_MODEL_SERVED),
        RECONCILING,
        WITH_MODEL,
    ),
    Cause(
        "no model served",
        {"served": (replace(RIGHT, model=None),)},
        ("False", Reason.NO_MODEL_SERVED),
        RECONCILING,
        WITH_MODEL,
    ),
    Cause(
        "external server does not answer now",
        {"external": True, "served": (replace(ABROAD, model=WANTED.name, answered_time="2026-01-01T12:00:00Z"),)},
        ("Unknown", Reason.EXTERNAL_SERVER_UNREACHABLE),
    ),
    Cause("Deployment not observed", {"deployment": None}, ("Unknown", Reason.PENDING)),
    Cause(
        "Deployment of the action server not observed",
        {"action_server": replace(ACTIONS, deployment=None)},
        ("Unknown", Reason.PENDING),
    ),
    Cause("pods silent", {"served": (SILENT,)}, ("Unknown", Reason.PODS_UNREACHABLE), relies_on=WITH_MODEL),
    Cause(
        "desired model unknown",
        {"wanted": None, "tag_problem": AWAY},
        ("Unknown", Reason.MODEL_SERVER_UNREACHABLE),
    ),
]
"""In the order in which they decide."""


def judged(changes: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Return the verdicts on an environment with these facts."""
    return told(environment.judge(replace(READY, **changes), EnvironmentStatus())[1])


def test_an_environment_without_a_cause_is_ready() -> None:
    assert judged({}) == {"Ready": ("True", "Ready"), RECONCILING: ("False", "Settled"), STALLED: ("False", "Settled")}


@pytest.mark.parametrize("cause", CAUSES, ids=[cause.name for cause in CAUSES])
def test_one_cause_decides_all_three(cause: Cause) -> None:
    assert judged(cause.changes) == expected(cause, cause)


@pytest.mark.parametrize(("first", "second"), pairs(CAUSES))
def test_of_two_causes_the_first_decides_wherever_it_says_anything(first: Cause, second: Cause) -> None:
    assert judged(both(first, second)) == expected_of(first, second)


def test_most_pairs_of_causes_can_exist_in_one_environment() -> None:
    assert len(pairs(CAUSES)) > len(list(itertools.combinations(CAUSES, 2))) / 2


def test_an_environment_that_may_run_without_a_model_is_not_told_to_have_none() -> None:
    assert judged({"wanted": None, "model_required": False, "served": (replace(RIGHT, model=None),)}) == judged({})


FOLLOWER = Follower(ObjectKey("bots", "support"), WANTED, "True", Reason.SERVED, "served", "True")
TAG_READY = ModelTagFacts(
    tag="live", desired=ModelReference(name=WANTED.name, hash=WANTED.hash), tagged=WANTED, followers=(FOLLOWER,)
)
TAG_CAUSES = [
    Cause(
        "tag rejected",
        {"problem": Problem(Reason.TAG_REFUSED, "refused", stalled=False)},
        ("False", Reason.TAG_REFUSED),
        RECONCILING,
    ),
    Cause(
        "tag in conflict",
        {"problem": Problem(Reason.TAG_CONFLICT, "older")},
        ("False", Reason.TAG_CONFLICT),
        STALLED,
    ),
    Cause(
        "model rejected with the tag",
        {"progress": Progress(unverified=Problem(Reason.MODEL_REJECTED, "wrong"))},
        ("False", Reason.MODEL_REJECTED),
        STALLED,
    ),
    Cause(
        "another model served",
        {"followers": (replace(FOLLOWER, served="False"),)},
        ("False", Reason.ANOTHER_MODEL_SERVED),
    ),
    Cause(
        "model server unreachable",
        {"problem": AWAY, "answers": False},
        ("Unknown", Reason.MODEL_SERVER_UNREACHABLE),
        RECONCILING,
    ),
    Cause(
        "environment unknown",
        {"followers": (replace(FOLLOWER, key=ObjectKey("bots", "sales"), served="Unknown"),)},
        ("Unknown", Reason.PENDING),
    ),
    Cause(
        "model being verified with the tag",
        {"progress": Progress(unverified=Problem(Reason.VERIFYING, "talks", stalled=False))},
        ("Unknown", Reason.VERIFYING),
        RECONCILING,
    ),
]
"""In the order in which they decide."""


def tag_judged(changes: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Return the verdicts on a ModelTag with these facts."""
    body = {"metadata": {"name": "live", "namespace": "bots"}, "spec": {"model": WANTED.name}}
    tag = ModelTag.model_validate(body)
    return told(model_tag.judge(replace(TAG_READY, **changes), tag, "2026-01-01T00:00:00Z")[1])


def test_a_tag_without_a_cause_is_ready() -> None:
    assert tag_judged({}) == judged({})


@pytest.mark.parametrize("cause", TAG_CAUSES, ids=[cause.name for cause in TAG_CAUSES])
def test_one_cause_decides_all_three_of_a_tag(cause: Cause) -> None:
    assert tag_judged(cause.changes) == expected(cause, cause)


@pytest.mark.parametrize(("first", "second"), pairs(TAG_CAUSES))
def test_of_two_causes_in_a_tag_the_first_decides_wherever_it_says_anything(first: Cause, second: Cause) -> None:
    assert tag_judged(both(first, second)) == expected_of(first, second)


SERVER_READY = ModelServerFacts(
    ServerObservation(known=True), can_write=True, environments=1, tags=1, pending_tag_deletions=()
)
REJECTED = Problem(Reason.UNAUTHORIZED, "rejected")
SERVER_CAUSES = [
    Cause("unreachable", {"problem": AWAY}, ("False", Reason.MODEL_SERVER_UNREACHABLE), RECONCILING),
    Cause("write credentials rejected", {"write_problem": REJECTED}, ("False", Reason.UNAUTHORIZED), STALLED),
]
"""In the order in which they decide."""


def server_judged(changes: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Return the verdicts on a ModelServer with this observation."""
    body = {"metadata": {"name": "default", "namespace": "bots"}, "spec": {"url": "http://rasa-x:5002"}}
    facts = replace(SERVER_READY, observation=replace(SERVER_READY.observation, **changes))
    return told(model_server.judge(facts, ModelServer.model_validate(body))[1])


def test_a_server_without_a_cause_is_ready() -> None:
    assert server_judged({}) == judged({})


@pytest.mark.parametrize("cause", SERVER_CAUSES, ids=[cause.name for cause in SERVER_CAUSES])
def test_one_cause_decides_all_three_of_a_server(cause: Cause) -> None:
    assert server_judged(cause.changes) == expected(cause, cause)


@pytest.mark.parametrize(("first", "second"), pairs(SERVER_CAUSES))
def test_of_two_causes_in_a_server_the_first_decides_wherever_it_says_anything(first: Cause, second: Cause) -> None:
    assert server_judged(both(first, second)) == expected_of(first, second)
