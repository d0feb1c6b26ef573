"""Addresses that Rasa servers pull their model from, taken apart into the fields of a ModelServer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from rasa_environments.api.base import TagName
from rasa_environments.api.model_server import BaseUrl, ModelPath

OF_RASA_X = re.compile(r"^(?P<before>.*)/projects/(?P<project>[^/]+)/models/tags/(?P<tag>[^/]+)$")
USUAL_BEFORE = "/api"
"""What the operator adds itself."""
ARCHIVE = ".tar.gz"
BASE = TypeAdapter[str](BaseUrl)
PATH = TypeAdapter[str](ModelPath)
TAG = TypeAdapter[str](TagName)


@dataclass(frozen=True)
class ModelAddress:
    """An address of a model."""

    url: str
    tag: str
    model_path: str | None = None
    """Path with {tag}; None for the usual one."""
    project: str | None = None
    """None for the usual one, default."""


def taken_apart(address: str) -> ModelAddress | None:
    """Return the parts of an address; None if a ModelServer cannot have it, for example with a query."""
    try:
        parts = urlsplit(address)
        if parts.query or parts.fragment:
            return None
        url = BASE.validate_python(f"{parts.scheme}://{parts.netloc}")
        found = OF_RASA_X.fullmatch(parts.path)
        if found is not None and found["before"].endswith(USUAL_BEFORE):
            base = found["before"].removesuffix(USUAL_BEFORE)
            project = found["project"]
            return ModelAddress(
                BASE.validate_python(f"{url}{base}"),
                TAG.validate_python(found["tag"]),
                project=TAG.validate_python(project) if project != "default" else None,
            )
        before, _, last = parts.path.rpartition("/")
        ending = ARCHIVE if last.endswith(ARCHIVE) else ""
        tag = TAG.validate_python(last.removesuffix(ARCHIVE))
        return ModelAddress(url, tag, PATH.validate_python(f"{before}/{{tag}}{ending}"))
    except (ValidationError, ValueError):
        return None
