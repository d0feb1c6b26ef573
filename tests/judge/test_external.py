"""The verdicts on an environment whose Rasa server runs elsewhere: it has no pods, so a missing answer counts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.conditions import Condition, ConditionType, Reason
from rasa_environments.api.deployment_environment import EnvironmentStatus, ServedModel
from rasa_environments.domain.facts import ProbeResult, Problem, TaggedModel
from rasa_environments.judge.conversations import ELSEWHERE
from rasa_environments.judge.environment import judge
from rasa_environments.judge.environment_facts import EnvironmentFacts

SERVER = "the Rasa server of support"
WANTED = TaggedModel("20260101-120000", "8f14e45f")
RIGHT, WRONG, EMPTY = (ProbeResult(SERVER, model=name) for name in (WANTED.name, "20250101-120000", None))
GOOD = EnvironmentFacts(
    environment="support",
    tag="support",
    child=ObjectKey("bots", "support-rasa"),
    server=ObjectKey("bots", "default"),
    url="https://rasa.example.com",
    wanted=WANTED,
    served=(RIGHT,),
    external=True,
    conversations=ELSEWHERE,
)


def silent(reason: Reason) -> EnvironmentFacts:
    """It does not report what it serves."""
    return replace(GOOD, served=(ProbeResult(SERVER, problem="what was said", reason=reason),))


def conditions(facts: EnvironmentFacts) -> dict[str, Condition]:
    """The conditions by type."""
    return {entry.type: entry for entry in judge(facts, EnvironmentStatus())[1]}


TYPES = ("Ready", "Reconciling", "Stalled", "Available", "ModelAvailable", "ModelServed", "ConversationsPersisted")
NO_SECRET = Problem(Reason.SECRET_NOT_FOUND, "Secret bots/elsewhere not found", stalled=False)
LOADING = ProbeResult(SERVER, model="20250101-120000", problem="timed out", answered_time="2026-01-01T00:00:00Z")
VERDICTS = [
    ("it serves what is wanted", GOOD, "True False False True True True", "Ready"),
    ("it serves another", replace(GOOD, served=(WRONG,)), "False True False True True False", "AnotherModelServed"),
    ("it serves none", replace(GOOD, served=(EMPTY,)), "False True False True True False", "NoModelServed"),
    ("it loads", replace(GOOD, served=(LOADING,)), "False True False Unknown True False", "AnotherModelServed"),
    (
        "it does not answer",
        silent(Reason.EXTERNAL_SERVER_UNREACHABLE),
        "False True False False True Unknown",
        "ExternalServerUnreachable",
    ),
    ("it refuses the token", silent(Reason.UNAUTHORIZED), "False False True False True Unknown", "Unauthorized"),
    ("it is never asked", silent(Reason.ADDRESS_REFUSED), "False False True False True Unknown", "AddressRefused"),
    ("it answers HTML", silent(Reason.UNEXPECTED_ANSWER), "False False True False True Unknown", "UnexpectedAnswer"),
    ("it tells no name", silent(Reason.MODEL_UNKNOWN), "Unknown False False Unknown True Unknown", "ModelUnknown"),
    ("no model is meant", replace(GOOD, wanted=None), "False False False True False Unknown", "TagNotFound"),
    (
        "its token is missing",
        replace(GOOD, served=(), problem=NO_SECRET),
        "False True False False True Unknown",
        "SecretNotFound",
    ),
]


@pytest.mark.parametrize(
    ("facts", "statuses", "reason"), [row[1:] for row in VERDICTS], ids=[row[0] for row in VERDICTS]
)
def test_what_is_found_makes_the_conditions(facts: EnvironmentFacts, statuses: str, reason: str) -> None:
    found = conditions(facts)

    assert {kind: entry.status for kind, entry in found.items()} == dict(
        zip(TYPES, [*statuses.split(), "Unknown"], strict=True)
    )
    assert found["Ready"].reason == reason


@pytest.mark.parametrize(
    ("facts", "kind", "message"),
    [
        (GOOD, ConditionType.MODEL_SERVED, f"{SERVER} serves {WANTED.name}"),
        (
            replace(GOOD, wanted=None),
            ConditionType.MODEL_SERVED,
            f"{SERVER} serves {WANTED.name}; which model is wanted is not known",
        ),
        (
            silent(Reason.UNAUTHORIZED),
            ConditionType.STALLED,
            f"{SERVER} is not checked: what was said",
        ),
        (
            silent(Reason.MODEL_UNKNOWN),
            ConditionType.MODEL_SERVED,
            f"{SERVER} does not report its model: what was said",
        ),
    ],
)
def test_no_message_speaks_of_pods(facts: EnvironmentFacts, kind: ConditionType, message: str) -> None:
    found = conditions(facts)

    assert found[kind].message == message
    assert not [entry for entry in found.values() if "pod" in entry.message]


def test_the_status_has_its_address_and_model_and_neither_a_secret_nor_replicas() -> None:
    status, _ = judge(GOOD, EnvironmentStatus())

    assert (status.url, status.auth_token, status.replicas, status.selector) == (
        "https://rasa.example.com",
        None,
        0,
        None,
    )
    assert status.served_models == [ServedModel(name=WANTED.name, replicas=1)]
    assert (status.serving_replicas, status.ready_replicas) == (1, 1)
