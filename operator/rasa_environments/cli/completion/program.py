"""`kubectl_complete-rasa`: quick, silent, and over after a limit whatever does not answer."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from enum import IntEnum
from typing import Final, NoReturn

from rasa_environments.cli.completion.table import commands
from rasa_environments.cli.completion.words import Source, Values, Wanted, wanted

SECONDS: Final = 1.0
"""How long servers may take; what is known by then is printed."""
SECONDS_IN_ALL: Final = 3.0
"""After which the process ends with what is known, wherever it hangs."""
MAXIMUM: Final = 2000
"""Candidates that are printed: a shell shows no more in a useful way."""
SAFE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]*")
"""Candidates that mean themselves in every shell: what others have named is never evaluated."""


class Directive(IntEnum):
    """How the shell goes on (cobra, ShellCompDirective)."""

    FILES = 0
    """With the names of files if there is no candidate."""
    NO_FILES = 4


def main() -> NoReturn:
    """Print the completion of the words in the arguments, and exit."""
    complete(sys.argv[1:])


def complete(words: Sequence[str]) -> NoReturn:
    """Print the completion of the words, and exit with 0."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # what libraries write there would stand in the user's line
    request, known = Wanted(Values()), list[str]()
    try:
        request = wanted(words, commands())
        known.extend(request.values.choices)
        timer = threading.Timer(SECONDS_IN_ALL, end_with, [request, known])
        timer.daemon = True
        timer.start()
        # The loop is not closed: that would wait for threads that still look for a host's address.
        asyncio.new_event_loop().run_until_complete(look(request, known))
    finally:  # no error of a completion is shown
        end_with(request, known)


def end_with(request: Wanted, known: Sequence[str]) -> NoReturn:
    """Print what is known, and end the process."""
    directive = Directive.FILES if request.values.source is Source.FILES else Directive.NO_FILES
    end(directive, lines(request, tuple(known)))


def end(directive: Directive, printed: Iterable[str]) -> NoReturn:
    """Print the lines and the directive, and end the process at once."""
    os.write(1, "".join(f"{line}\n" for line in (*printed, f":{directive.value}")).encode())
    os._exit(0)


async def look(request: Wanted, known: list[str], seconds: float = SECONDS) -> None:
    """Add the candidates to those that are known, for that many seconds; errors are no candidates."""
    if request.values.source in (Source.NONE, Source.FILES):
        return
    from rasa_environments.cli.completion.candidates import find  # noqa: PLC0415 - commands complete without it

    with suppress(Exception):
        async with asyncio.timeout(seconds):
            await find(request.values.source, request.given, known.extend)


def lines(request: Wanted, known: Iterable[str]) -> Iterator[str]:
    """Yield a line for each candidate that continues the word."""
    names = dict.fromkeys(name for name in known if name.startswith(request.begun))
    if request.values.source is Source.NONE:
        yield from (f"{request.before}{name}{description(name, request.described)}" for name in names)
        return
    safe = [name for name in names if SAFE.fullmatch(name)]
    yield from (f"{request.before}{name}" for name in safe[:MAXIMUM])


def description(name: str, described: Mapping[str, str]) -> str:
    """Return what a line says of a candidate after it."""
    return f"\t{described[name]}" if described.get(name) else ""
