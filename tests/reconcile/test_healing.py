"""Reactions to a pod that has lost its model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from rasa_environments.api.base import ModelReference, ObjectKey
from rasa_environments.api.conditions import ConditionType, Reason
from rasa_environments.api.deployment_environment import DeploymentEnvironment, EnvironmentStatus
from rasa_environments.desired.context import Context
from rasa_environments.domain.facts import PodFacts, ProbeResult, Problem, TaggedModel
from rasa_environments.judge.conditions import condition
from rasa_environments.judge.environment_facts import EnvironmentFacts
from rasa_environments.judge.served import model_served
from rasa_environments.reconcile.healing import Healing
from rasa_environments.reconcile.intervals import Intervals
from tests.desired.contexts import context
from tests.reconcile.fakes import FakeApiServer

MODEL = TaggedModel("a", "hash-a")
POD = PodFacts("support-1", "10.0.0.1", ready=True)
SERVES, LOST = ProbeResult("pod support-1", model="a"), ProbeResult("pod support-1")
NO_PATIENCE = Intervals(model_server=-30, served=60)
"""With three pull intervals of 10 s, a wait that is over as soon as it begins."""


def facts(*served: ProbeResult, **details: Any) -> EnvironmentFacts:
    """Return the facts of a reconciliation."""
    key = ObjectKey("bots", "support")
    pods = (POD,)
    return EnvironmentFacts("support", "support", key, key, wanted=MODEL, pods=pods, served=served, **details)


def with_status(of: Context, reason: str) -> DeploymentEnvironment:
    """The environment with a status that an earlier process wrote."""
    served = condition(ConditionType.MODEL_SERVED, "Unknown", Reason(reason), "")
    status = EnvironmentStatus(desired_model=ModelReference(name="a", hash="hash-a"), conditions=[served])
    return of.environment.model_copy(update={"status": status})


async def heal(*answers: ProbeResult, healing: str | None = None, reason: str = "NoPods") -> tuple[FakeApiServer, str]:
    """Return what is deleted after these answers in a row, and what the condition reports last."""
    client = FakeApiServer()
    of = context({"rasa": {"version": "3.6.21"}, "model": {"healing": healing} if healing else {}})
    healer = Healing(client, NO_PATIENCE)
    found = facts()
    for answer in answers:
        found = await healer.heal(with_status(of, reason), of, facts(answer))
    return client, model_served(found).message


async def test_a_pod_that_has_lost_its_model_is_deleted() -> None:
    client, message = await heal(SERVES, LOST)

    assert client.requests == ["DELETE Pod bots/support-1"]
    assert "the pod is restarted" in message


async def test_where_healing_is_disabled_it_is_only_told() -> None:
    client, message = await heal(SERVES, LOST, healing="Disabled")

    assert client.requests == []
    assert "spec.model.healing is Disabled: delete the pod" in message


@pytest.mark.parametrize("reason", ["Served", "ModelLost"])
async def test_what_a_pod_had_is_known_after_a_restart_of_the_operator(reason: str) -> None:
    client, _ = await heal(LOST, reason=reason)

    assert len(client.requests) == 1


async def test_a_pod_of_which_nothing_is_known_is_left_alone() -> None:
    client, _ = await heal(LOST)

    assert client.requests == []


async def test_while_the_model_server_is_away_nothing_is_done() -> None:
    client = FakeApiServer()
    of = context({"rasa": {"version": "3.6.21"}})
    away = replace(facts(LOST), tag_problem=cast(Problem, object()))

    assert await Healing(client, NO_PATIENCE).heal(with_status(of, "Served"), of, away) == away
    assert client.requests == []
