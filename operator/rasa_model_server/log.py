"""The server's log: on standard error, as text for people or as JSON for machines."""

from __future__ import annotations

import logging
import sys

from log_lines.lines import JsonLines, TextLines
from rasa_model_server.settings import LogFormat


def set_up_log(log_format: LogFormat) -> None:
    """Send everything that is logged to standard error, and only there."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if log_format == "json" else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    logging.captureWarnings(capture=True)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    logging.getLogger("python_multipart").setLevel(logging.WARNING)
    # It logs the URL of each request, with the token in its query.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("httpcore").setLevel(logging.WARNING)
