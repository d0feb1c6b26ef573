"""Throttling of repeated log lines about other servers."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

FROM_SERVERS: Final = "rasa_environments.rasa."
"""Prefix of the loggers that repeat other servers' messages and connection errors."""
SECONDS: Final = 600.0
REMEMBERED: Final = 1000
"""Number of remembered lines; the oldest are forgotten, and logged again."""

Line = tuple[str | None, str | None, str | None, str]
"""Kind, namespace and name of the object, and the message."""


class Repetitions(logging.Filter):
    """Drops lines of these loggers that were written within `SECONDS` about the same object: retries repeat them.

    It must come after `ReconciliationFields`, which adds the object.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._written: OrderedDict[Line, float] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the line is new."""
        if not record.name.startswith(FROM_SERVERS):
            return True
        line, now = _line(record), self._clock()
        last = self._written.get(line)
        if last is not None and now - last < SECONDS:
            return False
        self._written[line] = now
        self._written.move_to_end(line)
        if len(self._written) > REMEMBERED:
            self._written.popitem(last=False)
        return True


def _line(record: logging.LogRecord) -> Line:
    fields = getattr(record, "fields", {})
    return fields.get("kind"), fields.get("namespace"), fields.get("name"), record.getMessage()
