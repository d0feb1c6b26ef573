"""A limit on the shutdown of the process, whatever hangs."""

from __future__ import annotations

import logging
import os
import threading
from typing import Final

logger = logging.getLogger(__name__)

SHUTDOWN_SECONDS: Final = 20.0
"""The kubelet kills a process 30 s after SIGTERM."""


def limit_shutdown(seconds: float = SHUTDOWN_SECONDS) -> None:
    """Exit with code 1 unless the process has ended by itself within that many seconds.

    This runs in a thread, which neither a blocked event loop nor a task that swallows its cancellation can delay.
    """

    def end() -> None:
        logger.critical("not stopped within %.0f s; ending the process", seconds)
        os._exit(1)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
