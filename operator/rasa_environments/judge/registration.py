"""The results of registering environments with their model server, and the condition Registered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from rasa_environments.api.conditions import Condition, ConditionStatus, ConditionType, Reason, known_reason
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_server import ModelServer, Registration
from rasa_environments.domain.facts import Problem, RegistrationResult
from rasa_environments.judge.conditions import condition, condition_of

NOT_KNOWN: Final = frozenset({Reason.MODEL_SERVER_UNREACHABLE, Reason.UNEXPECTED_ANSWER})
"""Problems that leave open whether an environment is registered."""
MAXIMUM_NAMES: Final = 20
"""Maximum number of names in a message."""

Results: TypeAlias = Mapping[str, RegistrationResult]
"""By name of the environment."""


def registered(result: RegistrationResult | None) -> list[Condition]:
    """Return the condition Registered; none if the model server has no registry."""
    if result is None:
        return []
    return [condition(ConditionType.REGISTERED, result.status, result.reason, result.message)]


def remembered_registration(environment: DeploymentEnvironment) -> RegistrationResult:
    """Return the result of the registration according to the status."""
    last = condition_of(environment.status.conditions, ConditionType.REGISTERED)
    if last is None:
        return RegistrationResult("Unknown", Reason.PENDING, "it is not registered yet")
    return RegistrationResult(last.status, known_reason(last.reason), last.message)


def failed_registration(problem: Problem) -> RegistrationResult:
    """Return the result of a registration that a problem prevented."""
    status: ConditionStatus = "Unknown" if problem.reason in NOT_KNOWN else "False"
    return RegistrationResult(status, problem.reason, problem.message)


def summary(results: Results, server: ModelServer) -> RegistrationResult:
    """Return the worst of the results, with the environment it belongs to."""
    for status in ("False", "Unknown"):
        for name in sorted(results):
            if results[name].status == status:
                alike = all(result == results[name] for result in results.values())
                return results[name] if alike else replace(results[name], message=f"{name}: {results[name].message}")
    what = "environments.yml" if server.registration is Registration.FILE else "its registry"
    return RegistrationResult("True", Reason.REGISTERED, f"{what} holds {some_of(sorted(results)) or 'none of ours'}")


def some_of(names: Sequence[str]) -> str:
    """Return the names as text short enough for a condition or a log line."""
    more = len(names) - MAXIMUM_NAMES
    return ", ".join(names[:MAXIMUM_NAMES]) + (f" and {more} more" if more > 0 else "")
