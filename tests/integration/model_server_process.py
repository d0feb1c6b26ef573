"""The model server as a separate process, with the two sample models."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.installation import ROOT
from tests import loopback
from tests.model_server.processes import running_process

SAMPLES = ROOT / "samples" / "models"
MODEL_A = "20260101-120000"
MODEL_B = "20260102-120000"
TOKEN = "service-token-7f3a91"
API_TOKEN = "api-token-c2e85d"


@dataclass(frozen=True)
class ModelServerProcess:
    """A running model server with both sample models."""

    url: str

    def put_tag(self, model: str, tag: str) -> None:
        """Set a tag on a model, as a user with the API token would."""
        path = f"{self.url}/api/projects/default/models/{model}/tags/{tag}"
        loopback.put(path, params={"api_token": API_TOKEN}).raise_for_status()

    def hash_of_tag(self, tag: str) -> str | None:
        """Return the response to a pull of the tag."""
        path = f"{self.url}/api/projects/default/models/tags/{tag}"
        answer = loopback.head(path, params={"token": TOKEN})
        return answer.headers["ETag"].strip('"') if answer.is_success else None

    def models(self) -> list[dict[str, Any]]:
        """The listing of models."""
        path = f"{self.url}/api/projects/default/models"
        listed: list[dict[str, Any]] = loopback.get(path, params={"token": TOKEN}).json()
        return listed

    def tags(self) -> dict[str, str]:
        """Tag to the model that carries it."""
        return {tag: model["model"] for model in self.models() for tag in model["tags"]}

    def hash_of(self, model: str) -> str:
        """The hash of a model."""
        return next(str(listed["hash"]) for listed in self.models() if listed["model"] == model)

    def delete_tag(self, tag: str) -> None:
        """Remove a tag from its model, as a user with the API token would."""
        path = f"{self.url}/api/projects/default/models/{self.tags()[tag]}/tags/{tag}"
        loopback.delete(path, params={"api_token": API_TOKEN}).raise_for_status()

    def delete_all_tags(self) -> None:
        """Remove every tag from its model."""
        for tag in self.tags():
            self.delete_tag(tag)

    def delete_all_models(self) -> None:
        """Delete every model, with its tags."""
        for model in self.models():
            path = f"{self.url}/api/projects/default/models/{model['model']}"
            loopback.delete(path, params={"api_token": API_TOKEN, "force": "true"}).raise_for_status()

    def upload(self, file: Path) -> None:
        """Uploads a model."""
        with file.open("rb") as content:
            loopback.post(
                f"{self.url}/api/projects/default/models",
                params={"api_token": API_TOKEN},
                files={"model": (file.name, content)},
            ).raise_for_status()


@contextlib.contextmanager
def running_model_server(
    directory: Path, *, tags: Iterable[str] = (), samples: Path = SAMPLES
) -> Iterator[ModelServerProcess]:
    """Run a separate model server with both sample models; model A carries these tags, and there are no others."""
    directory.mkdir(parents=True, exist_ok=True)
    variables = {"RASA_MODEL_SERVER_TOKEN": TOKEN, "RASA_MODEL_SERVER_API_TOKEN": API_TOKEN}
    storage = directory / "models"
    storage.mkdir(exist_ok=True)
    with running_process(directory / "log", "--storage", str(storage), variables=variables) as process:
        server = ModelServerProcess(process.url)
        for model in (MODEL_A, MODEL_B):
            server.upload(samples / f"{model}.tar.gz")
        for tag in tags:
            server.put_tag(MODEL_A, tag)
        yield server
