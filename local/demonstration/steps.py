"""The steps of the demonstration: what each does, how long it took, and what was seen instead if it fails."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx

from local.binaries import BinariesUnavailable
from local.flavour import UnknownFlavour
from local.processes import ProcessFailed
from local.progress import Progress
from local.rasa import RasaUnavailable

FAILURES = (BinariesUnavailable, ProcessFailed, RasaUnavailable, UnknownFlavour, httpx.HTTPError, OSError)
"""What a step can meet on a machine, as opposed to a mistake in this program."""


class StepFailed(RuntimeError):
    """A step did not come to its end; the message says which, and what was seen instead."""


class Steps:
    """Numbers the steps, and says of each what it is and how long it took.

    `evidence` is added to the message of a step that fails: whatever tells most about the cause.
    """

    def __init__(self, progress: Progress, evidence: Callable[[], str]) -> None:
        self._progress = progress
        self._evidence = evidence
        self._count = 0

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """One step. Raises StepFailed for any of FAILURES in it."""
        self._count += 1
        started = time.monotonic()
        self._progress(f"\n{self._count}. {title}")
        try:
            yield
        except FAILURES as error:
            seconds = time.monotonic() - started
            said = str(error) or type(error).__name__
            raise StepFailed(
                f"step {self._count} ({title}) failed after {seconds:.1f} s: {said}{self._evidence()}"
            ) from error
        self._progress(f"   done in {time.monotonic() - started:.1f} s")
