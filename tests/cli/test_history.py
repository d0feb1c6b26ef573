"""The history of a tag: models that had it, and models that were rejected, in the order of events."""

from __future__ import annotations

from rasa_environments.api.base import JsonObject
from rasa_environments.api.model_tag import ModelTagStatus
from rasa_environments.cli.history import events_of

DAYS = [f"2026-01-0{day}T12:00:00Z" for day in range(1, 6)]
HAD: JsonObject = {"hash": "1", "cause": "Promotion", "promotedBy": "carol"}


def record(name: str, result: str, time: str) -> JsonObject:
    """A verification that is over."""
    made = {"name": name, "hash": "2", "stage": "Candidate", "conversationsDigest": "d", "startTime": DAYS[0]}
    return {**made, "result": result, "completionTime": time}


def cells(**status: object) -> list[tuple[str, ...]]:
    """The rows of the history of such a status."""
    return [event.cells for event in events_of(ModelTagStatus.model_validate(status))]


def test_rejections_are_among_the_models_that_had_the_tag_and_have_no_number() -> None:
    history = [{**HAD, "model": "c", "taggedTime": DAYS[4]}, {**HAD, "model": "a", "taggedTime": DAYS[0]}]
    rejected = [
        {"name": "b", "hash": "2", "reason": "VerificationFailed", "message": "step 2", "rejectedTime": DAYS[2]}
    ]
    verifications = [record("c", "Succeeded", DAYS[4]), record("b", "Failed", DAYS[2]), record("x", "Failed", DAYS[1])]

    assert cells(history=history, rejected=rejected, verifications=verifications) == [
        ("0", "c", DAYS[4], "carol", "Promotion"),
        ("-", "b", DAYS[2], "verification", "VerificationFailed, step 2"),
        ("-", "x", DAYS[1], "verification", "ModelRejected, failed its verification"),
        ("1", "a", DAYS[0], "carol", "Promotion"),
    ]


def test_a_tag_that_has_rejected_its_first_model_has_a_history() -> None:
    assert cells(verifications=[record("b", "Failed", DAYS[2])]) == [
        ("-", "b", DAYS[2], "verification", "ModelRejected, failed its verification")
    ]


def test_a_model_that_failed_live_is_rejected_and_the_one_before_has_the_tag_again() -> None:
    back = {"model": "a", "hash": "1", "taggedTime": DAYS[2], "cause": "Rollback", "message": "model b failed"}
    bad = {"model": "b", "hash": "2", "taggedTime": DAYS[1], "cause": "Promotion", "liveVerification": "Failed"}
    good = {"model": "a", "hash": "1", "taggedTime": DAYS[0], "liveVerification": "Succeeded"}
    rejected = {"name": "b", "hash": "2", "reason": "VerificationFailed", "message": "step 2", "rejectedTime": DAYS[2]}

    assert [
        (number, model, why) for number, model, _, _, why in cells(history=[back, bad, good], rejected=[rejected])
    ] == [
        ("0", "a", "Rollback, model b failed"),
        ("-", "b", "VerificationFailed, step 2"),
        ("1", "b", "Promotion, failed live"),
        ("2", "a", "passed live"),
    ]
