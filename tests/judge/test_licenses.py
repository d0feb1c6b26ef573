"""The verdict on the licence of Rasa Pro, and what follows from it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rasa_environments.api.conditions import Condition, ConditionType, Reason
from rasa_environments.api.deployment_environment import DeploymentEnvironment, EnvironmentStatus
from rasa_environments.domain.facts import LicenseFact, Problem
from rasa_environments.judge.conditions import condition_of, transitioned
from rasa_environments.judge.environment import judge
from rasa_environments.judge.environment_facts import EnvironmentFacts
from rasa_environments.judge.events import events_of
from tests.judge.test_environment import GOOD, ROLLING
from tests.reconcile.objects import environment

END = datetime(2026, 6, 30, 12, tzinfo=UTC)
DAY = timedelta(days=1)
TIME = "2026-06-30T12:00:00Z"
NEVER = EnvironmentStatus()
NO_SECRET = Problem(Reason.SECRET_NOT_FOUND, "Secret is not there", stalled=False, field="spec.rasa.license")


def looked(before: timedelta, *, expires: datetime | None = END, problem: str | None = None) -> EnvironmentFacts:
    """A look at an environment that serves its model, so long before the end of its licence."""
    return replace(GOOD, license=LicenseFact(END - before, expires, problem))


def verdict(facts: EnvironmentFacts, kind: ConditionType = ConditionType.LICENSE_VALID) -> Condition:
    """One of the conditions."""
    found = condition_of(judge(facts, NEVER)[1], kind)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("left", "status", "reason"),
    [
        (31 * DAY, "True", Reason.LICENSED),
        (30 * DAY, "True", Reason.LICENSE_EXPIRING),
        (timedelta(seconds=1), "True", Reason.LICENSE_EXPIRING),
        (timedelta(0), "False", Reason.LICENSE_EXPIRED),
        (-DAY, "False", Reason.LICENSE_EXPIRED),
    ],
)
def test_a_licence_is_valid_until_it_expires_and_warns_for_30_days(
    left: timedelta, status: str, reason: Reason
) -> None:
    found = verdict(looked(left))

    assert (found.status, found.reason) == (status, reason)
    assert TIME in found.message


@pytest.mark.parametrize(("left", "ready"), [(31 * DAY, "True"), (DAY, "True"), (-DAY, "False")])
def test_only_an_expired_licence_counts(left: timedelta, ready: str) -> None:
    assert verdict(looked(left), ConditionType.READY).status == ready
    assert (verdict(looked(left), ConditionType.STALLED).status == "True") is (ready == "False")


def test_an_expired_licence_is_told_before_the_rollout_that_it_stops() -> None:
    found = verdict(replace(looked(-DAY), deployment=ROLLING), ConditionType.READY)

    assert found.reason == Reason.LICENSE_EXPIRED


def test_an_environment_without_a_licence_has_no_condition() -> None:
    status, conditions = judge(GOOD, EnvironmentStatus(license_expiry_time=TIME))

    assert condition_of(conditions, ConditionType.LICENSE_VALID) is None
    assert status.license_expiry_time is None


@pytest.mark.parametrize(("problem", "reason"), [(None, Reason.PENDING), ("no answer", Reason.LICENSE_UNKNOWN)])
def test_a_licence_that_nobody_has_told_of_is_unknown_and_does_not_count(problem: str | None, reason: Reason) -> None:
    facts = looked(DAY, expires=None, problem=problem)

    assert (verdict(facts).status, verdict(facts).reason) == ("Unknown", reason)
    assert verdict(facts, ConditionType.READY).status == "True"


def test_the_last_answer_counts_until_there_is_another() -> None:
    facts = looked(-DAY, problem="no answer")

    assert judge(facts, NEVER)[0].license_expiry_time == TIME
    assert verdict(facts).reason == Reason.LICENSE_EXPIRED


def test_a_missing_secret_is_the_reason_that_the_licence_is_not_valid() -> None:
    found = verdict(replace(looked(DAY), problem=NO_SECRET))

    assert (found.status, found.reason, found.message) == ("False", Reason.SECRET_NOT_FOUND, NO_SECRET.message)


def after(facts: EnvironmentFacts, before: DeploymentEnvironment | None = None) -> DeploymentEnvironment:
    """The environment after its status is written."""
    known = before or environment("support")
    status, conditions = judge(facts, known.status)
    stamped = transitioned(known.status.conditions, conditions, generation=1, time="2026-06-01T00:00:00Z")
    return known.model_copy(update={"status": status.model_copy(update={"conditions": stamped})})


def told(before: DeploymentEnvironment, now: DeploymentEnvironment) -> list[tuple[str, str]]:
    """The Events of the write."""
    events = events_of(before, now, time="2026-06-01T00:00:00Z", server=None)
    return [(event.type, event.reason) for event in events]


def test_a_licence_that_begins_to_expire_is_told_once() -> None:
    valid = after(looked(31 * DAY))
    expiring = after(looked(30 * DAY), valid)
    later = after(looked(29 * DAY), expiring)

    assert told(valid, expiring) == [("Warning", "LicenseExpiring")]
    assert told(expiring, later) == []
    assert later.status == expiring.status


def test_an_expired_licence_is_told_as_what_a_person_has_to_put_right() -> None:
    expiring = after(looked(DAY))

    assert told(expiring, after(looked(-DAY), expiring)) == [("Warning", "LicenseExpired")]


def test_a_new_licence_ends_it() -> None:
    expired = after(looked(-DAY))

    renewed = after(looked(DAY, expires=END + 365 * DAY), expired)

    assert {entry.type: entry.status for entry in renewed.status.conditions or ()}["LicenseValid"] == "True"
    assert renewed.status.license_expiry_time == "2027-06-30T12:00:00Z"
