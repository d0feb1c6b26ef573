"""The newest model on a server whose name matches a pattern."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Final

from rasa_environments.api.conditions import ConditionType, Reason
from rasa_environments.api.model_tag import Follow, ModelTag
from rasa_environments.domain.facts import ServerObservation, TaggedModel
from rasa_environments.domain.waiting import Waiting

UNFOLLOWABLE: Final = frozenset({Reason.MODEL_NOT_FOUND, Reason.UPLOAD_TIME_UNKNOWN})
"""Reasons why no model is the newest."""


def newest_model(follow: Follow, models: Iterable[TaggedModel]) -> TaggedModel | Waiting:
    """Return the newest of the models that match, or why there is none.

    Models of which the time is unknown come first. Of two that were uploaded at the same time, the one that was trained
    last is the newest, and of two that were trained at the same time, the last by name.
    """
    pattern, by = follow.name_pattern, follow.newest_by
    matching = [model for model in models if fnmatchcase(model.name, pattern)]
    if not matching:
        return Waiting(Reason.MODEL_NOT_FOUND, f"no model that the model server lists matches {pattern}")
    if by == "Name":
        return max(matching, key=lambda model: model.name)
    if by == "TrainingTime":
        return max(matching, key=lambda model: (model.trained_at or 0.0, model.name))
    uploaded = [(model.uploaded_at, model) for model in matching if model.uploaded_at is not None]
    if uploaded:
        return max(uploaded, key=lambda found: (found[0], found[1].trained_at or 0.0, found[1].name))[1]
    return Waiting(
        Reason.UPLOAD_TIME_UNKNOWN,
        "the model server does not say when its models were uploaded: set spec.follow.newestBy to TrainingTime or Name",
    )


def is_outdated(tag: ModelTag, observation: ServerObservation) -> bool:
    """Return whether the status of a tag that follows a pattern names another model than the newest, or falsely one."""
    if tag.spec.follow is None or tag.spec.model is not None or not observation.known:
        return False
    newest = newest_model(tag.spec.follow, observation.models.values())
    promoted = (each for each in tag.status.conditions or () if each.type == ConditionType.PROMOTED)
    knows_none = any(each.reason in UNFOLLOWABLE for each in promoted)
    if isinstance(newest, Waiting) or knows_none:
        return isinstance(newest, Waiting) is not knows_none
    known = tag.status.candidate_model or tag.status.desired_model
    return known is None or known.name != newest.name
