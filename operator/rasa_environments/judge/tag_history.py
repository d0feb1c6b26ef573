"""The history of a tag: which models had it, since when, who promoted them, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from rasa_environments.api.base import ModelReference
from rasa_environments.api.model_tag import HistoryEntry, ModelTag, ModelTagStatus
from rasa_environments.domain.desired_model import DesiredModel, Origin
from rasa_environments.domain.facts import TaggedModel
from rasa_environments.domain.live_results import LiveResult

Cause: TypeAlias = Literal["Promotion", "Rollback", "PromoteFrom", "Follow", "Replacement"]
Results: TypeAlias = Mapping[tuple[str, str], LiveResult]
"""What became of models that were verified live, by name and hash."""
NO_RESULTS: Final[Results] = {}


@dataclass(frozen=True)
class Promoter:
    """Who or what gave the tag its model."""

    cause: Cause | None = None
    person: str | None = None
    message: str | None = None


NOBODY = Promoter()
_CAUSES: Final[Mapping[Origin, Cause | None]] = {
    Origin.NONE: None,
    Origin.SPEC: "Promotion",
    Origin.PROMOTE_FROM: "PromoteFrom",
    Origin.FOLLOW: "Follow",
}


def promoter_of(decision: DesiredModel, tag: ModelTag) -> Promoter:
    """Return who promotes the desired model of the tag; nobody, if the tag is only monitored, or found on it.

    While the next model waits, the present one is the work of an earlier decision, of which the status says no more.
    """
    if decision.rolled_back_because:
        return Promoter("Rollback", message=decision.rolled_back_because)
    if decision.waiting is not None:
        if tag.status.desired_model is None:
            return NOBODY
        return Promoter(_CAUSES[decision.origin])
    match decision.origin:
        case Origin.NONE:
            return NOBODY
        case Origin.SPEC:
            had_it_before = any(entry.model == decision.name for entry in tag.status.history or ())
            return Promoter("Rollback" if had_it_before else "Promotion", tag.promoted_by)
        case Origin.PROMOTE_FROM | Origin.FOLLOW:
            return Promoter(_CAUSES[decision.origin], message=decision.let_through_by or None)


def history_with(
    known: ModelTagStatus, tagged: TaggedModel | None, time: str, promoter: Promoter
) -> tuple[HistoryEntry, ...]:
    """Return the models that had the tag, the latest first; a new entry records a new model or new content.

    A change of content alone was promoted by nobody. `known` is the status so far, which has the latest model even if
    the history is limited to none.
    """
    history, latest = tuple(known.history or ()), known.tagged_model
    if not history and latest is not None:
        history = (HistoryEntry(model=latest.name, hash=latest.hash, tagged_time=time),)
    if tagged is None:
        return history
    if not history or history[0].model != tagged.name:
        return (_entry(tagged, time, promoter), *history)
    if history[0].hash != tagged.hash:
        return (_entry(tagged, time, Promoter("Replacement")), *history)
    return history


def with_actions(history: Sequence[HistoryEntry], image: str | None) -> tuple[HistoryEntry, ...]:
    """Return the history with the image of the action server that goes with the latest model."""
    return (history[0].model_copy(update={"action_server_image": image}), *history[1:])


def with_live_result(history: Sequence[HistoryEntry], results: Results) -> tuple[HistoryEntry, ...]:
    """Return the history with what became of the latest model when it was verified live."""
    result = results.get((history[0].model, history[0].hash))
    return (history[0].model_copy(update={"live_verification": result}), *history[1:])


def _entry(tagged: TaggedModel, time: str, promoter: Promoter) -> HistoryEntry:
    return HistoryEntry(
        model=tagged.name,
        hash=tagged.hash,
        tagged_time=time,
        promoted_by=promoter.person,
        cause=promoter.cause,
        message=promoter.message,
    )


def last_model(status: ModelTagStatus) -> ModelReference | None:
    """Return the model that had the tag last; the history lacks it if it is limited to none."""
    if status.history:
        return ModelReference(name=status.history[0].model, hash=status.history[0].hash)
    return status.tagged_model


def previous_model(
    history: Sequence[HistoryEntry], known: ModelTagStatus, results: Results = NO_RESULTS
) -> ModelReference | None:
    """Return the last model in the history that differs from the latest, and did not fail live: a rollback's target."""
    for entry in history[1:]:
        if entry.model != history[0].model and results.get((entry.model, entry.hash)) != "Failed":
            return ModelReference(name=entry.model, hash=entry.hash)
    previous = known.previous_model
    is_latest = previous is not None and bool(history) and previous.name == history[0].model
    return None if is_latest else previous
