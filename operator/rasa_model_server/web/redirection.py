"""Sending a pull of an adopted model to the bucket that the model is in."""

from __future__ import annotations

import logging

from fastapi import Request
from fastapi.responses import Response
from obstore.exceptions import BaseError

from rasa_model_server.http_conditions import none_match
from rasa_model_server.names import ARCHIVE_SUFFIX
from rasa_model_server.storage import Catalogue, ModelRecord
from rasa_model_server.storage.opening import first_line
from rasa_model_server.web.variant import ApiVariant

logger = logging.getLogger(__name__)


async def redirect_response(
    request: Request, record: ModelRecord, catalogue: Catalogue, variant: ApiVariant
) -> Response | None:
    """Return the redirect to the bucket, or None where this server answers itself.

    Rasa keeps the ETag of what it gets in the end (rasa/core/agent.py, _pull_model_and_fingerprint), which is the
    bucket's. So whoever has that one has the model.
    """
    entity_tag = catalogue.bucket_entity_tag(record)
    known = request.headers.get("if-none-match")
    if entity_tag is None or not none_match(known, record.hash):
        return None
    headers = {"filename": record.model + ARCHIVE_SUFFIX, "Cache-Control": "no-store"}
    if not none_match(known, entity_tag):
        return Response(status_code=variant.unchanged, headers=headers | {"ETag": f'"{entity_tag}"'})
    if request.method != "GET" or "range" in request.headers:
        return None
    try:
        url = await catalogue.signed_url(record)
    except BaseError as error:
        logger.warning("%s is sent without a redirect, which could not be signed: %s", record.model, first_line(error))
        return None
    return Response(status_code=307, headers=headers | {"Location": url}) if url is not None else None
