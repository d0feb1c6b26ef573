"""What a command waits for, and since when, on standard error.

A terminal has one line that is kept up to date; elsewhere there is a line for each step, and one now and then as long
as it lasts.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from rich.console import Console
from rich.live import Live
from rich.text import Text

from rasa_environments.api.durations import format_duration
from rasa_environments.cli.visible_text import visible

TICK_SECONDS: Final = 1.0
"""Seconds between two updates of the line in a terminal."""
REMINDER_SECONDS: Final = 30.0
"""Seconds between two lines about the same step without a terminal."""


class Waiting:
    """The step that is waited for."""

    def __init__(self, terminal: Console) -> None:
        self._terminal = terminal
        self._live = Live(console=terminal, transient=True, auto_refresh=False)
        self._step = ""
        self._begun = self._now()

    def say(self, text: str, since: str | None = None) -> None:
        """Show the next step; `since` is when the cluster began to be in that state (RFC 3339)."""
        self._end_step()
        self._step = visible(f"{text} (since {since})" if since else text)
        self._begun = self._now()
        if self._terminal.is_terminal:
            self._draw()
        else:
            self._terminal.print(self._step)

    async def keep_saying(self) -> None:
        """Show for how long the step has lasted, until cancelled."""
        while True:
            await asyncio.sleep(TICK_SECONDS if self._terminal.is_terminal else REMINDER_SECONDS)
            if self._terminal.is_terminal:
                self._draw()
            elif self._step:
                self._terminal.print(f"after {self._passed()}: still {self._step}")

    def begin(self) -> None:
        """Take the line of the terminal."""
        if self._terminal.is_terminal:
            self._live.start()

    def end(self) -> None:
        """Leave the terminal to others."""
        self._live.stop()
        self._end_step()

    def _end_step(self) -> None:
        """Leave the step on the terminal, with how long it took."""
        if self._step and self._terminal.is_terminal:
            self._terminal.print(f"{self._step}: {self._passed()}")
        self._step = ""

    def _draw(self) -> None:
        self._live.update(Text(f"{self._step} … {self._passed()}" if self._step else ""), refresh=True)

    def _passed(self) -> str:
        return format_duration(round(self._now() - self._begun))

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


@asynccontextmanager
async def waiting(terminal: Console) -> AsyncIterator[Waiting]:
    """Yield what shows the steps that are waited for, until the block ends."""
    shown = Waiting(terminal)
    shown.begin()
    kept = asyncio.create_task(shown.keep_saying())
    try:
        yield shown
    finally:
        kept.cancel()
        with suppress(asyncio.CancelledError):
            await kept
        shown.end()
