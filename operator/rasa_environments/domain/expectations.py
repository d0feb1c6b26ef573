"""Whether a bot reacted as expected, and what is published of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import JsonValue

from rasa_environments.domain.conversations import Expectation, Kind, Scalar, Turn
from rasa_environments.rasa.redaction import one_line
from rasa_environments.rasa.replies import Reaction, Slot

NOTHING = "nothing"


@dataclass(frozen=True)
class StepResult:
    """An expectation, and whether it was met."""

    step: int
    expectation: str
    actual: str
    """On one line of limited length, without control characters."""
    passed: bool


@dataclass(frozen=True)
class ConversationResult:
    """A conversation that was held up to its end, or to the first expectation that was not met."""

    name: str
    file: str
    steps: tuple[StepResult, ...]

    @property
    def failure(self) -> StepResult | None:
        """The first expectation that was not met."""
        return next((step for step in self.steps if not step.passed), None)


def compare(turn: Turn, reaction: Reaction, secrets: tuple[str, ...] = ()) -> tuple[StepResult, ...]:
    """Return the results of what is expected after a message, in order.

    As in Rasa's own tests, a reply meets one expectation, in any order, and further replies are allowed.
    """
    replies, utterances = list(reaction.replies), list(reaction.utterances)
    return tuple(_result(each, reaction, replies, utterances, secrets) for each in turn.expectations)


def _result(
    expectation: Expectation,
    reaction: Reaction,
    replies: list[str],
    utterances: list[str],
    secrets: tuple[str, ...],
) -> StepResult:
    actual: tuple[str, ...] = reaction.replies
    match expectation.kind:
        case Kind.BOT:
            passed = _take(replies, lambda reply: reply.strip() == expectation.text)
        case Kind.MATCHES:
            pattern = expectation.pattern
            passed = pattern is not None and _take(replies, pattern.found_in)
        case Kind.UTTER:
            actual = reaction.utterances
            passed = _take(utterances, expectation.text.__eq__)
        case Kind.SLOT_WAS_SET | Kind.SLOT_WAS_NOT_SET:
            actual = tuple(f"{slot.name} = {slot.value}" for slot in reaction.slots)
            found = any(_is_slot(slot, expectation) for slot in reaction.slots)
            passed = found is (expectation.kind is Kind.SLOT_WAS_SET)
    shown = one_line("; ".join(actual), secrets) if actual else NOTHING
    return StepResult(expectation.step, one_line(str(expectation), secrets), shown, passed)


def _take(values: list[str], accepts: Callable[[str], bool]) -> bool:
    """Remove the first value that is accepted; return whether there was one."""
    for index, value in enumerate(values):
        if accepts(value):
            del values[index]
            return True
    return False


def _is_slot(slot: Slot, expectation: Expectation) -> bool:
    if slot.name != expectation.text:
        return False
    return not expectation.has_value or _equal(slot.value, expectation.value)


def _equal(actual: JsonValue, expected: Scalar) -> bool:
    """Compare values; True is not 1 here."""
    return actual == expected and isinstance(actual, bool) == isinstance(expected, bool)
