"""Progress of several model files that are sent or received one after another."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.filesize import decimal
from rich.progress import Progress

from rasa_environments.cli.tables import console
from rasa_environments.cli.upload import COLUMNS


class Transfers:
    """A context manager: a bar for all bytes on a terminal, else a line on standard error for each file."""

    def __init__(self, doing: str, count: int, size: int) -> None:
        self._doing = doing
        self._count = count
        self._number = 0
        self._terminal = console(stderr=True)
        shown = self._terminal.is_terminal
        self._progress = Progress(*COLUMNS, console=self._terminal, transient=True, disable=not shown)
        self._task = self._progress.add_task(doing, total=size)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()

    def begin(self, name: str, size: int | None) -> None:
        """Show which file is next."""
        self._number += 1
        shown = f"{self._doing} {name} ({self._number} of {self._count})"
        self._progress.update(self._task, description=shown)
        if not self._terminal.is_terminal:
            known = "" if size is None else f", {decimal(size)}"
            self._terminal.print(f"{shown}{known}", markup=False)

    def advance(self, size: int) -> None:
        """Add bytes of the file."""
        self._progress.advance(self._task, size)
