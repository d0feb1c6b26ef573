"""Which model a tag should carry."""

from __future__ import annotations

from dataclasses import dataclass

from rasa_environments.api.base import ModelReference
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.domain.facts import ServerObservation, TaggedModel


@dataclass(frozen=True)
class DesiredModel:
    """The model that a tag should carry."""

    name: str | None
    """Name of the model; None leaves the tag where it is."""


def desired_model(tag: ModelTag) -> DesiredModel:
    """Return the model that the tag should carry: the one in the spec."""
    return DesiredModel(tag.spec.model)


def reference_to_desired(
    desired: DesiredModel, before: ModelReference | None, tagged: TaggedModel | None, observation: ServerObservation
) -> ModelReference | None:
    """Return the desired model with its hash, which is empty if unknown.

    `before` is the reference in the status, whose hash holds while the server cannot be asked, and `tagged` the model
    that has the tag.
    """
    if desired.name is None:
        return None
    known = tagged if tagged is not None and tagged.name == desired.name else observation.models.get(desired.name)
    if known is not None:
        return ModelReference(name=known.name, hash=known.hash)
    return before if before is not None and before.name == desired.name else ModelReference(name=desired.name, hash="")
