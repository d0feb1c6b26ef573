"""Sending a model: whole, a range of it, or only that it has not changed."""

from __future__ import annotations

from collections.abc import AsyncIterator

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

from rasa_model_server.errors import ApiError
from rasa_model_server.http_conditions import UnsatisfiableRangeError, none_match, range_applies, requested_range
from rasa_model_server.names import ARCHIVE_SUFFIX
from rasa_model_server.storage import Catalogue, ModelRecord
from rasa_model_server.web.variant import ApiVariant


async def model_response(request: Request, record: ModelRecord, catalogue: Catalogue, variant: ApiVariant) -> Response:
    """Return the answer to a GET or HEAD of a model.

    Raises ApiError: 404 if the model is being deleted, 416 if the range is outside of it.
    """
    filename = record.model + ARCHIVE_SUFFIX
    headers = {
        "ETag": f'"{record.hash}"',
        "filename": filename,
        "Cache-Control": "no-cache",
    }
    if not none_match(request.headers.get("if-none-match"), record.hash):
        return Response(status_code=variant.unchanged, headers=headers)
    headers |= {
        "Content-Type": "application/gzip",
        "Content-Disposition": f'attachment; filename="{filename}"',
        "Accept-Ranges": "bytes",
        "Content-Length": str(record.size),
    }
    if request.method == "HEAD":
        return Response(status_code=200, headers=headers)
    try:
        wanted = requested_range(_range_header(request, record), record.size)
    except UnsatisfiableRangeError:
        raise ApiError(
            416,
            "RangeNotSatisfiable",
            f"the model has {record.size} bytes, and the range is outside of them",
            {"Content-Range": f"bytes */{record.size}"},
        ) from None
    start, end = (wanted.start, wanted.end) if wanted is not None else (0, record.size)
    if wanted is not None:
        headers |= {"Content-Range": f"bytes {start}-{end - 1}/{record.size}", "Content-Length": str(end - start)}
    status = 206 if wanted is not None else 200
    return StreamingResponse(await _open(record, catalogue, start, end), status, headers)


def _range_header(request: Request, record: ModelRecord) -> str | None:
    return request.headers.get("range") if range_applies(request.headers.get("if-range"), record.hash) else None


async def _open(record: ModelRecord, catalogue: Catalogue, start: int, end: int) -> AsyncIterator[bytes | memoryview]:
    try:
        return await catalogue.read_archive(record.archive, start, end)
    except FileNotFoundError:
        raise ApiError(404, "ModelNotFound", f"the model {record.model!r} has just been deleted") from None
