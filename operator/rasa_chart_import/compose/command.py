"""The command line of a Rasa server in docker-compose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rasa_chart_import import kinds
from rasa_chart_import.command_lines import MOST, arguments_of, note_left_out
from rasa_chart_import.findings import Path
from rasa_chart_import.reader import Reader
from rasa_chart_import.secret_values import text_of
from rasa_environments.api.base import JsonObject
from rasa_environments.desired.entries import present

CONFIG_ENDPOINT = "--config-endpoint"
SHORT = {"-t": "--auth-token", "-p": "--port", "-m": "--model"}
FILES = ("--endpoints", "--credentials", "--model")
WITH_VALUE = frozenset({CONFIG_ENDPOINT, "--port", "--jwt-method", "--jwt-secret", "--auth-token", *FILES})
"""Options that the operator sets itself, or that the profile does, with their value."""
RASA = "rasa"


@dataclass(frozen=True)
class Command:
    """What a command line says."""

    is_x: bool = False
    """Whether it runs `rasa x`."""
    config_endpoint: bool = False
    """Whether the server has its configuration from Rasa X."""
    auth_token: str | None = field(default=None, repr=False)
    jwt_secret: str | None = field(default=None, repr=False)
    jwt_method: str | None = None
    spec: JsonObject = field(default_factory=dict)
    """Fields of `spec.rasa`."""


def command_of(reader: Reader, place: Path) -> Command:
    """Return what a command line says."""
    words = [text_of(word) for word in reader.take(place, kinds.ITEMS) or []]
    words = words[1:] if words[:1] == [RASA] else words
    if not words:
        return Command()
    rest, options = _taken_out(words)
    found = arguments_of(rest)
    found.left_out += [word.partition("=")[0] for word in found.kept if "$" in word]
    found.kept = [word for word in found.kept if "$" not in word]
    found.origins = [origin for origin in found.origins if origin != "*"]
    if not (found.kept or found.left_out or found.origins or set(options) - set(FILES)) and words[0] != "x":
        reader.unused(place, "the operator writes the same command line")
    else:
        reader.mapped(place, "spec.rasa, and spec.profile of the ModelServer; the operator sets the rest itself")
    note_left_out(reader, place, found)
    spec = present(
        port=_port(reader, place, options.get("--port")),
        corsOrigins=found.origins or None,
        extraArgs=found.kept[:MOST] or None,
    )
    return Command(
        words[0] == "x",
        CONFIG_ENDPOINT in options,
        options.get("--auth-token"),
        options.get("--jwt-secret"),
        options.get("--jwt-method"),
        spec,
    )


def _port(reader: Reader, place: Path, given: str | None) -> int | None:
    """Return the port, unless it is Rasa's own."""
    if given is None or given == "5005":
        return None
    try:
        return kinds.PORT.validate_python(given)
    except ValueError:
        reader.partly(place, "carried over without its port, which is no number: set spec.rasa.port")
        return None


def _taken_out(words: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Return the words without the options that the operator sets itself, and the values of these."""
    rest: list[str] = []
    options: dict[str, str] = {}
    left = list(words)
    while left:
        word = left.pop(0)
        name, equals, value = word.partition("=")
        name = SHORT.get(name, name)
        if name not in WITH_VALUE:
            rest.append(word)
        elif equals:
            options[name] = value
        elif left:
            options[name] = left.pop(0)
    return rest, options
