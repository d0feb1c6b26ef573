"""How a model was trained, out of the documents that Rasa puts into its file. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime


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
            version=_text(metadata.get("rasa_open_source_version")),
            model_id=_text(metadata.get("model_id")),
            trained_at=_time(metadata.get("trained_at")),
        )
    fingerprint = _document(documents.get("fingerprint.json"))
    return Training(version=_text(fingerprint.get("version")), trained_at=_time(fingerprint.get("trained_at")))


def _document(content: bytes | None) -> Mapping[str, object]:
    try:
        document: object = json.loads(content) if content is not None else None
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _time(value: object) -> float | None:
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            # Rasa 3 writes datetime.utcnow(), which has no zone.
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    except (ValueError, OverflowError):
        pass
    return None
