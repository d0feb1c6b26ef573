"""How a model was trained, from the documents that Rasa puts into its file. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

MAXIMUM_TEXT_LENGTH = 128
"""Of a version or an id. Rasa's own are of at most 32 characters."""

_MAXIMUM_VALUES = 500_000
"""In a document. Each costs some 70 bytes while it is read, however short it is in the file."""
_LATEST = datetime(2200, 1, 1, tzinfo=UTC).timestamp()


@dataclass(frozen=True)
class Training:
    """The Rasa version that trained a model, the id that it gave it, and when, in seconds since 1970."""

    version: str | None = None
    model_id: str | None = None
    trained_at: float | None = None


def training_of(documents: Mapping[str, bytes]) -> Training:
    """Return what the documents of a model file say. What they do not say, or say in another form, is None.

    metadata.json is written by Rasa 3 (rasa/engine/storage/storage.py, ModelMetadata.as_dict), fingerprint.json by
    Rasa 1 and 2 (rasa/model.py, model_fingerprint).
    """
    metadata = _document(documents.get("metadata.json"))
    if metadata:
        return Training(
            version=listed_text(metadata.get("rasa_open_source_version")),
            model_id=listed_text(metadata.get("model_id")),
            trained_at=_time(metadata.get("trained_at")),
        )
    fingerprint = _document(documents.get("fingerprint.json"))
    return Training(version=listed_text(fingerprint.get("version")), trained_at=_time(fingerprint.get("trained_at")))


def listed_text(value: object) -> str | None:
    """Return a text from a model file if it may be listed: short, and of printable characters. Else return None."""
    good = isinstance(value, str) and 0 < len(value) <= MAXIMUM_TEXT_LENGTH and value.isprintable()
    return value if isinstance(value, str) and good else None


def _document(content: bytes | None) -> Mapping[str, object]:
    if content is None or content.count(b",") + content.count(b"[") + content.count(b"{") > _MAXIMUM_VALUES:
        return {}
    try:
        document: object = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _time(value: object) -> float | None:
    moment = _seconds(value)
    return moment if moment is not None and 0 <= moment <= _LATEST else None


def _seconds(value: object) -> float | None:
    try:
        if isinstance(value, str) and len(value) <= MAXIMUM_TEXT_LENGTH:
            moment = datetime.fromisoformat(value)
            # Rasa 3 writes datetime.utcnow(), which has no zone.
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    except (ValueError, OverflowError):
        pass
    return None
