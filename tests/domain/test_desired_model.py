"""Which model a tag should carry, what lets the next one through, and by which hash its status names it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.base import ModelReference
from rasa_environments.api.conditions import Reason
from rasa_environments.api.model_tag import PROMOTED_BY_ANNOTATION, HistoryEntry, ModelTag, ModelTagStatus, ServedModel
from rasa_environments.domain.desired_model import (
    Circumstances,
    DesiredModel,
    Origin,
    desired_model,
    reference_to_desired,
)
from rasa_environments.domain.facts import ServerObservation, TaggedModel
from rasa_environments.domain.promotion_source import CONFIRMATION_SECONDS, Source
from rasa_environments.domain.waiting import Waiting
from tests.reconcile.objects import server, tag

TAGGED, LISTED = TaggedModel("model-1", "tagged"), ServerObservation({"model-1": TaggedModel("model-1", "listed")})
BEFORE, UNLISTED = ModelReference(name="model-1", hash="before"), ServerObservation()
DESIRED = DesiredModel("model-1")

OLD, NEW = ModelReference(name="old", hash="0"), ModelReference(name="new", hash="1")
SERVED_SINCE = datetime(2026, 1, 1, 12, tzinfo=UTC)
SOAK = timedelta(seconds=3600)
ENOUGH = SERVED_SINCE + SOAK


def staging(*, served: ModelReference | None = NEW, author: str | None = "alice", confirmed: bool = True) -> Source:
    """The ModelTag staging on the model `new`, of which `served` is served everywhere since 12:00."""
    status = ModelTagStatus(
        tagged_model=NEW,
        served_model=served and ServedModel(name=served.name, hash=served.hash, served_time="2026-01-01T12:00:00Z"),
        history=[HistoryEntry(model="new", hash="1", tagged_time="2026-01-01T11:59:00Z", promoted_by=author)],
    )
    return Source(tag("staging", model="new").model_copy(update={"status": status}), confirmed)


def production(
    desired: ModelReference | None = OLD, *, approvals: int = 0, approved: tuple[dict[str, Any], ...] = (), **spec: Any
) -> ModelTag:
    """The ModelTag production, promoted from staging after an hour there, with these approvals."""
    rule = {"tag": "staging", "soakSeconds": 3600, "approvals": approvals}
    found = tag("production", **{"model": None, "promoteFrom": rule, "approvals": list(approved), **spec})
    return found.model_copy(update={"status": ModelTagStatus(desired_model=desired, tagged_model=desired)})


def approval(by: str | None, model: ModelReference = NEW) -> dict[str, Any]:
    """An approval of a model."""
    return {"model": model.name, "hash": model.hash, **({"approvedBy": by} if by else {})}


def decided(of: ModelTag, source: Source | Waiting | None, now: datetime = ENOUGH) -> DesiredModel:
    """What is decided for a ModelTag."""
    return desired_model(of, Circumstances(now, source, server()))


@pytest.mark.parametrize("model", ["model-1", None])
def test_the_model_of_the_spec_is_desired(model: str | None) -> None:
    assert decided(tag("live", model=model), None).name == model


def test_nothing_is_let_through_for_a_tag_that_is_not_the_model_tags_to_set() -> None:
    nobodys = Circumstances(ENOUGH, staging(), server=None)

    assert desired_model(production(), nobodys).name == "old"
    assert desired_model(production(model="pinned"), nobodys).name == "old"


def test_a_model_that_soaked_long_enough_is_let_through() -> None:
    found = decided(production(), staging())

    assert (found.name, found.hash, found.waiting, found.candidate) == ("new", "1", None, None)
    assert found.let_through_by == "from tag staging, served there since 2026-01-01T12:00:00Z"


def test_a_model_that_soaks_waits_until_it_has_soaked() -> None:
    found = decided(production(), staging(), ENOUGH - timedelta(seconds=1))

    assert (found.name, found.candidate) == ("old", NEW)
    assert found.waiting == Waiting(
        Reason.SOAKING,
        "model new is served under tag staging since 2026-01-01T12:00:00Z, and soaks there until 2026-01-01T13:00:00Z",
        ENOUGH,
    )


@pytest.mark.parametrize("served", [None, OLD, ModelReference(name="new", hash="other content")])
def test_a_model_that_is_not_served_everywhere_waits_without_an_end(served: ModelReference | None) -> None:
    found = decided(production(), staging(served=served))

    assert found.name == "old"
    assert found.waiting is not None
    assert (found.waiting.reason, found.waiting.until) == (Reason.SOAKING, None)


def test_after_the_start_of_the_operator_what_a_status_says_has_to_be_confirmed() -> None:
    found = decided(production(), staging(confirmed=False))

    assert found.name == "old"
    assert found.waiting is not None
    assert found.waiting.until == ENOUGH + timedelta(seconds=CONFIRMATION_SECONDS)


def test_a_model_whose_content_was_replaced_on_the_server_waits() -> None:
    listed = ServerObservation({"new": TaggedModel("new", "replaced")}, known=True)

    found = desired_model(production(), Circumstances(ENOUGH, staging(), server(), listed))

    assert found.name == "old"


def test_a_model_that_was_let_through_stays_even_if_its_source_serves_it_no_more() -> None:
    found = decided(production(NEW), staging(served=None), SERVED_SINCE)

    assert (found.name, found.waiting) == ("new", None)


def test_until_the_first_model_is_let_through_the_tag_stays_where_it_is() -> None:
    found = decided(production(None), staging(), SERVED_SINCE)

    assert (found.name, found.candidate) == (None, NEW)


def test_a_model_of_the_spec_pins_the_tag_whatever_the_source_has() -> None:
    found = decided(production(model="pinned"), staging())

    assert (found.name, found.origin) == ("pinned", Origin.SPEC)


def test_without_its_source_the_tag_keeps_its_model_and_says_why() -> None:
    missing = Waiting(Reason.SOURCE_NOT_FOUND, "no ModelTag")

    found = decided(production(), missing)

    assert (found.name, found.candidate, found.waiting) == ("old", None, missing)


@pytest.mark.parametrize(
    ("required", "approved", "passes"),
    [
        (1, (), False),
        (1, (approval("bob"),), True),
        (1, (approval("alice"),), True),
        (1, (approval(None),), False),
        (1, (approval("bob", OLD),), False),
        (1, (approval("bob", ModelReference(name="new", hash="other content")),), False),
        (2, (approval("bob"), approval("bob")), False),
        (2, (approval("alice"), approval("bob")), False),
        (2, (approval("carol"), approval("bob")), True),
        (2, (approval("alice"), approval("bob"), approval("carol")), True),
    ],
    ids=[
        "none",
        "one",
        "the author, if one is enough",
        "without a name",
        "of another model",
        "of other content",
        "one person twice",
        "the author does not count",
        "two others",
        "two others and the author",
    ],
)
def test_enough_different_people_have_to_approve_this_very_content(
    required: int, approved: tuple[dict[str, Any], ...], passes: bool
) -> None:
    found = decided(production(approvals=required, approved=approved), staging())

    assert (found.name == "new") is passes
    assert (found.waiting is None) is passes
    if found.waiting is not None:
        assert found.waiting.reason is Reason.APPROVAL_PENDING


def test_the_author_does_not_count_although_the_history_was_shortened() -> None:
    source = staging().tag
    annotated = source.metadata.model_copy(update={"annotations": {PROMOTED_BY_ANNOTATION: "alice"}})
    status = source.status.model_copy(update={"history": None})
    shortened = Source(source.model_copy(update={"metadata": annotated, "status": status}))

    found = decided(production(approvals=2, approved=(approval("alice"), approval("bob"))), shortened)

    assert found.name == "old"


def test_who_approved_is_part_of_what_let_the_model_through() -> None:
    found = decided(production(approvals=2, approved=(approval("carol"), approval("bob"))), staging())

    assert found.let_through_by.endswith("approved by bob, carol")


def test_all_that_a_model_waits_for_is_said_at_once() -> None:
    found = decided(production(approvals=1), staging(), SERVED_SINCE)

    assert found.waiting is not None
    assert found.waiting.reason is Reason.SOAKING
    assert "soaks there until 2026-01-01T13:00:00Z; model new has 0 of 1 approvals" in found.waiting.message


@given(
    seconds=st.integers(0, 7200),
    confirmed=st.booleans(),
    served=st.sampled_from([NEW, OLD, None]),
    names=st.lists(st.sampled_from(["alice", "bob", "carol"]), max_size=4),
    required=st.integers(0, 3),
)
def test_no_model_passes_unless_it_soaked_and_was_approved(
    seconds: int, confirmed: bool, served: ModelReference | None, names: list[str], required: int
) -> None:
    of = production(approvals=required, approved=tuple(map(approval, names)))
    now = SERVED_SINCE + timedelta(seconds=seconds)

    found = decided(of, staging(served=served, confirmed=confirmed), now)

    counted = set(names) - ({"alice"} if required > 1 else set())
    passes = served == NEW and confirmed and seconds >= 3600 and len(counted) >= required
    assert found.name == ("new" if passes else "old")
    assert (found.waiting is None) is passes
    # Looking again at the time that it says, and not before, is all that is needed.
    if found.waiting is not None and found.waiting.until is not None:
        assert found.waiting.until > now


@pytest.mark.parametrize(
    ("before", "tagged", "observation", "expected"),
    [
        (BEFORE, TAGGED, LISTED, "tagged"),
        (BEFORE, TaggedModel("model-2", "other"), LISTED, "listed"),
        (BEFORE, None, UNLISTED, "before"),
        (ModelReference(name="model-2", hash="other"), None, UNLISTED, ""),
        (None, None, UNLISTED, ""),
    ],
)
def test_its_hash_is_that_of_the_tag_or_of_the_listing_or_the_one_known_before(
    before: ModelReference | None, tagged: TaggedModel | None, observation: ServerObservation, expected: str
) -> None:
    found = reference_to_desired(DESIRED, before, tagged, observation)

    assert found == ModelReference(name="model-1", hash=expected)


def test_without_a_desired_model_the_status_names_none() -> None:
    assert reference_to_desired(DesiredModel(None), BEFORE, TAGGED, LISTED) is None


FREEZE = {"reason": "holidays", "endTime": "2026-01-02T00:00:00Z"}
UNFROZEN = datetime(2026, 1, 2, tzinfo=UTC)


def frozen(of: ModelTag, source: Source | None = None, now: datetime = ENOUGH) -> DesiredModel:
    """What is decided for a ModelTag while its ModelServer is frozen."""
    return desired_model(of, Circumstances(now, source, server(freeze=FREEZE)))


def test_a_promotion_by_spec_waits_while_the_server_is_frozen() -> None:
    found = frozen(production(model="new"))

    assert (found.name, found.candidate) == ("old", ModelReference(name="new", hash=""))
    assert found.waiting == Waiting(
        Reason.FROZEN, "ModelServer bots/default is frozen until 2026-01-02T00:00:00Z: holidays", UNFROZEN
    )
    assert frozen(production(model="new"), now=UNFROZEN).name == "new"


def test_the_first_model_of_a_tag_waits_as_well() -> None:
    assert frozen(production(None, model="new")).name is None


def test_a_model_of_another_tag_waits_while_the_server_is_frozen() -> None:
    found = frozen(production(), staging())

    assert found.name == "old"
    assert found.waiting is not None
    assert found.waiting.reason is Reason.FROZEN


def test_the_model_that_a_tag_has_is_not_held() -> None:
    found = frozen(production(model="old"))

    assert (found.name, found.waiting) == ("old", None)


@pytest.mark.parametrize(
    ("listed", "name"), [(None, "older"), ("2", "older"), ("replaced", "old")], ids=["not listed", "same", "another"]
)
def test_a_rollback_to_content_that_the_tag_had_is_never_held(listed: str | None, name: str) -> None:
    of = production(model="older")
    history = [HistoryEntry(model="older", hash="2", tagged_time="2025-01-01T00:00:00Z")]
    of = of.model_copy(update={"status": of.status.model_copy(update={"history": history})})
    models = {} if listed is None else {"older": TaggedModel("older", listed)}

    found = desired_model(of, Circumstances(ENOUGH, None, server(freeze=FREEZE), ServerObservation(models)))

    assert found.name == name


def test_whether_a_window_is_open_counts_at_the_end_of_the_soak() -> None:
    window = {"name": "night", "type": "Deny", "schedule": "0 12 * * *", "durationSeconds": 1800}

    found = desired_model(production(), Circumstances(SERVED_SINCE, staging(), server(promotionWindows=[window])))

    assert found.waiting is not None
    assert found.waiting.until == ENOUGH
    assert "windows" not in found.waiting.message


def test_a_model_that_a_window_lets_through_is_recorded_first() -> None:
    window = {"name": "day", "type": "Allow", "schedule": "0 0 * * *", "durationSeconds": 86400}
    of = production(model="new")

    found = desired_model(of, Circumstances(ENOUGH, None, server(promotionWindows=[window])))

    assert found.is_decision(of.status)
    assert not decided(of, None).is_decision(of.status)
