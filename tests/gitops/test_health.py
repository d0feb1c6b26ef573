"""Argo CD, Flux and kstatus judge the custom resources alike, with their own libraries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.gitops import Answer, Question, ask
from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.conditions import ConditionType, Reason
from rasa_environments.api.verification import RejectedModel
from rasa_environments.domain.desired_model import DesiredModel
from rasa_environments.domain.facts import ActionServerFacts, LicenseFact, ProbeResult, Problem, RegistrationResult
from rasa_environments.domain.verification import Progress
from rasa_environments.domain.waiting import Waiting
from rasa_environments.judge.conversations import Conversations
from release.argo_cd import KINDS
from tests.gitops import judged_objects as objects
from tests.gitops.sandbox import HEALTH, STATUSES, health

Ask = Callable[[JsonObject], Answer]

UNREACHABLE = Problem(Reason.MODEL_SERVER_UNREACHABLE, "the model server does not answer", stalled=False)
NOT_REGISTERED = RegistrationResult("False", Reason.REGISTRATION_REFUSED, "the registry says no")
ANOTHERS = replace(objects.FOLLOWER, served="False", served_reason=Reason.ANOTHER_MODEL_SERVED)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SILENT = ProbeResult("pod a", problem="timed out")
ROLLING = replace(objects.SETTLED, available=0)
ACTIONS = ActionServerFacts(ObjectKey("bots", "support-actions"), "actions:1", objects.SETTLED)
VERIFICATION = {"candidate": {"conversations": [{"configMapKeyRef": {"name": "conversations", "key": "tests.yaml"}}]}}
REJECTED = Progress(
    rejected=(
        RejectedModel(
            name="new",
            hash="1",
            reason=Reason.VERIFICATION_FAILED,
            message="it said nothing",
            rejected_time=objects.TIME,
        ),
    ),
    problem=Problem(Reason.MODEL_REJECTED, "it said nothing", stalled=False),
)
HEALTHY, PROGRESSING, DEGRADED = ("Healthy", "Current"), ("Progressing", "InProgress"), ("Degraded", "Failed")

CASES = {
    "a server that answers": (objects.server_object(objects.SERVER_WELL), HEALTHY),
    "a server that only gives models": (
        objects.server_object(replace(objects.SERVER_WELL, can_write=False)),
        HEALTHY,
    ),
    "an environment that serves": (objects.environment_object(objects.WELL), HEALTHY),
    "nobody says what is served": (
        objects.environment_object(replace(objects.WELL, served=(SILENT,))),
        PROGRESSING,
    ),
    "nobody need say it": (
        objects.environment_object(replace(objects.WELL, served=(SILENT,), accept_unchecked=True)),
        HEALTHY,
    ),
    "no pod to ask": (objects.environment_object(replace(objects.WELL, served=())), PROGRESSING),
    "not registered": (
        objects.environment_object(replace(objects.WELL, registration=NOT_REGISTERED)),
        HEALTHY,
    ),
    "replicas that share nothing": (
        objects.environment_object(replace(objects.WELL, conversations=Conversations(2, stored=False, locked=False))),
        HEALTHY,
    ),
    "pods come up": (objects.environment_object(replace(objects.WELL, deployment=ROLLING)), PROGRESSING),
    "the rollout failed": (
        objects.environment_object(replace(objects.WELL, deployment=replace(ROLLING, failure="too late"))),
        DEGRADED,
    ),
    "another model is served": (
        objects.environment_object(replace(objects.WELL, served=(objects.SERVES_ANOTHER,))),
        PROGRESSING,
    ),
    "no model is served": (
        objects.environment_object(replace(objects.WELL, served=(ProbeResult("pod a"),))),
        PROGRESSING,
    ),
    "no model carries the tag": (objects.environment_object(replace(objects.WELL, wanted=None)), PROGRESSING),
    "the server was asked before": (
        objects.environment_object(replace(objects.WELL, tag_problem=UNREACHABLE)),
        HEALTHY,
    ),
    "the server was never asked": (
        objects.environment_object(replace(objects.WELL, wanted=None, tag_problem=UNREACHABLE)),
        PROGRESSING,
    ),
    "a licence that ends soon": (
        objects.environment_object(replace(objects.WELL, license=LicenseFact(NOW, expires=NOW + timedelta(days=9)))),
        HEALTHY,
    ),
    "a licence that has ended": (
        objects.environment_object(replace(objects.WELL, license=LicenseFact(NOW, expires=NOW))),
        DEGRADED,
    ),
    "an action server that is available": (
        objects.environment_object(replace(objects.WELL, action_server=ACTIONS)),
        HEALTHY,
    ),
    "an action server that comes up": (
        objects.environment_object(
            replace(objects.WELL, planned=True, action_server=replace(ACTIONS, deployment=ROLLING))
        ),
        PROGRESSING,
    ),
    "a verified tag that is served": (objects.tag_object(objects.TAG_WELL, verification=VERIFICATION), HEALTHY),
    "a tag whose model was rejected": (
        objects.tag_object(
            replace(
                objects.TAG_WELL,
                problem=REJECTED.problem,
                progress=REJECTED,
            ),
            verification=VERIFICATION,
        ),
        PROGRESSING,
    ),
    "a tag that is served": (objects.tag_object(objects.TAG_WELL), HEALTHY),
    "a tag that nobody pulls": (objects.tag_object(replace(objects.TAG_WELL, followers=())), PROGRESSING),
    "a tag that is not served yet": (
        objects.tag_object(
            replace(
                objects.TAG_WELL,
                followers=(ANOTHERS,),
            ),
        ),
        PROGRESSING,
    ),
    "a tag of which that is not known": (
        objects.tag_object(
            replace(
                objects.TAG_WELL,
                followers=(replace(objects.FOLLOWER, served="Unknown", served_reason=Reason.PODS_UNREACHABLE),),
            ),
        ),
        PROGRESSING,
    ),
    "a model tag whose next model soaks": (
        objects.tag_object(
            replace(objects.TAG_WELL, decision=DesiredModel(None, waiting=Waiting(Reason.SOAKING, "it soaks")))
        ),
        HEALTHY,
    ),
}
SUSPENDED_WELL = objects.suspended_object(objects.WELL)
SUSPENDED_ROLLING = objects.suspended_object(replace(objects.WELL, deployment=ROLLING))


@pytest.fixture(scope="module")
def asked(gitops: Path, flux_checks: list[JsonObject]) -> Ask:
    """Asks of one object."""
    return lambda obj: ask(gitops, [Question(obj, HEALTH, flux_checks)])[0]


@pytest.mark.parametrize(("obj", "expected"), CASES.values(), ids=CASES)
def test_what_was_found_out_makes_the_health(obj: JsonObject, expected: tuple[str, str], asked: Ask) -> None:
    answer = asked(obj)

    assert (answer.lua["status"], answer.flux, answer.kstatus) == (expected[0], expected[1], expected[1])
    assert health(obj) == answer.lua


def test_each_problem_is_progress_or_wants_a_person_and_is_reported_in_its_own_words(
    gitops: Path, flux_checks: list[JsonObject]
) -> None:
    cases = list(objects.problems())

    answers = ask(gitops, [Question(obj, HEALTH, flux_checks) for _, _, obj in cases])

    assert len(cases) == len(Reason) * 2 * len(KINDS)
    for (name, problem, obj), answer in zip(cases, answers, strict=True):
        status, elsewhere = DEGRADED if problem.stalled else PROGRESSING
        if problem.reason is Reason.SUSPENDED:
            status = "Suspended"
        assert answer.lua == {"status": status, "message": problem.message}, name
        assert (answer.flux, answer.kstatus) == (elsewhere, elsewhere), name
        assert health(obj) == answer.lua, name


def test_each_condition_that_the_operator_writes_was_looked_at() -> None:
    written = {entry["type"] for obj, _ in CASES.values() for entry in obj["status"]["conditions"]}

    assert written == set(ConditionType)


@pytest.mark.parametrize("kind", KINDS)
def test_an_object_that_the_operator_has_not_seen_is_on_its_way(kind: str, asked: Ask) -> None:
    answer = asked(objects.new_object(kind))

    assert answer.lua == {"status": "Progressing", "message": "the operator has not seen this change yet"}
    assert (answer.flux, answer.kstatus) == ("InProgress", "InProgress")


@pytest.mark.parametrize("kind", KINDS)
def test_an_object_with_the_status_that_every_new_one_has_is_on_its_way(kind: str, asked: Ask) -> None:
    answer = asked({**objects.new_object(kind), "status": {"observedGeneration": -1}})

    assert answer.lua == {"status": "Progressing", "message": "the operator has not seen this change yet"}
    assert (answer.flux, answer.kstatus) == ("InProgress", "InProgress")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("stalled", "expected"), [("False", PROGRESSING), ("True", DEGRADED)])
def test_what_is_not_known_is_not_healthy(kind: str, stalled: str, expected: tuple[str, str], asked: Ask) -> None:
    truths = {"Ready": "Unknown", "Reconciling": "False", "Stalled": stalled}

    answer = asked(with_conditions(kind, truths, objects.GENERATION))

    assert (answer.lua["status"], answer.flux, answer.kstatus) == (expected[0], expected[1], expected[1])


@pytest.mark.parametrize("kind", KINDS)
def test_a_status_of_an_earlier_generation_tells_nothing(kind: str, asked: Ask) -> None:
    obj = next(obj for obj, expected in CASES.values() if obj["kind"] == kind and expected == HEALTHY)
    changed = {**obj, "metadata": {**obj["metadata"], "generation": objects.GENERATION + 1}}

    answer = asked(changed)

    assert (answer.lua["status"], answer.flux, answer.kstatus) == ("Progressing", "InProgress", "InProgress")


def test_a_suspended_environment_is_suspended_whatever_was_known_of_it(asked: Ask) -> None:
    well, rolling = asked(SUSPENDED_WELL), asked(SUSPENDED_ROLLING)

    assert {well.lua["status"], rolling.lua["status"]} == {"Suspended"}
    assert {well.flux, well.kstatus, rolling.flux, rolling.kstatus} == {"InProgress"}


def test_what_does_not_hold_ready_back_is_reported_with_the_health() -> None:
    obj, _ = CASES["not registered"]

    assert health(obj) == {
        "status": "Healthy",
        "message": f"serves {objects.WANTED.name}; the registry says no",
    }


def with_conditions(kind: str, truths: Mapping[str, str], observed: int | None) -> JsonObject:
    """An object with these conditions, as of a generation or of none."""
    status: JsonObject = {} if observed is None else {"observedGeneration": observed}
    if truths:
        status["conditions"] = [
            {"type": type_, "status": truth, "reason": "Any", "message": "as it is"} for type_, truth in truths.items()
        ]
    return {**objects.new_object(kind), "status": status}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("observed", [None, -1, objects.GENERATION - 1, objects.GENERATION])
def test_each_combination_of_kstatus_conditions_has_a_health(kind: str, observed: int | None) -> None:
    for ready, reconciling, stalled in product((None, "True", "False", "Unknown"), repeat=3):
        truths = {"Reconciling": reconciling, "Stalled": stalled, "Ready": ready}

        found = health(with_conditions(kind, {type_: truth for type_, truth in truths.items() if truth}, observed))

        if observed != objects.GENERATION or ready is None:
            expected = "Progressing"
        elif stalled == "True":
            expected = "Degraded"
        else:
            expected = "Healthy" if ready == "True" and reconciling != "True" else "Progressing"
        assert found["status"] == expected, truths


@given(
    kind=st.sampled_from(KINDS),
    truths=st.dictionaries(
        st.sampled_from([*ConditionType, "Foreign"]), st.sampled_from(["True", "False", "Unknown"]), min_size=1
    ),
    observed=st.none() | st.integers(1, objects.GENERATION + 1),
)
def test_whatever_other_conditions_there_are_a_health_is_reported_with_words(
    kind: str, truths: dict[str, str], observed: int | None
) -> None:
    found = health(with_conditions(kind, truths, observed))

    assert found["status"] in STATUSES
    assert found["message"]
