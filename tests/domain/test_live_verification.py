"""Which model is verified after it got the tag, and which one gets the tag if it fails."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.base import JsonObject, ModelReference
from rasa_environments.api.model_tag import ModelTag, ModelTagStatus
from rasa_environments.domain.facts import ServerObservation, TaggedModel
from rasa_environments.domain.live_results import failed_live, good_models, passed_live
from rasa_environments.domain.live_verification import needs_live, rollback_target

TIME = "2026-01-01T12:00:00Z"
CHECK = {"conversations": [{"configMapKeyRef": {"name": "a", "key": "b"}}]}
NEW = TaggedModel("new", "n")
NOBODY_LISTS = ServerObservation()
RESULTS = st.sampled_from([None, "Succeeded", "Failed"])


def entry(model: str, result: str | None = None, digest: str | None = None) -> JsonObject:
    """A model that had the tag; its hash is its first letter."""
    told = {} if result is None else {"liveVerification": result}
    return {"model": model, "hash": digest or model[:1], "taggedTime": TIME, **told}


def status(*history: JsonObject, **more: object) -> ModelTagStatus:
    """A status with this history, the latest first."""
    return ModelTagStatus.model_validate({"history": list(history), **more})


def record(model: str, result: str | None, stage: str = "Live") -> JsonObject:
    """A verification."""
    told = {} if result is None else {"result": result}
    return {"name": model, "hash": model[:1], "stage": stage, "conversationsDigest": "d", "startTime": TIME, **told}


def tag(known: ModelTagStatus, **verification: object) -> ModelTag:
    """A ModelTag with that status."""
    spec = {"model": "new", "verification": verification or {"live": CHECK}}
    found = ModelTag.model_validate({"metadata": {"name": "live", "namespace": "bots"}, "spec": spec})
    return found.model_copy(update={"status": known})


def target(known: ModelTagStatus, observation: ServerObservation = NOBODY_LISTS) -> str | None:
    """The name of the model that gets the tag after `new` has failed."""
    found = rollback_target(known, ModelReference(name="new", hash="n"), observation)
    return None if found is None else found.name


def listed(**hashes: str) -> ServerObservation:
    """A server that lists these models."""
    return ServerObservation(models={name: TaggedModel(name, each) for name, each in hashes.items()}, known=True)


def test_the_latest_result_counts() -> None:
    again = status(entry("new", "Succeeded"), entry("old"), entry("new", "Failed"))
    model = ModelReference(name="new", hash="n")

    assert passed_live(again, model)
    assert not failed_live(again, model)
    assert failed_live(status(entry("new", "Succeeded"), verifications=[record("new", "Failed")]), model)
    assert passed_live(status(entry("new", "Succeeded"), verifications=[record("new", None)]), model)
    assert not passed_live(status(verifications=[record("new", "Succeeded", "Candidate")]), model)


def test_a_model_that_is_new_to_the_tag_is_verified() -> None:
    assert needs_live(tag(status(entry("old"))), NEW, None)
    assert not needs_live(tag(status(entry("old")), candidate=CHECK), NEW, None)


def test_a_model_that_had_the_tag_is_verified_only_if_it_failed() -> None:
    assert not needs_live(tag(status(entry("old"), entry("new"))), NEW, None)
    assert not needs_live(tag(status(entry("old"), entry("new", "Succeeded"))), NEW, None)
    assert needs_live(tag(status(entry("old"), entry("new", "Failed"))), NEW, None)
    assert needs_live(tag(status(entry("old"), entry("new", digest="other content"))), NEW, None)


def test_what_is_found_on_the_tag_of_a_new_model_tag_is_not_verified() -> None:
    assert not needs_live(tag(ModelTagStatus()), NEW, NEW)
    assert needs_live(tag(ModelTagStatus()), NEW, TaggedModel("old", "o"))


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (status(entry("new", "Failed"), entry("b"), entry("a")), "b"),
        (status(entry("new", "Failed"), entry("b"), entry("a", "Succeeded")), "a"),
        (status(entry("new", "Failed"), entry("b", "Failed"), entry("a")), "a"),
        (status(entry("new", "Failed"), entry("b", "Failed")), None),
        (status(entry("new", "Failed"), entry("new", digest="earlier content")), None),
        (status(previousModel={"name": "b", "hash": "b"}), "b"),
        (status(), None),
    ],
)
def test_the_tag_goes_to_the_last_model_that_passed_else_to_the_last_that_did_not_fail(
    known: ModelTagStatus, expected: str | None
) -> None:
    assert target(known) == expected


def test_the_tag_goes_only_to_a_model_that_the_server_has_with_the_same_content() -> None:
    known = status(entry("new", "Failed"), entry("b"), entry("a"))

    assert target(known, listed(a="a", b="b")) == "b"
    assert target(known, listed(a="a", b="other content")) == "a"
    assert target(known, listed(new="n")) is None


@given(st.lists(st.tuples(st.sampled_from(["new", "a", "b", "c"]), RESULTS), max_size=8))
def test_the_tag_never_goes_to_a_model_that_failed_when_it_was_last_verified(
    history: list[tuple[str, str | None]],
) -> None:
    known = status(*(entry(name, result) for name, result in history))

    found = rollback_target(known, ModelReference(name="new", hash="n"), NOBODY_LISTS)

    if found is None:
        assert {name for name, _ in good_models(known)} <= {"new"}
    else:
        assert found.name != "new"
        assert not failed_live(known, found)
