"""Deleting old models: which, and when.

A model is deleted only if no tag is on it or was of late, and every limit that is set says that it is old. Whoever tags
a model, or uploads it again, changes its record first, and a model is deleted only if its record is still the one that
was decided on. So of the two one comes first: the tag finds no model, or the model survives.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from obstore.exceptions import BaseError

from rasa_model_server.storage.catalogue import Catalogue
from rasa_model_server.storage.opening import first_line
from rasa_model_server.storage.records import ModelRecord, TagRecord

RETENTION_INTERVAL = timedelta(hours=1)
GRACE = timedelta(hours=1)
"""A model that was used within this time is never old: its tag may be about to be written."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Retention:
    """Which models are kept. Without a limit, all are."""

    models: int | None = None
    """As many of the models that were last uploaded or tagged are kept."""
    age: timedelta | None = None
    """Models that were last uploaded or tagged within this time are kept."""
    dry_run: bool = False
    """Whether old models are only named in the log."""

    @property
    def enabled(self) -> bool:
        """Whether there is a limit."""
        return self.models is not None or self.age is not None


def old_models(
    models: Iterable[ModelRecord], tags: Iterable[TagRecord], retention: Retention, now: datetime
) -> list[ModelRecord]:
    """Return the models that no limit keeps, and no tag, the one that was last used longest ago first."""
    if not retention.enabled:
        return []
    tagged = {archive for tag in tags for archive in (tag.archive, *tag.earlier)}
    latest_first = sorted(models, key=lambda record: (-record.last_used_at, record.model))
    kept = {record.model for record in latest_first[: retention.models or 0]}
    before = (now - max(retention.age or GRACE, GRACE)).timestamp()
    return [
        record
        for record in reversed(latest_first)
        if record.model not in kept and record.archive not in tagged and record.last_used_at < before
    ]


async def delete_old_models(catalogue: Catalogue, retention: Retention, now: datetime) -> list[ModelRecord]:
    """Delete the old models, or only name them in the log. Return those that were deleted, or would have been.

    Raises BaseError if the store fails. What is not deleted then is deleted the next time.
    """
    found = await catalogue.models_and_tags()
    if found is None:
        logger.warning("no old models are deleted while the store has tags that cannot be read: see above")
        return []
    old = old_models(*found, retention, now)
    if not retention.dry_run:
        old = [record for record in old if await catalogue.delete_unused(record)]
    for record in old:
        used = datetime.fromtimestamp(record.last_used_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        doing = "would be deleted" if retention.dry_run else "was deleted"
        logger.info(
            "the model %s %s: it was last uploaded or tagged at %s, and has %d bytes",
            record.model,
            doing,
            used,
            record.size,
        )
    return old


@contextlib.asynccontextmanager
async def retaining(catalogue: Catalogue, retention: Retention) -> AsyncIterator[None]:
    """Delete old models now and every hour in the background, if a limit is set."""
    task = asyncio.create_task(_for_ever(catalogue, retention)) if retention.enabled else None
    try:
        yield
    finally:
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _for_ever(catalogue: Catalogue, retention: Retention) -> None:
    while True:
        try:
            await delete_old_models(catalogue, retention, datetime.now(UTC))
        except (BaseError, OSError) as error:
            logger.warning("old models cannot be deleted now: %s", first_line(error))
        await asyncio.sleep(RETENTION_INTERVAL.total_seconds())
