"""The JSON objects in the store."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from rasa_model_server.archive.training import listed_text

EARLIER_MODELS = 20
"""How many models a tag remembers that it had before: twice what the history of a ModelTag has by default."""

TAGS = "tags"
"""The prefix of tags in the store."""

ListedText = Annotated[str | None, BeforeValidator(listed_text)]
"""A text that came out of a model file. What is too long to be listed is as if it were not there."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())


class ModelRecord(_Record):
    """`models/<model>.json`. A model exists when this object does. Times are seconds since 1970, sizes are bytes."""

    model: str
    archive: str
    """Key of the model file. Each upload writes a key of its own, so it also tells two uploads of one name apart."""
    hash: str
    """SHA-256 of the model file, in hex: its ETag."""
    size: int
    trained_at: float
    uploaded_at: float
    """Of an adopted file, when it was last written; not later than when it was read, whatever clock wrote it."""
    version: ListedText = None
    """The Rasa version that trained it, where the file says so."""
    model_id: ListedText = None
    used_at: float | None = None
    """When it was last uploaded again, or got or lost a tag. It is written before the tag, so that whoever decides to
    delete the model meanwhile finds another record than before."""

    @property
    def last_used_at(self) -> float:
        """When it was last uploaded, tagged or untagged."""
        return max(self.uploaded_at, self.used_at or 0.0)


class TagRecord(_Record):
    """`tags/<tag>.json`: the one model that has the tag."""

    tag: str
    model: str
    archive: str
    """The upload that was tagged: once that is deleted, the tag is on nothing, even if the name is used again."""
    earlier: tuple[str, ...] = ()
    """The uploads that had the tag before, the latest first: what a rollback may go back to."""


class EnvironmentRecord(_Record):
    """A Rasa server that was registered."""

    name: str
    url: str
    token: str = Field(repr=False)


class EnvironmentsRecord(_Record):
    """`environments/registered.json`: all of them in one object, so that they are replaced together."""

    environments: tuple[EnvironmentRecord, ...] = ()
