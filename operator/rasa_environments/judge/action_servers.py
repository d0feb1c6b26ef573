"""The verdict on the action server next to an environment."""

from __future__ import annotations

from rasa_environments.api.conditions import Condition, ConditionType, Reason
from rasa_environments.api.deployment_environment import ActionServerStatus, EnvironmentStatus
from rasa_environments.judge.conditions import condition_of
from rasa_environments.judge.environment_facts import EnvironmentFacts
from rasa_environments.judge.rollouts import incomplete
from rasa_environments.judge.verdicts import Verdict, condition_from, only_if


def action_server_available(facts: EnvironmentFacts) -> Verdict | None:
    """Return whether the action server is available with its latest template; None if the environment has none."""
    server = facts.action_server
    if server is None:
        return None
    if server.deployment is None:
        return Verdict("Unknown", Reason.PENDING, f"Deployment {server.child} has not been seen yet")
    if not server.is_available:
        return incomplete(server.child, server.deployment, server.pods)
    counted = f"{server.deployment.available} of {server.deployment.wanted} pods available"
    return Verdict("True", Reason.AVAILABLE, f"{counted}, with image {server.image}")


def action_server_unavailable(facts: EnvironmentFacts) -> Verdict | None:
    """Report an action server that is not available, so that custom actions may fail."""
    verdict = action_server_available(facts)
    return None if verdict is None else only_if("False", verdict)


def action_server_not_observed(facts: EnvironmentFacts) -> Verdict | None:
    """Report that the Deployment of the action server is not in the cache yet."""
    verdict = action_server_available(facts)
    return None if verdict is None else only_if("Unknown", verdict)


def action_server_conditions(facts: EnvironmentFacts, before: EnvironmentStatus) -> tuple[Condition, ...]:
    """Return the condition of the action server, if there is one: the last one while a problem hides what is wanted."""
    kind = ConditionType.ACTION_SERVER_AVAILABLE
    if not facts.planned:
        last = condition_of(before.conditions, kind)
        return () if last is None or facts.external else (last,)
    verdict = action_server_available(facts)
    return () if verdict is None else (condition_from(kind, verdict),)


def action_server_status(facts: EnvironmentFacts, before: EnvironmentStatus) -> ActionServerStatus | None:
    """Return which image all pods of the action server run: the last one until the desired one is rolled out."""
    server = facts.action_server
    if server is None and facts.planned:
        return None
    if server is not None and facts.problem is None and server.is_available:
        return ActionServerStatus(image=server.image)
    return before.action_server
