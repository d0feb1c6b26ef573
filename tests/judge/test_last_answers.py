"""How long the answer of a Rasa server counts if it does not answer again."""

from __future__ import annotations

import pytest

from rasa_environments.api.conditions import Reason
from rasa_environments.domain.facts import ProbeResult, TaggedModel
from rasa_environments.judge.last_answers import ANSWER_COUNTS_SECONDS, LastAnswer, last_answers, with_last_answer

OLD, NEW = TaggedModel("model-0", "hash-0"), TaggedModel("model-1", "hash-1")
TIME, LATER = "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"
ANSWER = ProbeResult("pod a", model=NEW.name)
SILENT = ProbeResult("pod a", problem="timed out")
LAST = LastAnswer(ANSWER, TIME, 0.0)


def test_an_answer_replaces_the_last_one() -> None:
    other = ProbeResult("pod a", model=OLD.name)

    assert last_answers({"a": LAST}, {"a": other}, time=LATER, at=60.0) == {"a": LastAnswer(other, LATER, 60.0)}


@pytest.mark.parametrize(("at", "counts"), [(ANSWER_COUNTS_SECONDS - 1, True), (ANSWER_COUNTS_SECONDS, False)])
def test_the_answer_of_a_server_that_is_silent_counts_for_a_while(at: float, counts: bool) -> None:
    assert last_answers({"a": LAST}, {"a": SILENT}, time=LATER, at=at) == ({"a": LAST} if counts else {})


@pytest.mark.parametrize("reason", [Reason.MODEL_UNKNOWN, Reason.UNAUTHORIZED, Reason.WORKERS_UNHEARD])
def test_an_inconclusive_answer_ends_what_was_known(reason: Reason) -> None:
    inconclusive = ProbeResult("pod a", problem="it tells no name", reason=reason)

    assert last_answers({"a": LAST}, {"a": inconclusive}, time=LATER, at=1.0) == {}


def test_a_server_that_is_not_probed_any_more_is_forgotten() -> None:
    assert last_answers({"a": LAST, "b": LAST}, {"b": SILENT}, time=LATER, at=1.0) == {"b": LAST}


def test_a_server_that_answers_needs_no_earlier_answer() -> None:
    assert with_last_answer(ANSWER, LastAnswer(SILENT, TIME, 0.0), wanted=NEW, wanted_since=0.0) == ANSWER


def test_a_silent_server_is_reported_with_its_last_answer_and_its_time() -> None:
    result = with_last_answer(SILENT, LAST, wanted=NEW, wanted_since=0.0)

    assert (result.model, result.problem, result.answered_time) == (NEW.name, "timed out", TIME)
    assert result.known


def test_a_silent_server_that_never_answered_is_not_known() -> None:
    assert with_last_answer(SILENT, None, wanted=NEW, wanted_since=0.0) == SILENT


def test_an_answer_from_before_the_model_was_wanted_does_not_show_that_it_is_served() -> None:
    assert with_last_answer(SILENT, LAST, wanted=NEW, wanted_since=1.0) == SILENT


def test_an_answer_with_another_model_counts_from_whenever_it_is() -> None:
    assert with_last_answer(SILENT, LAST, wanted=OLD, wanted_since=1.0).model == NEW.name
