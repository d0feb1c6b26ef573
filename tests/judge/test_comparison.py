"""What a Rasa server reports, compared with the desired model."""

from __future__ import annotations

import pytest

from rasa_environments.api.conditions import ConditionStatus, Reason
from rasa_environments.domain.facts import ProbeResult, TaggedModel
from rasa_environments.judge.comparison import (
    FALLBACK_NAME,
    described,
    described_wanted,
    not_comparable,
    proves_another,
    served_name,
    serves,
    serves_what_is_wanted,
    unread,
)

NAMED = TaggedModel("20260101-120000", "hash")
LISTED = TaggedModel("20260101-120000", "hash", model_id="a1")
FILE = TaggedModel("5f3c-6123", "5f3c-6123")
READ = TaggedModel("5f3c-6123", "5f3c-6123", model_id="a1")
READ_1 = TaggedModel("5f3c-6123", "5f3c-6123", trained_at=1767268800.25)


def result(model: str | None = None, model_id: str | None = None) -> ProbeResult:
    """An answer."""
    return ProbeResult("pod bot-0", model, model_id)


@pytest.mark.parametrize(
    ("answer", "wanted", "truth"),
    [
        (result("20260101-120000", "a1"), NAMED, "True"),
        (result("20250101-120000", "a1"), NAMED, "False"),
        (result(), NAMED, "False"),
        (result(FALLBACK_NAME, "a1"), NAMED, "Unknown"),
        (result(None, "a1"), NAMED, "Unknown"),
        (result(FALLBACK_NAME, "a1"), LISTED, "True"),
        (result(FALLBACK_NAME, "b2"), LISTED, "False"),
        (result(FALLBACK_NAME), LISTED, "Unknown"),
        (result("20260101-120000", "b2"), LISTED, "True"),
        (result("20250101-120000", "a1"), LISTED, "False"),
        (result(FALLBACK_NAME), TaggedModel(FALLBACK_NAME, "hash"), "True"),
        (result(FALLBACK_NAME, "a1"), FILE, "Unknown"),
        (result("20260101-120000", "a1"), FILE, "Unknown"),
        (result(), FILE, "False"),
        (result(FALLBACK_NAME, "a1"), READ, "True"),
        (result(FALLBACK_NAME, "b2"), READ, "False"),
        (result("20260101-120000", "a1"), READ, "True"),
        (result("5f3c-6123"), READ_1, "True"),
        (ProbeResult("pod bot-0", problem="silent"), NAMED, "Unknown"),
        (ProbeResult("pod bot-0", "20260101-120000", problem="silent"), NAMED, "Unknown"),
        (ProbeResult("pod bot-0", "20260101-120000", problem="silent", answered_time="2026-01-01"), NAMED, "True"),
    ],
)
def test_only_what_can_be_compared_is_true_or_false(
    answer: ProbeResult, wanted: TaggedModel, truth: ConditionStatus
) -> None:
    assert serves(answer, wanted) == truth


@pytest.mark.parametrize(
    ("answer", "wanted", "proves"),
    [
        (result("20250101-120000"), NAMED, True),
        (result(), NAMED, True),
        (result("20260101-120000"), NAMED, False),
        (result(FALLBACK_NAME, "a1"), FILE, False),
        (result(FALLBACK_NAME, "b2"), READ, True),
        (ProbeResult("pod bot-0", problem="silent"), NAMED, False),
        (ProbeResult("pod bot-0", "old", problem="silent", answered_time="2026-01-01"), NAMED, False),
        (ProbeResult("pod bot-0", problem="no such time", reason=Reason.MODEL_UNKNOWN), NAMED, True),
        (ProbeResult("pod bot-0", problem="no such time", reason=Reason.MODEL_UNKNOWN), FILE, False),
        (ProbeResult("pod bot-0", problem="no such time", reason=Reason.MODEL_UNKNOWN), READ_1, True),
    ],
)
def test_a_pod_is_only_restarted_for_what_is_proven(answer: ProbeResult, wanted: TaggedModel, proves: bool) -> None:
    assert proves_another(answer, wanted) is proves


def test_why_it_cannot_be_compared_is_told_with_a_remedy() -> None:
    assert not_comparable(result(FALLBACK_NAME, "a1"), FILE) == (
        "pod bot-0 serves a model that it calls model; whether that is the file of the tag (ETag 5f3c-6123) is not "
        "known, since the model server names no models: the file of the tag has not been read yet. A header `filename` "
        "with a name for each model, ending in .tar.gz, tells it, too"
    )
    unreadable = TaggedModel("5f3c-6123", "5f3c-6123", unidentified="the file is too large")
    assert "names no models: the file is too large. A header" in not_comparable(result(FALLBACK_NAME, "a1"), unreadable)
    assert "let what stands before the model server keep this header" in not_comparable(result(FALLBACK_NAME), NAMED)


def test_what_is_served_has_the_name_of_what_is_wanted_where_it_is_that() -> None:
    assert served_name(result(FALLBACK_NAME, "a1"), READ) == "5f3c-6123"
    assert served_name(result(FALLBACK_NAME, "b2"), READ) == FALLBACK_NAME
    assert served_name(result(), READ) == "no model"


def test_two_models_of_one_name_are_told_apart_in_a_message() -> None:
    assert described(result(FALLBACK_NAME, "b2")) == "model (id b2)"
    assert described_wanted(result(FALLBACK_NAME, "b2"), READ) == "5f3c-6123 (id a1)"
    assert described(result("20250101-120000", "b2")) == "20250101-120000"
    assert described_wanted(result("20250101-120000", "b2"), NAMED) == "20260101-120000"
    assert described_wanted(result("20250101-120000", "b2"), LISTED) == "20260101-120000"
    assert described_wanted(result(FALLBACK_NAME, "b2"), LISTED) == "20260101-120000 (id a1)"


def test_where_only_a_time_of_training_is_told_it_is_said_why_the_wanted_one_is_not_known() -> None:
    answer = ProbeResult("pod bot-0", problem="no such time", reason=Reason.MODEL_UNKNOWN)

    assert unread(answer, FILE) == "; the file of the tag has not been read yet"
    assert unread(answer, READ_1) == unread(answer, NAMED) == unread(result("m"), FILE) == ""


SILENT = ProbeResult("pod support-0", problem="timed out")


@pytest.mark.parametrize(
    ("answer", "wanted", "status"),
    [
        (result(), None, "True"),
        (result("20260101-120000"), None, "False"),
        (SILENT, None, "Unknown"),
        (SILENT, NAMED, "Unknown"),
        (result(), NAMED, "False"),
    ],
)
def test_where_no_model_is_wanted_a_server_without_one_is_right(
    answer: ProbeResult, wanted: TaggedModel | None, status: str
) -> None:
    assert serves_what_is_wanted(answer, wanted) == status
