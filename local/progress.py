"""Reports what is being done and for how long, as plain lines or in place on a terminal."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.status import Status

Progress = Callable[[str], None]
"""Takes one line. A line that ends with an ellipsis reports something in progress."""

ELLIPSIS = "…"


def silent(line: str) -> None:
    """Report nothing."""


@contextmanager
def ticking(progress: Progress, doing: str, done: str, every: float = 5.0) -> Iterator[None]:
    """Report `doing`, again with the elapsed time every few seconds, and `done` with it when the block succeeds."""
    started = time.monotonic()
    ended = threading.Event()

    def tick() -> None:
        while not ended.wait(every):
            progress(f"{doing}: {time.monotonic() - started:.0f} s {ELLIPSIS}")

    progress(f"{doing} {ELLIPSIS}")
    ticker = threading.Thread(target=tick, name="progress", daemon=True)
    ticker.start()
    try:
        yield
    finally:
        ended.set()
        ticker.join()
    progress(f"{done} in {time.monotonic() - started:.0f} s")


class ConsoleProgress:
    """Prints each line; on a terminal, a line about something in progress is replaced by the next one."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False)
        self._status: Status | None = None

    def __call__(self, line: str) -> None:
        """Show the line."""
        if not line.endswith(ELLIPSIS):
            self.close()
            self._console.print(line, markup=False, soft_wrap=True)
        elif not self._console.is_terminal:
            self._console.print(line, markup=False, soft_wrap=True)
        elif self._status is None:
            self._status = self._console.status(line)
            self._status.start()
        else:
            self._status.update(line)

    def close(self) -> None:
        """Remove the line about something in progress from the terminal."""
        if self._status is not None:
            self._status.stop()
            self._status = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
