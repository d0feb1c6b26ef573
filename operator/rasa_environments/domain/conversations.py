"""Conversations with a bot, and what it should answer, in the YAML of Rasa's own end-to-end tests.

Source: rasa/e2e_test/e2e_test_case.py of Rasa Pro 3.21.0; `matches` is an addition of this project.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Final, TypeAlias

import yaml

from rasa_environments.domain.patterns import Pattern, PatternError, compiled, repetitions

MAXIMUM_CHARACTERS: Final = 64 * 1024
MAXIMUM_CONVERSATIONS: Final = 100
"""In all files of a check."""
MAXIMUM_STEPS: Final = 50
MAXIMUM_EXPECTATIONS: Final = 100
"""Of a test case, since a step may expect several slots: each is compared with everything that happened."""
MAXIMUM_PATTERNS: Final = 50
MAXIMUM_PATTERN_CHARACTERS: Final = 2000
MAXIMUM_PATTERN_REPETITIONS: Final = 100
"""Of all files of a check: compiling takes up to 1 ms for three characters, and for each repetition."""
LONGEST_NAME: Final = 200
LONGEST_TEXT: Final = 2000
MAXIMUM_DEPTH: Final = 8
"""Levels of maps and lists: the file, its list, a test case, its steps, a step, its slots, a slot, a list as value."""

UNSUPPORTED_AT_TOP: Final = frozenset({"fixtures", "metadata", "stub_custom_actions"})
UNSUPPORTED_IN_CASE: Final = frozenset({"fixtures", "metadata"})
UNSUPPORTED_IN_STEP: Final = frozenset({"assertions", "assertion_order_enabled", "metadata"})

Scalar: TypeAlias = str | int | float | bool | None


class ConversationError(ValueError):
    """A file is not what it should be; the message says where, and what to do."""


class Kind(StrEnum):
    """What is expected of an answer, by the key of its step."""

    BOT = "bot"
    UTTER = "utter"
    MATCHES = "matches"
    SLOT_WAS_SET = "slot_was_set"
    SLOT_WAS_NOT_SET = "slot_was_not_set"


@dataclass(frozen=True)
class Expectation:
    """What the bot should answer, or remember, after a message."""

    step: int
    """Position in the test case, from 1."""
    kind: Kind
    text: str
    """Text, name of the response, pattern, or name of the slot."""
    value: Scalar = None
    """Value of the slot, if `has_value`."""
    has_value: bool = False
    pattern: Pattern | None = None

    @property
    def reads_tracker(self) -> bool:
        """Whether the answer alone does not tell: only the events of the conversation do."""
        return self.kind not in (Kind.BOT, Kind.MATCHES)

    def __str__(self) -> str:
        if not self.has_value:
            return f"{self.kind}: {self.text}"
        return f"{self.kind}: {self.text} = {self.value}"


@dataclass(frozen=True)
class Turn:
    """A message of the user, and what is expected after it."""

    step: int
    message: str
    expectations: tuple[Expectation, ...]


@dataclass(frozen=True)
class Conversation:
    """A test case."""

    name: str
    file: str
    """Name of the ConfigMap and key, or of the file."""
    turns: tuple[Turn, ...]


def parse(content: str, file: str) -> tuple[Conversation, ...]:
    """Return the test cases of a file. Raises ConversationError."""
    return parse_all({file: content})


def parse_all(contents: Mapping[str, str]) -> tuple[Conversation, ...]:
    """Return the test cases of all files, by their names. Raises ConversationError."""
    files = {file: _cases(content, file) for file, content in contents.items()}
    total = sum(map(len, files.values()))
    if total > MAXIMUM_CONVERSATIONS:
        raise ConversationError(
            f"the files have {total} test cases together, but may have at most {MAXIMUM_CONVERSATIONS}"
        )
    _require_few_patterns([text for cases in files.values() for case in cases for text in _patterns(case)])
    return tuple(each for file, cases in files.items() for each in _conversations(cases, file))


def _cases(content: str, file: str) -> Sequence[object]:
    top = _map(_loaded(content, file), f"{file}: the file")
    if "test_cases" not in top:
        raise ConversationError(f"{file}: has no test_cases: begin with `test_cases:` and a list of test cases")
    _only(top, {"test_cases"}, UNSUPPORTED_AT_TOP, file)
    return _list(top["test_cases"], f"{file}: test_cases", MAXIMUM_CONVERSATIONS)


def _patterns(case: object) -> Iterator[str]:
    """Yield the patterns of a test case that is not checked yet."""
    steps = case.get("steps") if isinstance(case, dict) else None
    for step in steps if isinstance(steps, list) else ():
        text = step.get(Kind.MATCHES) if isinstance(step, dict) else None
        if isinstance(text, str):
            yield text


def _require_few_patterns(patterns: Sequence[str]) -> None:
    """Limit, before any is compiled, what all patterns together take."""
    for found, maximum, what in (
        (len(patterns), MAXIMUM_PATTERNS, "patterns"),
        (sum(map(len, patterns)), MAXIMUM_PATTERN_CHARACTERS, "characters in patterns"),
        (sum(map(repetitions, patterns)), MAXIMUM_PATTERN_REPETITIONS, "repetitions by a count in patterns"),
    ):
        if found > maximum:
            raise ConversationError(f"the files have {found} {what} together, but may have at most {maximum}")


def _conversations(cases: Sequence[object], file: str) -> tuple[Conversation, ...]:
    found = tuple(_conversation(case, f"{file}: test case {index}", file) for index, case in enumerate(cases, start=1))
    names = [each.name for each in found]
    double = next((name for name in names if names.count(name) > 1), None)
    if double is not None:
        raise ConversationError(f"{file}: two test cases are called {double!r}: rename one of them")
    return found


def digest_of(contents: Mapping[str, str]) -> str:
    """Return a digest of the content of files, by which two sets of conversations are told apart."""
    digest = sha256()
    for file, content in sorted(contents.items()):
        for part in (file, content):
            data = part.encode("utf-8", "surrogatepass")
            digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:16]


def _loaded(content: str, file: str) -> object:
    """Return the document, without aliases, of limited depth, and without a key that stands twice in a map.

    That is checked on PyYAML's events first: its C loader crashes the process on deep nesting.
    """
    if len(content) > MAXIMUM_CHARACTERS:
        raise ConversationError(
            f"{file}: has {len(content)} characters, but may have at most {MAXIMUM_CHARACTERS}: split it"
        )
    maps = _Maps()
    try:
        for event in yaml.parse(content, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise ConversationError(f"{file}: has an anchor or alias (& or *): write the content out")
            if maps.repeats_a_key(event):
                line = f"line {event.start_mark.line + 1}: " if event.start_mark else ""
                raise ConversationError(f"{file}: {line}a key stands twice in one map: remove one of the two")
            if maps.depth > MAXIMUM_DEPTH:
                raise ConversationError(f"{file}: is nested more than {MAXIMUM_DEPTH} levels deep: flatten it")
        return yaml.load(content, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise ConversationError(f"{file}: {line}is no valid YAML: correct it") from None
    except (yaml.YAMLError, ValueError) as error:
        if isinstance(error, ConversationError):
            raise
        raise ConversationError(f"{file}: is no valid YAML: correct it") from None


class _Maps:
    """The maps and lists around the events of a document, and the keys of the maps so far.

    Of a key that stands twice, PyYAML silently takes the last, so the first would be ignored.
    """

    def __init__(self) -> None:
        self._open: list[set[str] | None] = []
        self._is_key: list[bool] = []

    @property
    def depth(self) -> int:
        """How many are open."""
        return len(self._open)

    def repeats_a_key(self, event: yaml.Event) -> bool:
        """Take the next event; return whether it is a key that the map has already."""
        if isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()
            self._is_key.pop()
            return False
        if not isinstance(event, yaml.NodeEvent):
            return False
        repeats = False
        if self._open and (keys := self._open[-1]) is not None:
            if self._is_key[-1] and isinstance(event, yaml.ScalarEvent):
                repeats = event.value in keys
                keys.add(event.value)
            self._is_key[-1] = not self._is_key[-1]
        if isinstance(event, yaml.CollectionStartEvent):
            self._open.append(set() if isinstance(event, yaml.MappingStartEvent) else None)
            self._is_key.append(True)
        return repeats


def _conversation(value: object, place: str, file: str) -> Conversation:
    case = _map(value, place)
    name = _text(case.get("test_case"), f"{place}: test_case", LONGEST_NAME)
    if not name.isprintable():
        raise ConversationError(f"{place}: test_case: must be one line without control characters")
    place = f"{file}: test case {name!r}"
    _only(case, {"test_case", "steps"}, UNSUPPORTED_IN_CASE, place)
    turns: list[Turn] = []
    for number, step in enumerate(_list(case.get("steps"), f"{place}: steps", MAXIMUM_STEPS), start=1):
        where = f"{place}: step {number}"
        found = _step(step, number, where)
        if isinstance(found, Turn):
            turns.append(found)
        elif not turns:
            raise ConversationError(f"{where}: expects something before the user said anything: begin with `user:`")
        else:
            last = turns.pop()
            turns.append(Turn(last.step, last.message, (*last.expectations, *found)))
    expected = sum(len(turn.expectations) for turn in turns)
    if expected > MAXIMUM_EXPECTATIONS:
        raise ConversationError(f"{place}: expects {expected} things, but may expect {MAXIMUM_EXPECTATIONS}: split it")
    if not expected:
        raise ConversationError(f"{place}: expects nothing, so that no model can fail it: add a step such as `bot:`")
    return Conversation(name, file, tuple(turns))


def _step(value: object, number: int, place: str) -> Turn | tuple[Expectation, ...]:
    step = _map(value, place)
    kinds = {"user", *Kind}
    _only(step, kinds, UNSUPPORTED_IN_STEP, place)
    if len(step) != 1:
        raise ConversationError(f"{place}: must have exactly one of {', '.join(sorted(kinds))}")
    key, content = next(iter(step.items()))
    if key == "user":
        return Turn(number, _text(content, f"{place}: user", LONGEST_TEXT), ())
    kind = Kind(key)
    if kind in (Kind.SLOT_WAS_SET, Kind.SLOT_WAS_NOT_SET):
        slots = _list(content, f"{place}: {kind}", MAXIMUM_STEPS)
        return tuple(_slot(slot, number, kind, f"{place}: {kind}") for slot in slots)
    text = _text(content, f"{place}: {kind}", LONGEST_TEXT)
    return (Expectation(number, kind, text, pattern=_pattern(text, place) if kind is Kind.MATCHES else None),)


def _slot(value: object, number: int, kind: Kind, place: str) -> Expectation:
    if isinstance(value, str):
        return Expectation(number, kind, _text(value, place, LONGEST_NAME))
    slot = _map(value, place)
    if len(slot) != 1:
        raise ConversationError(f"{place}: must list slots as `- name` or `- name: value`, each an item of its own")
    name, content = next(iter(slot.items()))
    if isinstance(content, str) and len(content) > LONGEST_TEXT:
        raise ConversationError(f"{place}: {name}: may have at most {LONGEST_TEXT} characters")
    if not isinstance(content, str | int | float | bool | None):
        raise ConversationError(f"{place}: {name}: must be a text, number or boolean, or leave the value out")
    return Expectation(number, kind, _text(name, place, LONGEST_NAME), content, has_value=True)


def _pattern(text: str, place: str) -> Pattern:
    try:
        return compiled(text)
    except PatternError as error:
        raise ConversationError(f"{place}: matches: {error}") from None


def _only(found: Mapping[str, object], known: set[str], unsupported: frozenset[str], place: str) -> None:
    for key in found:
        if key in unsupported:
            raise ConversationError(f"{place}: {key} is not supported here: remove it")
        if key not in known:
            raise ConversationError(f"{place}: {str(key)[:LONGEST_NAME]!r} is not one of {', '.join(sorted(known))}")


def _map(value: object, place: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise ConversationError(f"{place}: must be a map, such as `user: hello`")
    return value


def _list(value: object, place: str, maximum: int) -> Sequence[object]:
    if not isinstance(value, list) or not value:
        raise ConversationError(f"{place}: must be a list with at least one item")
    if len(value) > maximum:
        raise ConversationError(f"{place}: has {len(value)} items, but may have at most {maximum}: split it")
    return value


def _text(value: object, place: str, longest: int) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ConversationError(f"{place}: must be a text: write it, in quotes if it looks like a number")
    if len(value) > longest:
        raise ConversationError(f"{place}: has {len(value)} characters, but may have at most {longest}: shorten it")
    return value.strip()
