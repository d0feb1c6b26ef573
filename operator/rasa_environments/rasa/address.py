"""Where a model server's resources live."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

PULL_PATH = "/api/projects/{project}/models/tags/{tag}"
"""Where every version of Rasa X and Rasa Enterprise answers the pull of a tag."""


@dataclass(frozen=True)
class ModelServerAddress:
    """A model server's base address, its project, and where a tag is pulled when that is not the usual path."""

    url: str
    project: str = "default"
    model_path: str | None = None

    def tag_url(self, tag: str) -> str:
        """What a Rasa server pulls: the address of the model that carries `tag`, without the token."""
        path = (self.model_path or PULL_PATH).replace("{project}", _part(self.project)).replace("{tag}", _part(tag))
        return self._base + path

    @property
    def models_url(self) -> str:
        """Where models are listed and uploaded."""
        return f"{self._base}/api/projects/{_part(self.project)}/models"

    def model_tag_url(self, model: str, tag: str) -> str:
        """Where a tag is put on a model and taken from it."""
        return f"{self.models_url}/{_part(model)}/tags/{_part(tag)}"

    @property
    def login_url(self) -> str:
        """Where a user name and a password become a JWT."""
        return f"{self._base}/api/auth"

    @property
    def environments_url(self) -> str:
        """Where Rasa X from 1.0 on, and Rasa Enterprise, list the environments they know, of all projects."""
        return f"{self._base}/api/environments"

    @property
    def version_url(self) -> str:
        """Where the server tells its version, to anybody."""
        return f"{self._base}/api/version"

    @property
    def health_url(self) -> str:
        """Where Rasa X tells how each of its environments is."""
        return f"{self._base}/api/health"

    @property
    def _base(self) -> str:
        return self.url.rstrip("/")


def _part(text: str) -> str:
    """A part of a path, so that no name can lead elsewhere."""
    return quote(text, safe="")
