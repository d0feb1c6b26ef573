"""Admission records who promoted what; the record cannot be forged, and is part of the history."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rasa_environments.api.base import JsonObject
from tests.integration.manifests import environment, model_tag
from tests.integration.model_server_process import MODEL_A, MODEL_B
from tests.integration.people import PROMOTED_BY, Person, Team
from tests.integration.space import Space

TAG = "ModelTag"
FORGED = {PROMOTED_BY: "dave"}
Change = Callable[[Person, JsonObject], object]

PROMOTIONS: dict[str, Change] = {
    "model": lambda person, _: person.change(TAG, "any", model="B"),
    "model by apply": lambda person, _: person.apply(model_tag("any", model="B"), "another-manager"),
    "model by replace": lambda person, now: person.replace({**now, "spec": {"model": "B"}}),
    "model, under another name": lambda person, _: person.merge(
        TAG, "any", {"metadata": {"annotations": FORGED}, "spec": {"model": "B"}}
    ),
    "model, and no name": lambda person, _: person.merge(
        TAG, "any", {"metadata": {"annotations": None}, "spec": {"model": "B"}}
    ),
    "model, although it is incompatible": lambda person, _: person.change(TAG, "any", allowIncompatibleModel="A"),
}


def test_a_new_tag_names_who_created_it(team: Team) -> None:
    team.person("carol").create(model_tag("any", model="A"))

    assert team.promoted_by("any") == "carol"


def test_a_new_tag_does_not_name_whom_it_pretends_to_be_from(team: Team) -> None:
    manifest = model_tag("any", model="A")
    manifest["metadata"]["annotations"] = FORGED

    team.person("carol").create(manifest)

    assert team.promoted_by("any") == "carol"


@pytest.mark.parametrize("promotion", PROMOTIONS.values(), ids=PROMOTIONS)
def test_a_promotion_names_who_promoted(team: Team, promotion: Change) -> None:
    team.given(model_tag("any", model="A"))

    promotion(team.person("carol"), team.get(TAG, "any"))

    assert team.promoted_by("any") == "carol"


def test_a_tag_without_a_model_names_nobody_until_it_gets_one(team: Team) -> None:
    manifest = model_tag("any")
    carol = team.person("carol")

    created = carol.create(manifest)
    before = team.promoted_by("any")
    carol.change(TAG, "any", model="A")

    assert created.accepted, created.body["message"]
    assert (before, team.promoted_by("any")) == (None, "carol")


def test_a_model_that_comes_back_names_who_brought_it_back(team: Team) -> None:
    team.given(model_tag("any", model="A"))
    carol = team.person("carol")

    carol.change(TAG, "any", model=None)
    carol.change(TAG, "any", model="A")

    assert team.promoted_by("any") == "carol"


OTHER_CHANGES: dict[str, Change] = {
    "another name": lambda person, _: person.annotate(TAG, "any", promoted_by="dave"),
    "their own name": lambda person, _: person.annotate(TAG, "any", promoted_by="carol"),
    "no name": lambda person, _: person.annotate(TAG, "any", promoted_by=None),
    "no annotations": lambda person, now: person.replace({**now, "metadata": {"name": "any"}}),
    "label": lambda person, _: person.merge(TAG, "any", {"metadata": {"labels": {"team": "bots"}}}),
    "history limit": lambda person, _: person.change(TAG, "any", historyLimit=1),
    "deletion policy": lambda person, _: person.change(TAG, "any", deletionPolicy="Delete"),
    "same model": lambda person, _: person.apply(model_tag("any", model="A"), "another-manager"),
    "another model allowed": lambda person, _: person.change(TAG, "any", allowIncompatibleModel="B"),
    "no model": lambda person, _: person.change(TAG, "any", model=None),
}


@pytest.mark.parametrize("change", OTHER_CHANGES.values(), ids=OTHER_CHANGES)
def test_between_promotions_the_name_stays_whatever_is_written(team: Team, change: Change) -> None:
    team.given(model_tag("any", model="A"))

    change(team.person("carol"), team.get(TAG, "any"))

    assert team.promoted_by("any") == "alice"


def wait_until_tagged(space: Space, model: str) -> None:
    """Wait until the tag production is on the model."""
    space.eventually(
        lambda: space.status(TAG, "production").get("taggedModel", {}).get("name") == model, f"the tag to be on {model}"
    )


def test_the_history_tells_who_promoted_what_and_when(tag_space: Space) -> None:
    alice, carol = (Person(tag_space.api, name, tag_space.namespace, "system:masters") for name in ("alice", "carol"))
    created = alice.create(model_tag(model=MODEL_A))
    assert created.accepted, created.body["message"]
    wait_until_tagged(tag_space, MODEL_A)
    carol.change(TAG, "production", model=MODEL_B)
    wait_until_tagged(tag_space, MODEL_B)
    alice.merge(TAG, "production", {"metadata": {"labels": {"team": "bots"}}})
    tag_space.apply(environment())
    tag_space.wait_until_ready()

    latest, first = tag_space.status(TAG, "production")["history"]

    assert (latest["model"], latest["promotedBy"]) == (MODEL_B, "carol")
    assert (first["model"], first["promotedBy"]) == (MODEL_A, "alice")
    assert first["taggedTime"] <= latest["taggedTime"]
