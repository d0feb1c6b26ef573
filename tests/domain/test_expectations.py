"""Whether a bot reacted as expected."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from rasa_environments.domain.conversations import Turn, parse
from rasa_environments.domain.expectations import ConversationResult, compare
from rasa_environments.rasa.redaction import one_line
from rasa_environments.rasa.replies import Reaction, Slot


def turn(*expected: str) -> Turn:
    """A message with these expectations, each a step in YAML."""
    lines = "".join(f"\n      - {step}" for step in ("user: hi", *expected))
    (conversation,) = parse(f"test_cases:\n  - test_case: greeting\n    steps:{lines}", "file")
    return conversation.turns[0]


@pytest.mark.parametrize(
    ("step", "reaction", "passed"),
    [
        ("bot: Hello.", Reaction(("Hello.",)), True),
        ("bot: Hello.", Reaction(("Hello. ",)), True),
        ("bot: Hello.", Reaction(("Goodbye.", "Hello.")), True),
        ("bot: Hello.", Reaction(("Hello",)), False),
        ("bot: Hello.", Reaction(), False),
        ('matches: "^Hel"', Reaction(("Hello.",)), True),
        ('matches: "^hel"', Reaction(("Hello.",)), False),
        ("utter: utter_greet", Reaction(("Hello.",), ("utter_greet",)), True),
        ("utter: utter_greet", Reaction(("utter_greet",), ()), False),
        ("slot_was_set: [a]", Reaction(slots=(Slot("a", None),)), True),
        ("slot_was_set: [a: 1]", Reaction(slots=(Slot("a", 1),)), True),
        ("slot_was_set: [a: 1]", Reaction(slots=(Slot("a", True),)), False),
        ("slot_was_set: [a: null]", Reaction(slots=(Slot("a", 1),)), False),
        ("slot_was_not_set: [a]", Reaction(slots=(Slot("b", 1),)), True),
        ("slot_was_not_set: [a: 1]", Reaction(slots=(Slot("a", 2),)), True),
        ("slot_was_not_set: [a]", Reaction(slots=(Slot("a", 1),)), False),
    ],
)
def test_an_expectation_is_met_or_not(step: str, reaction: Reaction, *, passed: bool) -> None:
    (result,) = compare(turn(step), reaction)

    assert result.passed is passed


def test_a_reply_meets_one_expectation_in_any_order() -> None:
    two, three = turn("bot: a", "bot: b"), turn("bot: a", "bot: a")

    assert all(each.passed for each in compare(two, Reaction(("b", "more", "a"))))
    assert [each.passed for each in compare(three, Reaction(("a", "b")))] == [True, False]


@pytest.mark.parametrize("step", ["bot: Hello.", 'matches: "^Hel"', "utter: utter_greet"])
def test_of_a_bot_that_says_nothing_the_action_is_named_that_may_lack_its_server(step: str) -> None:
    (silent,) = compare(turn(step), Reaction(utterances=("action_greet",), actions=("action_greet",)))
    (spoken,) = compare(turn(step), Reaction(("Hi.",), ("utter_hi",), actions=("action_greet",)))

    assert silent.actual.startswith(
        "nothing, and ran action_greet: check that the environment's action server is there"
    )
    assert "action server" not in spoken.actual


def test_what_is_published_is_one_line_of_limited_length_without_secrets() -> None:
    (result,) = compare(turn("bot: Hello."), Reaction(("\x1b[31mred\n" + "x" * 4000, "t0ken")), secrets=("t0ken",))

    assert "\x1b" not in result.actual
    assert "\n" not in result.actual
    assert len(result.actual) < 320
    (hidden,) = compare(turn("bot: Hello."), Reaction(("it is t0ken",)), secrets=("t0ken",))
    assert (hidden.actual, hidden.expectation) == ("it is ***", "bot: Hello.")
    (silent,) = compare(turn("bot: Hello."), Reaction())
    assert silent.actual == "nothing"


def test_what_a_bot_says_is_made_printable_once_however_much_is_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    slots = (Slot("a", "x y" * 300_000),)
    lengths: list[int] = []

    def counted(text: str, secrets: Iterable[str]) -> str:
        lengths.append(len(text))
        return one_line(text, secrets)

    monkeypatch.setattr("rasa_environments.domain.expectations.one_line", counted)

    results = compare(turn(*["slot_was_set: [a: 1]"] * 49), Reaction(slots=slots))

    assert [length for length in lengths if length > 1000] == [900_004]
    assert {len(result.actual) for result in results} == {303}


def test_the_first_unmet_expectation_is_the_failure_of_a_conversation() -> None:
    steps = compare(turn("bot: a", "bot: b"), Reaction(("a",)))
    result = ConversationResult("greeting", "file", steps)

    assert result.failure == steps[1]
    assert ConversationResult("greeting", "file", steps[:1]).failure is None
