"""Which changes of conditions are logged, and which of them are warnings."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.conditions import Condition, ConditionStatus, ConditionType, Reason
from rasa_environments.judge.transitions import reports, transitions

READY, TAGGED, STALLED = ConditionType.READY, ConditionType.TAGGED, ConditionType.STALLED
TRUTHS: st.SearchStrategy[ConditionStatus] = st.sampled_from(["True", "False", "Unknown"])


def said(
    kind: ConditionType, status: ConditionStatus, reason: Reason, message: str = "so it is", generation: int = 1
) -> Condition:
    return Condition(
        type=kind,
        status=status,
        reason=reason,
        message=message,
        last_transition_time="",
        observed_generation=generation,
    )


CONDITIONS = st.lists(
    st.builds(said, st.sampled_from(list(ConditionType)), TRUTHS, st.sampled_from(list(Reason))),
    unique_by=lambda entry: entry.type,
    max_size=6,
)
WELL = (said(READY, "True", Reason.READY), said(TAGGED, "True", Reason.TAGGED), said(STALLED, "False", Reason.SETTLED))
AWAY = (
    said(READY, "False", Reason.MODEL_SERVER_UNREACHABLE),
    said(TAGGED, "Unknown", Reason.MODEL_SERVER_UNREACHABLE),
    said(STALLED, "False", Reason.SETTLED),
)


def lines(before: tuple[Condition, ...], after: tuple[Condition, ...]) -> list[tuple[str, str, bool]]:
    """The conditions, the reason, and whether it is a warning, of each line."""
    found = reports(transitions(before, after))
    return [(report.conditions, report.cause.reason, report.is_trouble) for report in found]


@given(CONDITIONS)
def test_what_is_as_before_is_no_transition(conditions: list[Condition]) -> None:
    assert transitions(conditions, conditions) == ()


@given(CONDITIONS, CONDITIONS)
def test_each_condition_has_one_line_at_the_most_and_each_reason_of_trouble_one(
    before: list[Condition], after: list[Condition]
) -> None:
    found = reports(transitions(before, after))

    types = [change.after.type for report in found for change in report.transitions]
    assert len(types) == len(set(types))
    bad = [report.cause.reason for report in found if not report.transitions[0].is_good]
    assert len(bad) == len(set(bad))


def test_conditions_that_turn_bad_for_one_reason_are_one_warning() -> None:
    assert lines(WELL, AWAY) == [("Ready=False,Tagged=Unknown", "ModelServerUnreachable", True)]


def test_stalled_is_bad_when_true() -> None:
    stuck = (said(READY, "False", Reason.TAG_CONFLICT), said(STALLED, "True", Reason.TAG_CONFLICT))

    assert lines((), stuck) == [("Ready=False,Stalled=True", "TagConflict", True)]


def test_another_reason_is_another_line() -> None:
    refused = (said(READY, "False", Reason.TAG_REFUSED), said(TAGGED, "False", Reason.TAG_REFUSED))

    assert lines(AWAY, refused) == [("Ready=False,Tagged=False", "TagRefused", True)]


def test_another_message_alone_is_none_but_for_another_generation() -> None:
    first = (said(READY, "False", Reason.MODEL_NOT_FOUND, "no model a"),)

    assert lines(first, (said(READY, "False", Reason.MODEL_NOT_FOUND, "no model b"),)) == []
    assert lines(first, (said(READY, "False", Reason.MODEL_NOT_FOUND, "no model b", generation=2),)) == [
        ("Ready=False", "ModelNotFound", True)
    ]
    assert lines(first, (said(READY, "False", Reason.MODEL_NOT_FOUND, "no model a", generation=2),)) == []


def test_recovery_is_one_line_that_is_no_warning() -> None:
    assert lines(AWAY, WELL) == [("Ready=True,Tagged=True", "Ready", False)]


def test_of_an_object_that_is_well_from_the_beginning_ready_is_reported() -> None:
    assert lines((), WELL) == [("Ready=True", "Ready", False)]


def test_what_belongs_to_a_rollout_is_no_warning() -> None:
    starting = (
        said(READY, "False", Reason.WAITING_FOR_PODS),
        said(ConditionType.RECONCILING, "True", Reason.WAITING_FOR_PODS),
        said(ConditionType.MODEL_SERVED, "Unknown", Reason.NO_PODS),
    )

    assert lines((), starting) == [("Ready=False", "WaitingForPods", False), ("ModelServed=Unknown", "NoPods", False)]
