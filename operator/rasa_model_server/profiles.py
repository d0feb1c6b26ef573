"""How the server answers, where the generations of Rasa X answer differently."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    """The status codes that one kind of server answers with."""

    name: str
    model_uploaded: int
    tag_written: int
    environments_written: int
    unchanged: int
    """Answer to a pull whose If-None-Match has the model's ETag. Rasa takes 204 and 304 alike."""


MODEL_SERVER = Profile(
    name="ModelServer",
    model_uploaded=201,
    tag_written=204,
    environments_written=201,
    unchanged=204,
)
