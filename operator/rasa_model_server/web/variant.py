"""The differences in the API of models between kinds of servers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ApiVariant:
    """The status codes that models are answered with, and the paths they are at."""

    model_uploaded: int = 201
    model_refused: int = 400
    """Answer to a file that is no model, or that the production server cannot load."""
    model_exists: int = 409
    repeated_upload_accepted: bool = False
    """Whether the same file may be uploaded again under the same name."""
    tag_written: int = 204
    unchanged: int = 204
    """Answer to a pull whose If-None-Match has the model's ETag. Rasa takes 204 and 304 alike."""
    paths_without_api: bool = False
    """Whether tags and conversations are below / too, not only below /api."""
    tags_without_project: bool = False
    """Whether /api/models/tags/{tag} pulls."""


@dataclass(frozen=True)
class ModelApi:
    """The API of models of one server. Sizes are bytes."""

    project: str
    """The only one there is."""
    max_model_bytes: int
    max_unpacked_bytes: int
    variant: ApiVariant
    redirects: bool = False
    """Whether pulls of adopted models are sent to the bucket that they are in."""
