"""The newest model on a server whose name matches a pattern."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from rasa_environments.api.model_tag import Follow, ModelTag
from rasa_environments.domain.facts import ServerObservation, TaggedModel


def newest_model(follow: Follow, models: Iterable[TaggedModel]) -> TaggedModel | None:
    """Return the newest of the models that match; None if none does.

    By training time, models of which it is unknown come first, and of two of the same time the name decides.
    """
    matching = (model for model in models if fnmatchcase(model.name, follow.name_pattern))
    if follow.newest_by == "Name":
        return max(matching, key=lambda model: model.name, default=None)
    return max(matching, key=lambda model: (model.trained_at or 0.0, model.name), default=None)


def has_a_newer_model(tag: ModelTag, observation: ServerObservation) -> bool:
    """Return whether the tag follows a pattern, and its status does not name the newest model that matches yet."""
    if tag.spec.follow is None or tag.spec.model is not None or not observation.known:
        return False
    newest = newest_model(tag.spec.follow, observation.models.values())
    known = tag.status.candidate_model or tag.status.desired_model
    return newest is not None and (known is None or known.name != newest.name)
