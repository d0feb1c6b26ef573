"""The condition Registered: set if the model server has a registry, and independent of Ready."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.conditions import Condition, ConditionType, Reason
from rasa_environments.api.deployment_environment import EnvironmentStatus
from rasa_environments.api.model_server import ModelServer, ModelServerStatus
from rasa_environments.domain.facts import ProbeResult, RegistrationResult, ServerObservation, TaggedModel
from rasa_environments.judge.conditions import condition_of
from rasa_environments.judge.environment import judge as judged_environment
from rasa_environments.judge.environment import suspended
from rasa_environments.judge.environment_facts import EnvironmentFacts
from rasa_environments.judge.model_server import ModelServerFacts
from rasa_environments.judge.model_server import judge as judged_server

MODEL = TaggedModel("20260101-120000", "8f14e45f")
ENVIRONMENT = EnvironmentFacts(
    environment="support",
    tag="support",
    child=ObjectKey("bots", "support-rasa"),
    server=ObjectKey("bots", "default"),
    wanted=MODEL,
    served=(ProbeResult("the Rasa server of support", MODEL.name),),
    external=True,
)
SERVER = ModelServerFacts(
    ServerObservation(models={MODEL.name: MODEL}, known=True),
    can_write=True,
    environments=1,
    tags=1,
    pending_tag_deletions=(),
)
BEFORE = ModelServer.model_validate(
    {"metadata": {"name": "default", "namespace": "bots"}, "spec": {"url": "http://rasa-x:5002"}}
)
RESULTS = [
    RegistrationResult("True", Reason.REGISTERED, "the model server has it in its registry"),
    RegistrationResult("False", Reason.REGISTERED_BY_ANOTHER, "somebody else has it"),
    RegistrationResult("Unknown", Reason.REGISTRATION_PENDING, "waits for the token"),
]
BY_RESULT = pytest.mark.parametrize("result", RESULTS, ids=lambda result: str(result.status))


def of_environment(result: RegistrationResult | None) -> tuple[Condition, ...]:
    """The conditions of an environment."""
    return judged_environment(replace(ENVIRONMENT, registration=result), EnvironmentStatus())[1]


def of_server(result: RegistrationResult | None, *registered: str) -> tuple[ModelServerStatus, tuple[Condition, ...]]:
    """The status and the conditions of a ModelServer."""
    return judged_server(replace(SERVER, registration=result, registered=registered), BEFORE)


@BY_RESULT
def test_an_environment_tells_what_came_of_its_registration(result: RegistrationResult) -> None:
    told = condition_of(of_environment(result), ConditionType.REGISTERED)

    assert told is not None
    assert (told.status, told.reason, told.message) == (result.status, result.reason, result.message)


@BY_RESULT
def test_a_model_server_tells_what_came_of_all(result: RegistrationResult) -> None:
    told = condition_of(of_server(result)[1], ConditionType.REGISTERED)

    assert told is not None
    assert (told.status, told.reason, told.message) == (result.status, result.reason, result.message)


@BY_RESULT
def test_the_other_conditions_do_not_depend_on_it(result: RegistrationResult) -> None:
    environment, server = of_environment(result), of_server(result)[1]

    assert [entry for entry in environment if entry.type != "Registered"] == list(of_environment(None))
    assert [entry for entry in server if entry.type != "Registered"] == list(of_server(None)[1])


def test_where_there_is_no_registry_there_is_no_such_condition() -> None:
    assert condition_of(of_environment(None), ConditionType.REGISTERED) is None
    assert condition_of(of_server(None)[1], ConditionType.REGISTERED) is None


def test_a_suspended_environment_stays_registered() -> None:
    before = EnvironmentStatus(conditions=list(of_environment(RESULTS[0])))

    assert condition_of(suspended(before), ConditionType.REGISTERED) == condition_of(
        before.conditions, ConditionType.REGISTERED
    )


@pytest.mark.parametrize(("names", "written"), [((), None), (("a", "b"), ["a", "b"])])
def test_the_status_remembers_who_was_registered(names: tuple[str, ...], written: list[str] | None) -> None:
    status, _ = of_server(RESULTS[0], *names)

    assert status.registered_environments == written
