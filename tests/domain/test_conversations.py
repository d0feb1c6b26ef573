"""Conversations in the YAML of Rasa's own end-to-end tests: what is read, and what is refused with a remedy."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.domain.conversations import (
    MAXIMUM_CHARACTERS,
    MAXIMUM_CONVERSATIONS,
    MAXIMUM_PATTERNS,
    ConversationError,
    Kind,
    digest_of,
    parse,
    parse_all,
)
from rasa_environments.domain.patterns import MAXIMUM_REPETITIONS, Pattern, PatternError, compiled

FILE = "bot-conversations/opening-hours.yaml"
OPENING_HOURS = """
test_cases:
  - test_case: opening hours on a weekday
    steps:
      - user: when are you open?
      - utter: utter_opening_hours
      - bot: We open at 9.
      - matches: "^We (open|close)"
      - slot_was_set:
          - topic: hours
          - asked
      - slot_was_not_set:
          - escalated: true
      - user: thanks
"""


def steps(text: str) -> str:
    """A file with one test case of these steps."""
    lines = "".join(f"      {line}\n" for line in text.splitlines())
    return f"test_cases:\n  - test_case: greeting\n    steps:\n{lines}"


def refusal(content: str) -> str:
    """The message with which a file is refused."""
    with pytest.raises(ConversationError) as error:
        parse(content, FILE)
    return str(error.value)


def test_each_message_has_the_expectations_that_follow_it() -> None:
    (conversation,) = parse(OPENING_HOURS, FILE)

    assert (conversation.name, conversation.file) == ("opening hours on a weekday", FILE)
    first, last = conversation.turns
    assert (first.message, last.message, last.expectations) == ("when are you open?", "thanks", ())
    assert [(each.step, each.kind, each.text) for each in first.expectations] == [
        (2, Kind.UTTER, "utter_opening_hours"),
        (3, Kind.BOT, "We open at 9."),
        (4, Kind.MATCHES, "^We (open|close)"),
        (5, Kind.SLOT_WAS_SET, "topic"),
        (5, Kind.SLOT_WAS_SET, "asked"),
        (6, Kind.SLOT_WAS_NOT_SET, "escalated"),
    ]
    assert [each.value for each in first.expectations[3:] if each.has_value] == ["hours", True]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "the file: must be a map"),
        ("rules: []", "has no test_cases: begin with `test_cases:`"),
        ("test_cases: []", "test_cases: must be a list with at least one item"),
        ("test_cases: {}", "test_cases: must be a list with at least one item"),
        ("test_cases: [", "line 2: is no valid YAML"),
        ("test_cases: !!python/object:os.system []", "is no valid YAML"),
        ("fixtures: []\n" + steps("- user: hi\n- bot: hi"), "fixtures is not supported here: remove it"),
        ("tests: []\n" + steps("- user: hi\n- bot: hi"), "'tests' is not one of test_cases"),
        ("test_cases: [{steps: []}]", "test case 1: test_case: must be a text"),
        ("test_cases: [{test_case: a, steps: []}]", "test case 'a': steps: must be a list with at least one item"),
        ('test_cases: [{test_case: "a\\0b", steps: []}]', "test_case: must be one line without control characters"),
        (steps("- bot: hi"), "test case 'greeting': step 1: expects something before the user said anything"),
        (steps("- user: hi"), "test case 'greeting': expects nothing, so that no model can fail it"),
        (steps("- user: hi\n- bot: 9"), "step 2: bot: must be a text: write it, in quotes if it looks like a number"),
        (steps("- user: hi\n- bot: 2026-01-01"), "step 2: bot: must be a text"),
        (steps("- user: hi\n- bot: hi\n  utter: utter_hi"), "step 2: must have exactly one of bot, matches, "),
        (steps("- user: hi\n- robot: hi"), "step 2: 'robot' is not one of bot, matches, slot_was_not_set, "),
        (steps("- user: hi\n  assertions: []"), "step 1: assertions is not supported here: remove it"),
        (steps("- user: hi\n- matches: (?=a)"), "step 2: matches: is no valid pattern"),
        (steps("- user: hi\n- slot_was_set: topic"), "step 2: slot_was_set: must be a list"),
        (steps("- user: hi\n- slot_was_set: [{a: 1, b: 2}]"), "slot_was_set: must list slots as `- name`"),
        (steps("- user: hi\n- slot_was_set: [{a: [1]}]"), "slot_was_set: a: must be a text, number or boolean"),
        ("test_cases: &a [*a]", "has an anchor or alias"),
        (steps("- user: hi\n- bot: " + "x" * 2001), "step 2: bot: has 2001 characters, but may have at most 2000"),
        (OPENING_HOURS + OPENING_HOURS.partition("\n  ")[2].join(["  ", ""]), "two test cases are called"),
    ],
)
def test_a_file_is_refused_with_place_and_remedy(content: str, problem: str) -> None:
    message = refusal(content)

    assert problem in message
    assert message.startswith(f"{FILE}: ")


def test_what_would_take_too_long_is_refused() -> None:
    assert "has 65537 characters" in refusal(" " * (MAXIMUM_CHARACTERS + 1))
    assert "is nested more than 8 levels deep" in refusal("[" * MAXIMUM_CHARACTERS)
    cases = "".join(f"\n- {{test_case: c{index}, steps: [user: hi, bot: hi]}}" for index in range(101))
    assert f"has {MAXIMUM_CONVERSATIONS + 1} items" in refusal(f"test_cases:{cases}")
    many = "".join(
        f"\n- {{test_case: c{index}, steps: [user: hi, matches: a, matches: b]}}" for index in range(MAXIMUM_PATTERNS)
    )
    assert f"have {2 * MAXIMUM_PATTERNS} patterns" in refusal(f"test_cases:{many}")


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [(r"\w?" * 60, "have 2160 characters in patterns"), (r"\w{40}", "have 480 repetitions by a count in patterns")],
)
def test_patterns_that_take_long_together_are_refused_before_one_is_compiled(
    pattern: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(_: str) -> Pattern:
        raise AssertionError("compiled")

    monkeypatch.setattr("rasa_environments.domain.conversations.compiled", never)
    steps = f"- matches: '{pattern}'\n        " * 6
    file = f"test_cases:\n  - test_case: a\n    steps:\n        - user: hi\n        {steps}\n"

    with pytest.raises(ConversationError, match=problem):
        parse_all({"one": file, "two": file})


def test_the_content_of_a_file_that_holds_no_test_cases_is_not_repeated() -> None:
    assert "s3cr3t" not in refusal("password: s3cr3t")
    assert "s3cr3t" not in refusal("s3cr3t: [")


@given(st.text())
def test_any_text_is_read_or_refused(content: str) -> None:
    with suppress(ConversationError):
        assert parse(content, FILE)


def test_a_digest_tells_two_sets_apart() -> None:
    assert digest_of({"a": "b"}) == digest_of({"a": "b"})
    assert (
        len({digest_of({"a": "b"}), digest_of({"a": "c"}), digest_of({"ab": ""}), digest_of({"a": "b", "c": ""})}) == 4
    )


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [("^We open", "We open at 9", True), ("^open", "We open at 9", False), (r"\d{1,2}", "at 9", True)],
)
def test_a_pattern_matches_anywhere_unless_it_is_anchored(pattern: str, text: str, *, found: bool) -> None:
    assert compiled(pattern).found_in(text) is found


@pytest.mark.parametrize(
    "pattern",
    [
        "a" * 201,
        "(a)" + "{2}",
        "a{9}" * 6,
        "a{2}{2}",
        f"a{{{MAXIMUM_REPETITIONS + 1}}}",
        "a{999999999999}",
        r"(a)\1",
        "(",
        "a(?!b)",
    ],
)
def test_a_pattern_that_could_take_long_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        compiled(pattern)


def test_a_pattern_that_makes_others_backtrack_takes_no_longer() -> None:
    assert not compiled("(a*)*b").found_in("a" * 4096)


@pytest.mark.parametrize(
    "content",
    [
        "test_cases: []\ntest_cases: []",
        "test_cases:\n- test_case: a\n  steps: [{user: hi}, {bot: a}]\n  steps: [{user: hi}, {bot: b}]",
        "test_cases:\n- test_case: a\n  steps:\n  - user: hi\n    user: ho",
        'test_cases:\n- test_case: a\n  steps: [{user: hi}, {slot_was_set: [{a: 1, "a": 2}]}]',
    ],
)
def test_a_key_that_stands_twice_is_refused_since_one_of_the_two_would_be_ignored(content: str) -> None:
    assert "a key stands twice in one map" in refusal(content)


def test_the_same_key_in_two_maps_is_no_repetition() -> None:
    (found,) = parse("test_cases: [{test_case: a, steps: [{user: user}, {bot: user}, {user: a}, {bot: a}]}]", FILE)

    assert len(found.turns) == 2


def test_a_test_case_expects_a_limited_number_of_things() -> None:
    slots = ", ".join(f"s{index}" for index in range(50))
    step = f"{{slot_was_not_set: [{slots}]}}"
    content = f"test_cases: [{{test_case: a, steps: [{{user: hi}}, {step}, {step}, {step}]}}]"

    assert "expects 150 things, but may expect 100" in refusal(content)
