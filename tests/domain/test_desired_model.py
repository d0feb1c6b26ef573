"""Which model a tag should carry, and by which hash its status names it."""

from __future__ import annotations

import pytest

from rasa_environments.api.base import ModelReference
from rasa_environments.domain.desired_model import DesiredModel, desired_model, reference_to_desired
from rasa_environments.domain.facts import ServerObservation, TaggedModel
from tests.reconcile.objects import tag

TAGGED, LISTED = TaggedModel("model-1", "tagged"), ServerObservation({"model-1": TaggedModel("model-1", "listed")})
BEFORE, UNLISTED = ModelReference(name="model-1", hash="before"), ServerObservation()
DESIRED = DesiredModel("model-1")


@pytest.mark.parametrize("model", ["model-1", None])
def test_the_model_of_the_spec_is_desired(model: str | None) -> None:
    assert desired_model(tag("live", model=model)) == DesiredModel(model)


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
