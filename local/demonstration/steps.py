"""The steps of the demonstration: what each does, how long it took, and evidence if it fails."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx

from local.binaries import BinariesUnavailableError
from local.flavour import UnknownFlavourError
from local.processes import ProcessFailedError
from local.progress import Progress
from local.rasa import RasaUnavailableError

FAILURES = (
    BinariesUnavailableError,
    ProcessFailedError,
    RasaUnavailableError,
    UnknownFlavourError,
    httpx.HTTPError,
    OSError,
)
"""Failures of the environment, as opposed to bugs of this program."""


class StepFailedError(RuntimeError):
    """A step failed; the message says which, and what was observed instead."""


class Steps:
    """Numbers the steps, and reports what each is and how long it took.

    `evidence` is added to the message of a failing step: whatever explains the cause best.
    """

    def __init__(self, progress: Progress, evidence: Callable[[], str]) -> None:
        self._progress = progress
        self._evidence = evidence
        self._count = 0

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Run the block as one step. Raises StepFailedError for any of FAILURES in it."""
        self._count += 1
        started = time.monotonic()
        self._progress(f"\n{self._count}. {title}")
        try:
            yield
        except FAILURES as error:
            seconds = time.monotonic() - started
            said = str(error) or type(error).__name__
            raise StepFailedError(
                f"step {self._count} ({title}) failed after {seconds:.1f} s: {said}{self._evidence()}"
            ) from error
        self._progress(f"   done in {time.monotonic() - started:.1f} s")
