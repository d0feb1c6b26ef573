"""The URLs of a model server's resources."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

PULL_PATH = "/api/projects/{project}/models/tags/{tag}"
"""Path from which every version of Rasa X and Rasa Enterprise serves the pull of a tag."""


@dataclass(frozen=True)
class ModelServerAddress:
    """A model server's base URL and project, and the path to pull tags from if it is not the usual one."""

    url: str
    project: str = "default"
    model_path: str | None = None

    def tag_url(self, tag: str) -> str:
        """Return the URL from which a Rasa server pulls the model of `tag`, without the token."""
        path = (self.model_path or PULL_PATH).replace("{project}", _part(self.project)).replace("{tag}", _part(tag))
        return self._base + path

    @property
    def models_url(self) -> str:
        """URL to list and upload models."""
        return f"{self._base}/api/projects/{_part(self.project)}/models"

    def model_url(self, model: str) -> str:
        """Return the URL to download a model from."""
        return f"{self.models_url}/{_part(model)}"

    def model_tag_url(self, model: str, tag: str) -> str:
        """Return the URL to set a tag on a model, and to remove it."""
        return f"{self.model_url(model)}/tags/{_part(tag)}"

    @property
    def login_url(self) -> str:
        """URL to exchange a user name and password for a JWT."""
        return f"{self._base}/api/auth"

    @property
    def environments_url(self) -> str:
        """URL at which Rasa X from 1.0 on, and Rasa Enterprise, list their environments, of all projects."""
        return f"{self._base}/api/environments"

    @property
    def version_url(self) -> str:
        """URL at which the server reports its version, without authentication."""
        return f"{self._base}/api/version"

    @property
    def health_url(self) -> str:
        """URL at which Rasa X reports the health of its environments."""
        return f"{self._base}/api/health"

    @property
    def _base(self) -> str:
        return self.url.rstrip("/")


def _part(text: str) -> str:
    """Return the text escaped as a path segment, so that no name can lead elsewhere."""
    return quote(text, safe="")
