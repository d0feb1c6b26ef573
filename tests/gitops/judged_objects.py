"""Objects with a status for every reason and every condition that the operator writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from rasa_environments.api.base import API_VERSION, JsonObject, ModelReference, ObjectKey
from rasa_environments.api.conditions import Condition, Reason
from rasa_environments.api.crd import UNOBSERVED
from rasa_environments.api.deployment_environment import EnvironmentStatus
from rasa_environments.api.model_server import ModelServer
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.domain.facts import (
    DeploymentFacts,
    Follower,
    ProbeResult,
    Problem,
    ServerObservation,
    TaggedModel,
)
from rasa_environments.judge import environment, model_server, model_tag
from rasa_environments.judge.conditions import transitioned
from rasa_environments.judge.conversations import Conversations
from rasa_environments.judge.environment import suspended
from rasa_environments.judge.environment_facts import EnvironmentFacts
from rasa_environments.judge.model_server import ModelServerFacts
from rasa_environments.judge.model_tag import ModelTagFacts
from rasa_environments.reconcile.ports import Status

GENERATION = 3
TIME = "2026-01-01T00:00:00Z"
WANTED = TaggedModel("20260101-120000", "8f14e45f")
SERVES, SERVES_ANOTHER = ProbeResult("pod a", model=WANTED.name), ProbeResult("pod a", model="20250101-120000")
SETTLED = DeploymentFacts(wanted=1, replicas=1, updated=1, available=1, current=True, failure=None)
WELL = EnvironmentFacts(
    environment="support",
    tag="support",
    child=ObjectKey("bots", "support-rasa"),
    server=ObjectKey("bots", "default"),
    wanted=WANTED,
    deployment=SETTLED,
    served=(SERVES,),
    conversations=Conversations(1, stored=True, locked=True),
)
SERVER_WELL = ModelServerFacts(
    ServerObservation(known=True), can_write=True, environments=1, tags=1, pending_tag_deletions=()
)
FOLLOWER = Follower(ObjectKey("bots", "support"), WANTED, "True", Reason.SERVED, "served", "True")
TAG_WELL = ModelTagFacts(
    tag="support", desired=ModelReference(name=WANTED.name, hash=WANTED.hash), tagged=WANTED, followers=(FOLLOWER,)
)
SPECS: dict[str, JsonObject] = {
    "ModelServer": {"url": "http://model-server:5002"},
    "DeploymentEnvironment": {"rasa": {"version": "3.6.21"}, "replicas": 1},
    "ModelTag": {"model": WANTED.name, "deletionPolicy": "Retain", "historyLimit": 10},
}


def new_object(kind: str, **spec: Any) -> JsonObject:
    """An object that the operator has not seen yet."""
    metadata = {"name": "support", "namespace": "bots", "uid": "1", "generation": GENERATION}
    status = {"observedGeneration": UNOBSERVED}
    whole = {**SPECS[kind], **spec}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": whole, "status": status}


def judged_object(kind: str, status: Status, conditions: Sequence[Condition]) -> JsonObject:
    """An object with that status, as the API server shows it."""
    stamped = list(transitioned((), conditions, generation=GENERATION, time=TIME))
    full = status.model_copy(update={"observed_generation": GENERATION, "conditions": stamped})
    return {**new_object(kind), "status": full.model_dump(by_alias=True, exclude_none=True)}


def environment_object(facts: EnvironmentFacts) -> JsonObject:
    """Return a DeploymentEnvironment with these facts."""
    return judged_object("DeploymentEnvironment", *environment.judge(facts, EnvironmentStatus()))


def server_object(facts: ModelServerFacts) -> JsonObject:
    """Return a ModelServer with these facts."""
    return judged_object(
        "ModelServer", *model_server.judge(facts, ModelServer.model_validate(new_object("ModelServer")))
    )


def tag_object(facts: ModelTagFacts, **spec: Any) -> JsonObject:
    """Return a ModelTag with these facts, and more in its spec."""
    before = ModelTag.model_validate(new_object("ModelTag", **spec))
    return judged_object("ModelTag", *model_tag.judge(facts, before, TIME))


def suspended_object(facts: EnvironmentFacts) -> JsonObject:
    """Return a DeploymentEnvironment that was suspended with these facts."""
    status, conditions = environment.judge(facts, EnvironmentStatus())
    known = status.model_copy(update={"conditions": list(conditions)})
    return judged_object("DeploymentEnvironment", known, suspended(known))


def with_problem(problem: Problem) -> dict[str, JsonObject]:
    """An object of each kind that has this problem."""
    return {
        "ModelServer": server_object(replace(SERVER_WELL, observation=ServerObservation(known=True, problem=problem))),
        "DeploymentEnvironment": environment_object(replace(WELL, problem=problem)),
        "ModelTag": tag_object(replace(TAG_WELL, problem=problem, tagged=None)),
    }


def problems() -> Iterator[tuple[str, Problem, JsonObject]]:
    """Return an object of each kind for each reason of a problem, temporary and lasting, by name."""
    for reason in Reason:
        for stalled in (True, False):
            problem = Problem(reason, f"what is wrong: {reason}", stalled)
            for kind, obj in with_problem(problem).items():
                yield f"{kind}, {reason}, {'stalled' if stalled else 'tried again'}", problem, obj
