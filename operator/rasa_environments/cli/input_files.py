"""Files that a command reads, or standard input in place of one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from rasa_environments.cli.exit_codes import ExitCode
from rasa_environments.cli.failures import CommandError

STANDARD_INPUT: Final = "-"


def shown(file: str) -> str:
    """Return the name of a file in messages."""
    return "standard input" if file == STANDARD_INPUT else file


def text_of(file: str, expected: str) -> str:
    """Return the text of a file. Raises CommandError where it cannot be read; `expected` says what to give instead."""
    try:
        return sys.stdin.read() if file == STANDARD_INPUT else Path(file).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CommandError(f"{shown(file)} not found: check the path", ExitCode.NOT_FOUND) from None
    except OSError as error:
        raise CommandError(f"cannot read {shown(file)}: {error.strerror}; check the path") from None
    except UnicodeDecodeError:
        raise CommandError(f"{shown(file)} is not a text file: give {expected}") from None
