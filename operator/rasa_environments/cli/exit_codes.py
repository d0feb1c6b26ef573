"""Exit codes for scripts: one meaning for each, and which of them each command uses."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import TypeAlias


class ExitCode(IntEnum):
    """The exit codes of all commands; MEANINGS describes them."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    NOT_FOUND = 4
    TIMED_OUT = 5
    UNKNOWN = 6
    PARTIAL = 7


INTERRUPTED = 130
"""After Ctrl-C, as in shells: 128 + SIGINT."""

ExitCodes: TypeAlias = Mapping[ExitCode, str]
"""The meaning of each exit code for one command."""

MEANINGS: ExitCodes = {
    ExitCode.DONE: "success, or the answer is yes",
    ExitCode.FAILED: "failed: the message says what is wrong, where, and how to fix it",
    ExitCode.USAGE: "usage error: invalid arguments",
    ExitCode.REFUSED: "refused: not permitted, or rejected by the API server or the model server",
    ExitCode.NOT_FOUND: "not found: something that the arguments name does not exist",
    ExitCode.TIMED_OUT: "timed out: known not to be done yet",
    ExitCode.UNKNOWN: "unknown: it could not be determined; never counts as success",
    ExitCode.PARTIAL: "partial: what could be done is done, and the message names the rest",
}
UNREACHABLE = "the API server cannot be reached, or something else went wrong"
NOT_PERMITTED = "the API server refused it: not permitted, or not valid"


def listed(codes: ExitCodes) -> str:
    """Return the exit codes as the end of a help text and of a section of the reference."""
    meanings = {ExitCode.USAGE: MEANINGS[ExitCode.USAGE], **codes}
    return "\n\n".join(["Exit codes:", *(f"* `{code.value}`: {meanings[code]}." for code in sorted(meanings))])
