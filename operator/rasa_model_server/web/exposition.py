"""The route that Prometheus scrapes."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable

from fastapi import APIRouter
from fastapi.responses import Response
from obstore.exceptions import BaseError
from prometheus_client import CONTENT_TYPE_LATEST

from rasa_model_server.metrics import Metrics
from rasa_model_server.storage import Catalogue
from rasa_model_server.storage.opening import first_line

REMEMBERED_SECONDS = 5.0
_COUNT_SECONDS = 5.0

logger = logging.getLogger(__name__)


class Exposition:
    """The metrics with the number of models. Since anybody may ask, they are counted every five seconds at most."""

    def __init__(self, catalogue: Catalogue, metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
        self._catalogue = catalogue
        self._metrics = metrics
        self._clock = clock
        self._counting = asyncio.Lock()
        self._count_again_at = -math.inf

    async def text(self) -> bytes:
        """Return the metrics in the text format of Prometheus."""
        async with self._counting:
            if self._clock() >= self._count_again_at:
                await self._count()
                self._count_again_at = self._clock() + REMEMBERED_SECONDS
        return self._metrics.exposition()

    async def _count(self) -> None:
        try:
            async with asyncio.timeout(_COUNT_SECONDS):
                models = await self._catalogue.models()
            self._metrics.count_catalogue(len(models), sum(len(model.tags) for model in models))
        except (BaseError, TimeoutError) as error:
            logger.warning("the models cannot be counted: %s", first_line(error))
            self._metrics.count_catalogue(None, None)


def metrics_router(exposition: Exposition) -> APIRouter:
    """Return the routes of /metrics."""
    router = APIRouter()

    @router.head("/metrics", include_in_schema=False)
    @router.get(
        "/metrics",
        operation_id="metrics",
        summary="Metrics for Prometheus",
        response_class=Response,
        responses={200: {"description": "Metrics.", "content": {"text/plain": {}}}},
    )
    async def metrics() -> Response:
        """Count the models at most every five seconds."""
        return Response(await exposition.text(), media_type=CONTENT_TYPE_LATEST)

    return router
