"""Results of promotions, counted since the process started."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum

from rasa_environments.api.model_tag import ModelTag


class Move(StrEnum):
    """Why a tag was moved."""

    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"
    PUT_BACK = "put_back"
    """The tag had been on this model before, and somebody moved or removed it."""


FAILED = "failed"
REJECTED = "rejected"


class Promotions:
    """Counts of moved tags and of failed promotions."""

    def __init__(self) -> None:
        self._results: Counter[str] = Counter()
        self._drift = 0

    def moved(self, tag: ModelTag, model: str) -> Move:
        """Count that the tag was set on the model; return why."""
        move = move_of(tag, model)
        if move is Move.PUT_BACK:
            self._drift += 1
        else:
            self._results[move] += 1
        return move

    def failed(self) -> None:
        """Count a promotion whose status now says that the tag is not on its model."""
        self._results[FAILED] += 1

    def rejected(self) -> None:
        """Count a promotion whose model has failed its verification."""
        self._results[REJECTED] += 1

    @property
    def results(self) -> dict[str, int]:
        """Number of promotions by result, for every possible result."""
        return {result: self._results[result] for result in (Move.PROMOTED, Move.ROLLED_BACK, FAILED, REJECTED)}

    @property
    def drift(self) -> int:
        """Number of corrected tags."""
        return self._drift


def move_of(tag: ModelTag, model: str) -> Move:
    """Return why the tag had to be set on the model."""
    known = tag.status
    if known.tagged_model is None:
        return Move.PROMOTED
    if known.tagged_model.name == model:
        return Move.PUT_BACK
    previous = known.previous_model
    return Move.ROLLED_BACK if previous is not None and previous.name == model else Move.PROMOTED
