"""What is said of the action server next to an environment."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.conditions import Condition, ConditionType, Reason
from rasa_environments.api.deployment_environment import ActionServerStatus, EnvironmentStatus
from rasa_environments.domain.facts import ActionServerFacts, DeploymentFacts, PodFacts, Problem
from rasa_environments.judge.action_servers import action_server_conditions, action_server_status
from rasa_environments.judge.conditions import condition
from rasa_environments.judge.environment import judge
from rasa_environments.judge.environment_facts import EnvironmentFacts

UP = DeploymentFacts(wanted=1, replicas=1, updated=1, available=1, current=True, failure=None)
ACTIONS = ActionServerFacts(ObjectKey("bots", "support-actions"), "actions:2", UP)
FACTS = EnvironmentFacts(
    environment="support",
    tag="support",
    child=ObjectKey("bots", "support-rasa"),
    server=ObjectKey("bots", "default"),
    deployment=UP,
    action_server=ACTIONS,
    planned=True,
)
BLOCKED = replace(
    FACTS, action_server=None, planned=False, problem=Problem(Reason.SECRET_NOT_FOUND, "none", stalled=False)
)
KIND = ConditionType.ACTION_SERVER_AVAILABLE
BEFORE = EnvironmentStatus(
    action_server=ActionServerStatus(image="actions:1"),
    conditions=[condition(KIND, "True", Reason.AVAILABLE, "1 of 1 pods available, with image actions:1")],
)


def said(facts: EnvironmentFacts, before: EnvironmentStatus = BEFORE) -> Condition:
    """The condition of the action server."""
    (found,) = action_server_conditions(facts, before)
    return found


def test_an_available_action_server_is_reported_with_its_image() -> None:
    found = said(FACTS)

    assert (found.status, found.reason) == ("True", "Available")
    assert found.message == "1 of 1 pods available, with image actions:2"
    assert action_server_status(FACTS, BEFORE) == ActionServerStatus(image="actions:2")


@pytest.mark.parametrize(
    "deployment",
    [
        replace(UP, available=0),
        replace(UP, updated=0),
        replace(UP, replicas=2),
        replace(UP, current=False),
        replace(UP, wanted=0, replicas=0, updated=0, available=0),
    ],
)
def test_until_the_desired_image_is_rolled_out_the_last_one_is_reported(deployment: DeploymentFacts) -> None:
    facts = replace(FACTS, action_server=replace(ACTIONS, deployment=deployment))

    assert said(facts).status == "False"
    assert action_server_status(facts, BEFORE) == BEFORE.action_server


def test_the_first_problem_of_a_pod_is_in_the_message_and_makes_the_environment_unready() -> None:
    pods = (PodFacts("support-actions-1", None, ready=False, waiting="ImagePullBackOff"),)
    deployment = replace(UP, available=0)
    facts = replace(FACTS, action_server=replace(ACTIONS, deployment=deployment, pods=pods))
    message = (
        "waiting for Deployment bots/support-actions: 0 of 1 pods available; pod support-actions-1: ImagePullBackOff"
    )

    assert said(facts).message == message
    conditions = {entry.type: entry for entry in judge(facts, BEFORE)[1]}
    assert conditions["Available"].status == "True"


def test_a_problem_that_hides_what_is_wanted_leaves_the_last_report() -> None:
    assert said(BLOCKED).message == "1 of 1 pods available, with image actions:1"
    assert action_server_status(BLOCKED, BEFORE) == BEFORE.action_server


def test_a_problem_with_a_child_leaves_the_last_image() -> None:
    facts = replace(FACTS, problem=Problem(Reason.REFUSED_BY_API_SERVER, "quota"))

    assert action_server_status(facts, BEFORE) == BEFORE.action_server


def test_an_environment_without_an_action_server_reports_none() -> None:
    facts = replace(FACTS, action_server=None)

    assert action_server_conditions(facts, BEFORE) == ()
    assert action_server_status(facts, BEFORE) is None
