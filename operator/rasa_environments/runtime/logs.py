"""Logs: readable lines or JSON, and never a URL with a query."""

from __future__ import annotations

import logging
import sys

from pythonjsonlogger.json import JsonFormatter

from rasa_environments.runtime.settings import LogFormat, Settings

TEXT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
QUIET = ("httpx", "httpcore", "aiohttp.access", "asyncio")
"""Loggers that speak only of trouble: httpx and httpcore would log URLs with the token in them."""


def configure_logs(settings: Settings) -> None:
    """Writes log lines to stderr in the format and from the level that the settings say."""
    handler = logging.StreamHandler(sys.stderr)
    if settings.log_format is LogFormat.JSON:
        fields = {"asctime": "time", "levelname": "level", "name": "logger"}
        formatter = JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s", rename_fields=fields)
        formatter.default_msec_format = "%s.%03d"
        handler.setFormatter(formatter)
    else:
        handler.setFormatter(logging.Formatter(TEXT))
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    # kopf tells of every object that it sees, and warns that it takes no signals in a thread.
    logging.getLogger("kopf").setLevel(logging.ERROR)
