"""The models that a server lists: which parts of an entry are used, within which limits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import (
    BaseModel,
    FailFast,
    Field,
    StrictBool,
    TypeAdapter,
    ValidationError,
    ValidatorFunctionWrapHandler,
    field_validator,
)

MODEL_SUFFIX = ".tar.gz"
LONGEST_NAME = 255
"""Characters of a model's name: as many as of a file name."""
HASH = re.compile("[!#-~]{1,128}")
"""A hash as in ETags (RFC 9110, 8.8.3), of at most 128 characters."""
MODEL_ID = re.compile("[0-9A-Za-z_-]{1,64}")
"""An id of a training as Rasa generates it (`uuid4().hex`), or similar."""
LONGEST_TAG = 63
"""Characters of a tag, as in the API."""
MAXIMUM_TAGS = 64
"""Maximum number of tags of a model; in practice there are far fewer."""
LATEST = 253402300799.0
"""The end of the year 9999 in seconds since 1970: the latest valid time."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model as the server lists it; times in seconds since 1970."""

    name: str
    hash: str
    tags: frozenset[str]
    trained_at: float | None = None
    version: str | None = None
    is_compatible: bool | None = None
    """Whether the server considers it compatible with its production; None if it does not say."""
    model_id: str | None = None
    """The id from its training: what a Rasa server reports that pulled it without its name."""
    size: int | None = None
    """Bytes of the model file."""
    uploaded_at: float | None = None
    """When it reached the server, which no Rasa X says."""


def is_name(text: str) -> bool:
    """Return whether this can be the name of a model, or of a tag: one line of printable text, without slashes."""
    return 0 < len(text) <= LONGEST_NAME and text.isprintable() and "/" not in text


Time = Annotated[float, Field(ge=0, le=LATEST, allow_inf_nan=False)]
"""Seconds since 1970."""


class ListedModel(BaseModel):
    """An entry of `GET /api/projects/{project}/models`."""

    model: str
    hash: str
    tags: list[str] = []
    trained_at: Time | None = None
    version: Annotated[str, Field(max_length=64)] | None = None
    is_compatible: StrictBool | None = None
    model_id: Annotated[str, Field(pattern=f"^{MODEL_ID.pattern}$")] | None = None
    size: Annotated[int, Field(ge=0, le=2**53)] | None = None
    uploaded_at: Time | None = None

    @field_validator("tags", mode="before")
    @classmethod
    def _no_tags(cls, value: object) -> object:
        return [] if value is None else value

    @field_validator("trained_at", "version", "is_compatible", "model_id", "size", "uploaded_at", mode="wrap")
    @classmethod
    def _optional(cls, value: object, handler: ValidatorFunctionWrapHandler) -> object:
        """Return None for values of another type, or too long: these fields are only informative."""
        try:
            return handler(value)
        except ValidationError:
            return None

    def model_listed(self) -> Model | None:
        """Return the entry as a Model with its valid tags; None if its name or hash is invalid.

        A model with an unusable name does not affect others.
        """
        name = self.model.removesuffix(MODEL_SUFFIX)
        if not (is_name(name) and HASH.fullmatch(self.hash)):
            return None
        tags = frozenset(tag for tag in self.tags[:MAXIMUM_TAGS] if len(tag) <= LONGEST_TAG and is_name(tag))
        return Model(
            name,
            self.hash,
            tags,
            trained_at=self.trained_at,
            version=self.version,
            is_compatible=self.is_compatible,
            model_id=self.model_id,
            size=self.size,
            uploaded_at=self.uploaded_at,
        )


LISTING = TypeAdapter(Annotated[list[ListedModel], FailFast()])
