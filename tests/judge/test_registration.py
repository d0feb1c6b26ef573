"""What is reported of the registration of many environments, of one, and of one that a problem prevented."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rasa_environments.api.conditions import ConditionType, Reason
from rasa_environments.api.deployment_environment import EnvironmentStatus
from rasa_environments.domain.facts import Problem, RegistrationResult
from rasa_environments.judge.conditions import condition
from rasa_environments.judge.registration import failed_registration, remembered_registration, summary
from tests.reconcile.objects import environment, server

DONE = RegistrationResult("True", Reason.REGISTERED, "the model server has it in its registry")
PENDING = RegistrationResult("Unknown", Reason.REGISTRATION_PENDING, "the registry keeps the old token")
NO = RegistrationResult("False", Reason.REGISTERED_BY_ANOTHER, "somebody else has it")
UNKNOWN = RegistrationResult("Unknown", Reason.MODEL_SERVER_UNREACHABLE, "no answer")
SUMMARIES = [
    ({}, "True", "its registry holds none of ours"),
    ({"b": DONE, "a": DONE}, "True", "its registry holds a, b"),
    ({"a": DONE, "b": PENDING}, "Unknown", f"b: {PENDING.message}"),
    ({"a": PENDING, "b": PENDING}, "Unknown", PENDING.message),
    ({"a": UNKNOWN, "b": NO, "c": DONE}, "False", "b: somebody else has it"),
    ({"b": NO, "a": RegistrationResult("False", Reason.UNAUTHORIZED, "refused")}, "False", "a: refused"),
    ({"a": UNKNOWN}, "Unknown", "no answer"),
]


@pytest.mark.parametrize(("results", "status", "message"), SUMMARIES)
def test_the_model_server_reports_the_worst(results: dict[str, RegistrationResult], status: str, message: str) -> None:
    found = summary(results, server(profile="RasaEnterprise-1.0"))

    assert (found.status, found.message) == (status, message)


def test_the_model_server_says_where_environments_are_registered() -> None:
    found = summary({"a": DONE}, server(profile="RasaX-0.2"))

    assert (found.reason, found.message) == (Reason.REGISTERED, "environments.yml holds a")


def test_of_very_many_environments_some_are_named() -> None:
    found = summary({f"e{number:04}": DONE for number in range(5000)}, server(profile="RasaEnterprise-1.0"))

    assert found.message.startswith("its registry holds e0000, e0001, ")
    assert found.message.endswith(", e0019 and 4980 more")


@pytest.mark.parametrize("reason", list(Reason))
def test_a_server_that_does_not_answer_may_have_registered_the_environment(reason: Reason) -> None:
    open_ended = reason in (Reason.MODEL_SERVER_UNREACHABLE, Reason.UNEXPECTED_ANSWER)

    assert failed_registration(Problem(reason, "why")) == RegistrationResult(
        "Unknown" if open_ended else "False", reason, "why"
    )


def test_the_result_before_this_process_is_that_of_the_status() -> None:
    entry = condition(ConditionType.REGISTERED, "False", Reason.REGISTERED_BY_ANOTHER, "somebody else has it")
    of = environment("support").model_copy(update={"status": EnvironmentStatus(conditions=[entry])})

    assert remembered_registration(of) == NO


def test_an_environment_without_the_condition_is_not_registered_yet() -> None:
    assert remembered_registration(environment("support")) == RegistrationResult(
        "Unknown", Reason.PENDING, "it is not registered yet"
    )


def test_a_reason_of_another_version_does_not_disturb() -> None:
    entry = replace(condition(ConditionType.REGISTERED, "True", Reason.REGISTERED, "there"), reason="FromTheFuture")
    of = environment("support").model_copy(update={"status": EnvironmentStatus(conditions=[entry])})

    assert remembered_registration(of).status == "True"
