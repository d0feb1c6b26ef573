"""The verdicts on a ModelServer, and its pending tag deletions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.base import JsonObject
from rasa_environments.api.conditions import Condition, ConditionType, Reason
from rasa_environments.api.model_server import ModelServer, ModelServerStatus, PendingTagDeletion
from rasa_environments.domain.facts import Problem, ServerObservation, TaggedModel
from rasa_environments.judge.conditions import condition_of
from rasa_environments.judge.model_server import ModelServerFacts, judge, pending_deletions

MODELS = {"model-1": TaggedModel("model-1", "hash-1")}
ENTRIES = st.lists(
    st.builds(
        PendingTagDeletion,
        tag=st.sampled_from(["live", "staging", "test"]),
        namespace=st.just("bots"),
        name=st.sampled_from(["a", "b"]),
    ),
    max_size=3,
    unique_by=lambda entry: entry.tag,
)
TAGS = st.frozensets(st.sampled_from(["live", "staging", "test"]))


def server(status: ModelServerStatus | None = None, **spec: object) -> ModelServer:
    """Return the ModelServer as last seen."""
    body: JsonObject = {"metadata": {"name": "default", "namespace": "bots"}, "spec": {"url": "http://x:5002", **spec}}
    seen = ModelServer.model_validate(body)
    return seen.model_copy(update={"status": status}) if status is not None else seen


WELL = ServerObservation(models=MODELS, version="1.2", known=True)


def facts(observation: ServerObservation = WELL, *, can_write: bool = True) -> ModelServerFacts:
    """Return the facts of a reconciliation."""
    return ModelServerFacts(observation, can_write, environments=2, tags=3, pending_tag_deletions=())


def verdict(found: ModelServerFacts, kind: ConditionType, before: ModelServer | None = None) -> Condition:
    """One of the conditions."""
    conditions = judge(found, before or server())[1]
    one = condition_of(conditions, kind)
    assert one is not None
    return one


def test_a_server_that_answers_is_ready() -> None:
    status, conditions = judge(facts(), server())

    assert (status.version, status.model_count, status.environment_count, status.tag_count) == ("1.2", 1, 2, 3)
    assert {entry.type: entry.status for entry in conditions} == {
        "Ready": "True",
        "Reconciling": "False",
        "Stalled": "False",
        "Writable": "True",
    }
    assert conditions[0].message == "the model server is reachable and accepts the credentials"


@pytest.mark.parametrize("reason", list(Reason))
@pytest.mark.parametrize("waits", [True, False])
@pytest.mark.parametrize("field", ["problem", "write_problem"])
def test_a_problem_is_what_ready_says(reason: Reason, waits: bool, field: str) -> None:
    problem: dict[str, Any] = {field: Problem(reason, "what is wrong", stalled=waits)}
    found = facts(replace(WELL, **problem))

    ready = verdict(found, ConditionType.READY)

    assert (ready.status, ready.reason, ready.message) == ("False", reason, "what is wrong")
    assert verdict(found, ConditionType.STALLED).status == str(waits)
    assert verdict(found, ConditionType.RECONCILING).status == str(not waits)


@pytest.mark.parametrize(
    ("spec", "where"),
    [
        ({}, "a Secret named by spec.credentialsSecretRef"),
        ({"credentialsSecretRef": {"name": "rasa-x"}}, "the Secret rasa-x"),
    ],
)
def test_without_credentials_to_write_it_is_ready_and_says_what_to_add(spec: JsonObject, where: str) -> None:
    found = facts(can_write=False)

    writable = verdict(found, ConditionType.WRITABLE, server(**spec))

    assert (writable.status, writable.reason) == ("False", "NoWriteCredentials")
    assert writable.message == (
        f"models can only be pulled; to put tags, add apiToken, or username and password, to {where}"
    )
    assert verdict(found, ConditionType.READY).status == "True"


AWAY = Problem(Reason.MODEL_SERVER_UNREACHABLE, "away", stalled=False)
REFUSED = Problem(Reason.UNAUTHORIZED, "refused", stalled=False)


def test_a_server_that_cannot_be_asked_says_that_rather_than_what_it_said_of_the_credentials() -> None:
    ready = verdict(facts(replace(WELL, problem=AWAY, write_problem=REFUSED)), ConditionType.READY)

    assert (ready.status, ready.reason, ready.message) == ("False", Reason.MODEL_SERVER_UNREACHABLE, "away")


@pytest.mark.parametrize(
    ("observation", "status", "reason"),
    [
        (ServerObservation(known=True), "True", Reason.WRITABLE),
        (ServerObservation(problem=AWAY), "Unknown", Reason.MODEL_SERVER_UNREACHABLE),
        (ServerObservation(known=True, write_problem=REFUSED), "False", Reason.UNAUTHORIZED),
        (ServerObservation(known=True, lists=False), "Unknown", Reason.PENDING),
    ],
)
def test_writable_says_whether_tags_can_be_put(observation: ServerObservation, status: str, reason: Reason) -> None:
    writable = verdict(facts(observation), ConditionType.WRITABLE)

    assert (writable.status, writable.reason) == (status, reason)


def test_what_was_known_of_a_server_that_does_not_answer_stays() -> None:
    before = server(ModelServerStatus(version="1.1", model_count=7))

    status, _ = judge(facts(ServerObservation()), before)

    assert (status.version, status.model_count) == ("1.1", 7)


def test_an_empty_inventory_is_left_out() -> None:
    assert judge(facts(), server())[0].pending_tag_deletions is None


@given(claims=ENTRIES, before=ENTRIES, done=TAGS)
def test_a_tag_is_remembered_while_it_is_claimed_or_not_done(
    claims: list[PendingTagDeletion], before: list[PendingTagDeletion], done: frozenset[str]
) -> None:
    inventory = pending_deletions(claims, before, done)

    owed = {entry.tag for entry in claims} | {entry.tag for entry in before if entry.tag not in done}
    assert [entry.tag for entry in inventory] == sorted(owed)
    assert all(entry in inventory for entry in claims)
    assert {entry.name for entry in inventory} <= {entry.name for entry in (*claims, *before)}


@given(claims=ENTRIES, before=ENTRIES, done=TAGS)
def test_the_inventory_is_settled_after_one_look(
    claims: list[PendingTagDeletion], before: list[PendingTagDeletion], done: frozenset[str]
) -> None:
    once = pending_deletions(claims, before, done)

    assert pending_deletions(claims, once, done) == once


def test_a_server_without_a_listing_names_a_tag_that_cannot_be_pulled() -> None:
    without = "the server lists no models, so it is asked for each tag by itself"
    well = ServerObservation(known=True, lists=False)
    hidden = replace(well, tag_problems={"live": REFUSED, "staging": AWAY})

    assert verdict(facts(well), ConditionType.READY).message == f"tags can be pulled; {without}"
    assert verdict(facts(hidden), ConditionType.READY).message == (
        f"{without}; not every tag can be pulled, as live: {REFUSED.message}"
    )
