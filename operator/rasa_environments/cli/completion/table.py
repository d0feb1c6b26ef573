"""The commands with their options and arguments, from a file that is generated from the commands themselves.

Reading it takes a millisecond; importing the commands takes most of the time that a completion may.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from rasa_environments.cli.completion.words import Command

FILE: Final = Path(__file__).parent / "facts" / "commands.json"
COMMANDS: Final = TypeAdapter(tuple[Command, ...])


def commands() -> dict[str, Command]:
    """Return the commands by name, in the order of their help."""
    return {command.name: command for command in COMMANDS.validate_json(FILE.read_bytes())}
