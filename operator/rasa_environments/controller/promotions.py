"""What came of promotions, counted since the process started."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum

from rasa_environments.api.model_tag import ModelTag


class Move(StrEnum):
    """Why a tag was moved."""

    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"
    PUT_BACK = "put_back"
    """It had been on this model before, and somebody moved it or took it away."""


FAILED = "failed"


class Promotions:
    """Counts of moved tags and of promotions that failed."""

    def __init__(self) -> None:
        self._results: Counter[str] = Counter()
        self._drift = 0

    def moved(self, tag: ModelTag) -> Move:
        """Counts that the tag was put on the model that `tag` wants; returns why."""
        move = move_of(tag)
        if move is Move.PUT_BACK:
            self._drift += 1
        else:
            self._results[move] += 1
        return move

    def failed(self) -> None:
        """Counts a promotion of which the status says since now that the tag is not on its model."""
        self._results[FAILED] += 1

    @property
    def results(self) -> dict[str, int]:
        """How many promotions had which result; each possible result is there."""
        return {result: self._results[result] for result in (Move.PROMOTED, Move.ROLLED_BACK, FAILED)}

    @property
    def drift(self) -> int:
        """How many tags were put back."""
        return self._drift


def move_of(tag: ModelTag) -> Move:
    """What it means that the tag had to be put on the model that `tag` wants."""
    known = tag.status
    if known.tagged_model is None:
        return Move.PROMOTED
    if known.tagged_model.name == tag.spec.model:
        return Move.PUT_BACK
    previous = known.previous_model
    return Move.ROLLED_BACK if previous is not None and previous.name == tag.spec.model else Move.PROMOTED
