"""The metrics, for Prometheus to fetch."""

from __future__ import annotations

import asyncio
import logging

from obstore.exceptions import BaseError
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response

from rasa_model_server.metrics import Metrics
from rasa_model_server.storage import Catalogue
from rasa_model_server.storage.opening import first_line

_COUNT_SECONDS = 5.0

logger = logging.getLogger(__name__)


class MetricsHandlers:
    """The handler of /metrics."""

    def __init__(self, catalogue: Catalogue, metrics: Metrics) -> None:
        self._catalogue = catalogue
        self._metrics = metrics

    async def metrics(self, _: Request) -> Response:
        """Answer the metrics in the text format of Prometheus."""
        try:
            async with asyncio.timeout(_COUNT_SECONDS):
                models = await self._catalogue.models()
            self._metrics.count_catalogue(len(models), sum(len(model.tags) for model in models))
        except (BaseError, TimeoutError) as error:
            logger.warning("the models cannot be counted: %s", first_line(error))
            self._metrics.count_catalogue(None, None)
        return Response(self._metrics.exposition(), media_type=CONTENT_TYPE_LATEST)
