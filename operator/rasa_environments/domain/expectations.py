"""Whether a bot reacted as expected, and what is published of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pydantic import JsonValue

from rasa_environments.domain.conversations import Expectation, Kind, Scalar, Turn
from rasa_environments.rasa.redaction import one_line
from rasa_environments.rasa.replies import Reaction, Slot

NOTHING = "nothing"
OF_REPLIES = frozenset({Kind.BOT, Kind.MATCHES, Kind.UTTER})
"""Expectations of something that the bot says."""


@dataclass(frozen=True)
class StepResult:
    """An expectation, and whether it was met."""

    step: int
    expectation: str
    actual: str
    """If the expectation was not met: on one line of limited length, without control characters."""
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
    met = [_is_met(each, reaction, replies, utterances) for each in turn.expectations]
    actual = _Actual(reaction, secrets)
    return tuple(
        StepResult(each.step, one_line(str(each), secrets), "" if passed else actual.of(each.kind), passed)
        for each, passed in zip(turn.expectations, met, strict=True)
    )


class _Actual:
    """What the bot said, said in one line: once for each kind, since a bot may say a lot."""

    def __init__(self, reaction: Reaction, secrets: tuple[str, ...]) -> None:
        self._reaction = reaction
        self._secrets = secrets
        self._shown: dict[Kind, str] = {}

    def of(self, kind: Kind) -> str:
        """Return what is published of what an expectation of that kind is about."""
        if kind not in self._shown:
            text = self._silence() if kind in OF_REPLIES else ""
            text = text or "; ".join(self._texts(kind))
            self._shown[kind] = one_line(text, self._secrets) if text else NOTHING
        return self._shown[kind]

    def _silence(self) -> str:
        """Return what is likely if an action ran and the bot said nothing; an empty text otherwise."""
        if self._reaction.replies or not self._reaction.actions:
            return ""
        ran = ", ".join(self._reaction.actions)
        return f"{NOTHING}, and ran {ran}: check that the environment's action server is there and has it"

    def _texts(self, kind: Kind) -> Iterable[str]:
        match kind:
            case Kind.BOT | Kind.MATCHES:
                return self._reaction.replies
            case Kind.UTTER:
                return self._reaction.utterances
            case Kind.SLOT_WAS_SET | Kind.SLOT_WAS_NOT_SET:
                return (f"{slot.name} = {slot.value}" for slot in self._reaction.slots)


def _is_met(expectation: Expectation, reaction: Reaction, replies: list[str], utterances: list[str]) -> bool:
    match expectation.kind:
        case Kind.BOT:
            return _take(replies, lambda reply: reply.strip() == expectation.text)
        case Kind.MATCHES:
            pattern = expectation.pattern
            return pattern is not None and _take(replies, pattern.found_in)
        case Kind.UTTER:
            return _take(utterances, expectation.text.__eq__)
        case Kind.SLOT_WAS_SET | Kind.SLOT_WAS_NOT_SET:
            found = any(_is_slot(slot, expectation) for slot in reaction.slots)
            return found is (expectation.kind is Kind.SLOT_WAS_SET)


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
