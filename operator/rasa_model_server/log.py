"""The server's log: on standard error, as text for people or as JSON for machines."""

from __future__ import annotations

import logging
import sys

from pythonjsonlogger.json import JsonFormatter

from rasa_model_server.settings import LogFormat


class _TextFormatter(logging.Formatter):
    """Text, with what a request cost at the end of its line."""

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        seconds = getattr(record, "seconds", None)
        if seconds is None:
            return line
        fields = record.__dict__
        return (
            f"{line} {fields.get('client') or '-'} {seconds * 1000:.0f}ms "
            f"in={fields.get('received_bytes')} out={fields.get('sent_bytes')}"
        )


def set_up_log(log_format: LogFormat) -> None:
    """Send everything that is logged to standard error, and only there."""
    handler = logging.StreamHandler(sys.stderr)
    if log_format == "json":
        handler.setFormatter(
            JsonFormatter(
                "%(asctime)s %(levelname)s %(name)s %(message)s",
                rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
            )
        )
    else:
        handler.setFormatter(_TextFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    logging.getLogger("python_multipart").setLevel(logging.WARNING)
    # It logs the URL of each request, with the token in its query.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("httpcore").setLevel(logging.WARNING)
