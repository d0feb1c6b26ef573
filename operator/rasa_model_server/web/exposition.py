"""The metrics, for Prometheus to fetch."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable

from obstore.exceptions import BaseError
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response

from rasa_model_server.metrics import Metrics
from rasa_model_server.storage import Catalogue
from rasa_model_server.storage.opening import first_line

REMEMBERED_SECONDS = 5.0
_COUNT_SECONDS = 5.0

logger = logging.getLogger(__name__)


class MetricsHandlers:
    """The handler of /metrics. Anybody may ask, so that the models are counted at most every five seconds."""

    def __init__(self, catalogue: Catalogue, metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
        self._catalogue = catalogue
        self._metrics = metrics
        self._clock = clock
        self._counting = asyncio.Lock()
        self._count_again_at = -math.inf

    async def metrics(self, _: Request) -> Response:
        """Answer the metrics in the text format of Prometheus."""
        async with self._counting:
            if self._clock() >= self._count_again_at:
                await self._count()
                self._count_again_at = self._clock() + REMEMBERED_SECONDS
        return Response(self._metrics.exposition(), media_type=CONTENT_TYPE_LATEST)

    async def _count(self) -> None:
        try:
            async with asyncio.timeout(_COUNT_SECONDS):
                models = await self._catalogue.models()
            self._metrics.count_catalogue(len(models), sum(len(model.tags) for model in models))
        except (BaseError, TimeoutError) as error:
            logger.warning("the models cannot be counted: %s", first_line(error))
            self._metrics.count_catalogue(None, None)
