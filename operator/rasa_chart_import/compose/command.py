"""The command line of a Rasa server in docker-compose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rasa_chart_import import kinds
from rasa_chart_import.command_lines import OWN_ARGUMENTS
from rasa_chart_import.findings import Path
from rasa_chart_import.reader import Reader
from rasa_chart_import.secret_values import looks_secret, text_of
from rasa_environments.api.base import JsonObject
from rasa_environments.desired.entries import present

WITH_VALUE = frozenset(
    {"--config-endpoint", "--port", "-p", "--jwt-method", "--jwt-secret", "--auth-token", "-t", "--endpoints"}
) | {"--credentials", "--model", "-m"}
"""Arguments that the operator sets itself, or that the profile does, with their value."""
CORS = "--cors"


@dataclass(frozen=True)
class Command:
    """What a command line says."""

    is_x: bool = False
    """Whether it runs `rasa x`."""
    config_endpoint: bool = False
    """Whether the server has its configuration from Rasa X."""
    spec: JsonObject = field(default_factory=dict)
    """Fields of `spec.rasa`."""


def command_of(reader: Reader, place: Path) -> Command:
    """Return what a command line says."""
    words = [text_of(word) for word in reader.take(place, kinds.ITEMS) or []]
    if not words:
        return Command()
    kept, origins = _sorted_out(words)
    secret = [word for word in kept if looks_secret(word, word) or "$" in word]
    if secret:
        reader.partly(place, "carried over without arguments that hold variables or secrets: see spec.rasa.extraArgs")
    else:
        reader.mapped(
            place,
            "spec.rasa, and spec.profile of the ModelServer; the operator sets the rest itself",
        )
    arguments = [word for word in kept if word not in secret]
    spec = present(
        port=_port(reader, place, words),
        corsOrigins=[origin for origin in origins if origin != "*"] or None,
        extraArgs=arguments or None,
    )
    return Command("x" in words[:2], "--config-endpoint" in words, spec)


def _port(reader: Reader, place: Path, words: Sequence[str]) -> int | None:
    """Return the port, unless it is Rasa's own."""
    given = next((words[index + 1] for index, word in enumerate(words[:-1]) if word in ("--port", "-p")), None)
    if given is None or given == "5005":
        return None
    try:
        return kinds.PORT.validate_python(given)
    except ValueError:
        reader.partly(place, "carried over without its port, which is no number: set spec.rasa.port")
        return None


def _sorted_out(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the arguments that the operator does not set itself, and the origins."""
    kept: list[str] = []
    origins: list[str] = []
    rest = list(words)
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if name == CORS:
            if equals:
                origins.append(value)
            while not equals and rest and not rest[0].startswith("-"):
                origins.append(rest.pop(0))
        elif name in WITH_VALUE:
            if not equals and rest:
                rest.pop(0)
        elif name not in OWN_ARGUMENTS and name != "rasa":
            kept.append(f"{name}{equals}{value}")
    return kept, origins
