"""The type of every option that takes a time."""

from __future__ import annotations

import typer
from typer.models import OptionInfo

from rasa_environments.api.durations import parse_duration

METAVAR = "DURATION"


def duration_option(*flags: str, said: str, shown: str) -> OptionInfo:
    """Return an option that reads `5m`, `1h30m`, `90s` or `0` as seconds; `shown` is its default in the help."""
    made: OptionInfo = typer.Option(*flags, parser=seconds, metavar=METAVAR, help=said, show_default=shown)
    return made


def seconds(given: str | float) -> float:
    """Return the value of an option in seconds, as which a default is given. Raises typer.BadParameter."""
    if not isinstance(given, str):
        return given
    try:
        return parse_duration(given)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
