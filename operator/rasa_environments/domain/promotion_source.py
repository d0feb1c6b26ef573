"""The tag that another one gets its models from, and how long its model has been served."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from rasa_environments.api.base import ModelReference
from rasa_environments.api.conditions import Reason
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.domain.lister import Lister, server_of_tag
from rasa_environments.domain.waiting import Waiting, stated

CONFIRMATION_SECONDS = 5.0
"""Seconds until it is looked at again whether environments have answered after the operator's start."""


@dataclass(frozen=True)
class Source:
    """The ModelTag that models come from."""

    tag: ModelTag
    confirmed: bool = True
    """Whether every environment that pulls its tag has said what it serves since this process started. Before, a
    status may be older than an outage."""

    @property
    def authors(self) -> frozenset[str]:
        """Who promoted its model, if a person did: by the history, and by admission, since anybody may shorten that."""
        latest = self.tag.status.history[0].promoted_by if self.tag.status.history else None
        return frozenset(name for name in (latest, self.tag.promoted_by) if name is not None)


def source_of(tag: ModelTag, lister: Lister) -> ModelTag | Waiting | None:
    """Return the ModelTag that `tag` is promoted from, or why there is none; None without promoteFrom."""
    if tag.spec.promote_from is None:
        return None
    found = _next(tag, lister)
    if found is None:
        key = tag.metadata.key
        return Waiting(
            Reason.SOURCE_NOT_FOUND,
            f"no ModelTag in namespace {key.namespace} sets the tag {tag.spec.promote_from.tag} of ModelServer "
            f"{server_of_tag(tag)}: create one, or correct spec.promoteFrom.tag",
        )
    names = [each.metadata.name for each in _chain(tag, lister)]
    if tag.metadata.name in names:
        return Waiting(
            Reason.PROMOTION_CYCLE,
            f"the tags are promoted in a circle: {' <- '.join((tag.metadata.name, *names))}; remove "
            "spec.promoteFrom of one of these ModelTags",
        )
    return found


def _chain(tag: ModelTag, lister: Lister) -> Iterator[ModelTag]:
    """Yield the ModelTags that models come through, until one that is not promoted from another or came before."""
    seen, current = set[str](), _next(tag, lister)
    while current is not None and current.metadata.name not in seen:
        yield current
        seen.add(current.metadata.name)
        current = _next(current, lister) if current.metadata.name != tag.metadata.name else None


def _next(tag: ModelTag, lister: Lister) -> ModelTag | None:
    if tag.spec.promote_from is None:
        return None
    found = lister.tag_owner(server_of_tag(tag), tag.spec.promote_from.tag)
    if found is None or found.metadata.namespace != tag.metadata.namespace:
        return None
    return found if found.metadata.deletion_timestamp is None else None  # what is being deleted is not looked at


def soaking(source: Source, model: ModelReference, seconds: int, now: datetime) -> Waiting | None:
    """Return that the model has not been served long enough under the source's tag, or None if it has."""
    tag, served = source.tag, source.tag.status.served_model
    if served is None or (served.name, served.hash) != (model.name, model.hash):
        return Waiting(
            Reason.SOAKING,
            f"model {model.name} is not served by every environment that pulls tag {tag.tag}; see the condition "
            f"Served of ModelTag {tag.metadata.name}",
        )
    ends = datetime.fromisoformat(served.served_time) + timedelta(seconds=seconds)
    if now < ends:
        return Waiting(
            Reason.SOAKING,
            f"model {model.name} is served under tag {tag.tag} since {served.served_time}, and soaks there until "
            f"{stated(ends)}",
            ends,
        )
    if not source.confirmed:
        return Waiting(
            Reason.SOAKING,
            f"model {model.name} has soaked; environments that pull tag {tag.tag} have yet to confirm that they serve "
            "it",
            now + timedelta(seconds=CONFIRMATION_SECONDS),
        )
    return None
