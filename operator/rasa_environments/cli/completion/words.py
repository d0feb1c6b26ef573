"""What the last word of a command line can be, by the words before it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Source(StrEnum):
    """Where the candidates of a value come from."""

    NONE = "none"
    FILES = "files"
    ENVIRONMENTS = "environments"
    MODEL_SERVERS = "model-servers"
    NAMESPACES = "namespaces"
    MODELS = "models"
    HISTORY = "history"
    TAGS = "tags"
    CONTEXTS = "contexts"
    CLUSTERS = "clusters"
    USERS = "users"


@dataclass(frozen=True)
class Values:
    """The values of an argument or option: some words, or what there is of a kind."""

    source: Source = Source.NONE
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Option:
    """An option of a command."""

    flags: tuple[str, ...]
    help: str
    values: Values | None = None
    """None for a switch."""
    repeated: bool = False


@dataclass(frozen=True)
class Command:
    """The words that a command takes."""

    name: str
    options: tuple[Option, ...] = ()
    arguments: tuple[tuple[str, Values], ...] = ()
    """Name and values of each, in their order."""


@dataclass(frozen=True)
class Wanted:
    """What to complete."""

    values: Values
    begun: str = ""
    """What the candidates begin with."""
    before: str = ""
    """What stands before them in the same word: `--namespace=`."""
    described: Mapping[str, str] = field(default_factory=dict)
    """The help of each candidate that is an option."""
    given: Mapping[str, str] = field(default_factory=dict)
    """The values of options by their first flag, and of arguments by their name."""


def wanted(words: Sequence[str], commands: Mapping[str, Command]) -> Wanted:
    """Return what the last of the words can be; the words are those after `kubectl rasa`."""
    *before, begun = words or ("",)
    if not before:
        return Wanted(Values(choices=tuple(commands)), begun)
    command = commands.get(before[0])
    return Wanted(Values()) if command is None else _of_command(command, before[1:], begun)


@dataclass
class _Reader:
    """Reads the complete words of a command."""

    command: Command
    given: dict[str, str] = field(default_factory=dict)
    positional: int = 0
    awaiting: Option | None = None
    """The option whose value comes next."""
    ended: bool = False
    """Whether `--` has ended the options."""

    def read(self, word: str) -> None:
        if self.awaiting is not None:
            self._take(self.awaiting, word)
        elif self.ended or not word.startswith("-") or word == "-":
            self._take_argument(word)
        elif word == "--":
            self.ended = True
        elif word.startswith("--"):
            flag, is_there, value = word.partition("=")
            self._read_option(_option(self.command, flag), value if is_there else None)
        else:
            self._read_short(word)

    def _read_option(self, option: Option | None, value: str | None) -> None:
        if option is None:
            return
        if option.values is None:
            self.given[option.flags[0]] = ""
        elif value is None:
            self.awaiting = option
        else:
            self._take(option, value)

    def _read_short(self, word: str) -> None:
        """Read `-n`, `-nbots` or `-wA`."""
        for place, letter in enumerate(word[1:], start=2):
            option = _option(self.command, f"-{letter}")
            if option is not None and option.values is not None:
                self._read_option(option, word[place:] or None)
                return
            self._read_option(option, None)

    def _take(self, option: Option, value: str) -> None:
        self.given[option.flags[0]] = value
        self.awaiting = None

    def _take_argument(self, word: str) -> None:
        if self.positional < len(self.command.arguments):
            self.given[self.command.arguments[self.positional][0]] = word
        self.positional += 1


def _of_command(command: Command, before: Sequence[str], begun: str) -> Wanted:
    reader = _Reader(command)
    for word in before:
        reader.read(word)
    if reader.awaiting is not None:
        return Wanted(reader.awaiting.values or Values(), begun, given=reader.given)
    if begun.startswith("-") and not reader.ended:
        return _option_or_its_value(command, begun, reader.given)
    _, values = (*command.arguments, *[("", Values())] * (reader.positional + 1))[reader.positional]
    return Wanted(values, begun, given=reader.given)


def _option_or_its_value(command: Command, begun: str, given: Mapping[str, str]) -> Wanted:
    flag, is_there, value = begun.partition("=")
    if is_there:
        option = _option(command, flag)
        return Wanted((option and option.values) or Values(), value, f"{flag}=", given=given)
    described = dict(_flags(command, given))
    return Wanted(Values(choices=tuple(described)), begun, described=described, given=given)


def _flags(command: Command, given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the flags that may still be given, with their help."""
    for option in command.options:
        if option.repeated or option.flags[0] not in given:
            yield from ((flag, option.help) for flag in option.flags)


def _option(command: Command, flag: str) -> Option | None:
    return next((option for option in command.options if flag in option.flags), None)
