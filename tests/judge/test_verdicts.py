"""How an ordered list of checks becomes the conditions Ready, Reconciling and Stalled."""

from __future__ import annotations

from rasa_environments.api.conditions import ConditionType, Reason
from rasa_environments.domain.facts import Problem
from rasa_environments.judge.verdicts import (
    Verdict,
    condition_from,
    only_if,
    progress_of,
    unready,
    verdict_of,
    verdicts_on,
)

WAITING = Problem(Reason.WAITING_FOR_PODS, "waiting", stalled=False)
INVALID = Problem(Reason.INVALID_SPEC, "spec.rasa.version is missing")
NO_MODEL = Verdict("False", Reason.TAG_NOT_FOUND, "promote one")


def told(*verdicts: Verdict | None) -> list[tuple[str, str, str]]:
    """Return status, reason and message of Reconciling and Stalled."""
    conditions = progress_of([verdict for verdict in verdicts if verdict is not None])
    assert [entry.type for entry in conditions] == ["Reconciling", "Stalled"]
    return [(entry.status, entry.reason, entry.message) for entry in conditions]


IDLE = ("False", "Settled", "nothing is in progress")
UNSTALLED = ("False", "Settled", "no problem needs attention")


def test_verdicts_are_in_the_order_of_the_checks_and_those_that_do_not_apply_are_left_out() -> None:
    verdicts = verdicts_on(WAITING, [lambda _: None, verdict_of, lambda _: NO_MODEL])

    assert list(verdicts) == [verdict_of(WAITING), NO_MODEL]


def test_no_verdict_is_neither_reconciling_nor_stalled() -> None:
    assert told() == [IDLE, UNSTALLED]


def test_what_the_operator_keeps_trying_is_reconciling() -> None:
    assert told(verdict_of(WAITING)) == [("True", "WaitingForPods", "waiting"), UNSTALLED]


def test_what_waits_for_a_person_is_stalled() -> None:
    assert told(verdict_of(INVALID)) == [IDLE, ("True", "InvalidSpec", "spec.rasa.version is missing")]


def test_the_first_verdict_that_somebody_works_on_decides_both() -> None:
    assert told(NO_MODEL, verdict_of(WAITING), verdict_of(INVALID)) == told(verdict_of(WAITING))


def test_a_verdict_of_another_status_does_not_apply() -> None:
    assert only_if("False", NO_MODEL) == NO_MODEL
    assert only_if("Unknown", NO_MODEL) is None


def test_a_condition_reports_a_verdict_as_it_is() -> None:
    ready = condition_from(ConditionType.READY, NO_MODEL)

    assert (ready.type, ready.status, ready.reason, ready.message) == ("Ready", "False", "TagNotFound", "promote one")


def test_an_object_of_which_only_a_problem_is_known_is_not_ready() -> None:
    ready, reconciling, stalled = unready(INVALID)

    assert (ready.status, ready.reason, ready.message) == ("False", "InvalidSpec", "spec.rasa.version is missing")
    assert (reconciling.status, stalled.status) == ("False", "True")
