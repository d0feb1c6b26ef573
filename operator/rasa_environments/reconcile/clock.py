"""The time, as statuses state it and as deadlines count it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime


def utc_now() -> str:
    """Return the time in Kubernetes' format."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def in_seconds(seconds: float) -> float:
    """Return the time of the event loop that many seconds from now."""
    return asyncio.get_running_loop().time() + seconds
