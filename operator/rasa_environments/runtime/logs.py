"""Logs: one line for each action or error, as JSON or as text for people."""

from __future__ import annotations

import logging
import sys
from types import TracebackType

from log_lines.lines import JsonLines, TextLines
from rasa_environments.runtime.log_context import ReconciliationFields
from rasa_environments.runtime.repetitions import Repetitions
from rasa_environments.runtime.settings import Settings

QUIET = ("httpx", "httpcore", "aiohttp.access", "asyncio")
"""Loggers limited to warnings: httpx and httpcore would log URLs with the token in them."""


def configure_logs(settings: Settings) -> None:
    """Write log lines to stderr, in the format and with the level of the settings."""
    _skip_unused_facts()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if settings.log_format == "json" else TextLines())
    handler.addFilter(ReconciliationFields())
    handler.addFilter(Repetitions())
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    # kopf logs every object that it sees, and warns that it handles no signals in a thread.
    logging.getLogger("kopf").setLevel(logging.ERROR)


def _skip_unused_facts() -> None:
    """Let no record look up what no line contains: caller, thread and process, a fifth of the cost of a line.

    Source: https://docs.python.org/3/howto/logging.html#optimization
    """
    logging._srcfile = None  # noqa: SLF001 - as that page says
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def _log_uncaught(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    logging.getLogger("rasa_environments").critical("ended by an error", exc_info=(kind, error, traceback))
