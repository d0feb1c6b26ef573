"""The model server that environments pull from while operators are measured."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from local.demonstration.programs import ModelServerProgram, start_model_server
from local.installation import ROOT
from local.processes import Leash

SAMPLES = ROOT / "samples" / "models"
MODEL_A, MODEL_B = "20260101-120000", "20260102-120000"


@dataclass(frozen=True)
class Models:
    """A running model server with two models."""

    url: str
    token: str = field(repr=False)
    api_token: str = field(repr=False)

    def put_tag(self, model: str, tag: str) -> None:
        """Put a tag on a model. Raises httpx.HTTPError."""
        path = f"{self.url}/api/projects/default/models/{model}/tags/{tag}"
        httpx.put(path, params={"api_token": self.api_token}, trust_env=False).raise_for_status()

    def tagged(self, tag: str) -> str | None:
        """Return the model that the tag answers with; None while it answers with none."""
        path = f"{self.url}/api/projects/default/models/tags/{tag}"
        answer = httpx.head(path, params={"token": self.token}, trust_env=False)
        return answer.headers["filename"].removesuffix(".tar.gz") if answer.is_success else None

    def upload(self, file: Path) -> None:
        """Upload a model. Raises httpx.HTTPError."""
        path = f"{self.url}/api/projects/default/models"
        with file.open("rb") as content:
            files = {"model": (file.name, content)}
            answer = httpx.post(path, params={"api_token": self.api_token}, files=files, trust_env=False, timeout=600)
        answer.raise_for_status()


@contextmanager
def running_models(directory: Path, leash: Leash) -> Iterator[Models]:
    """Run a model server with both sample models and no tags until the block ends. Raises ProcessFailedError."""
    directory.mkdir()
    program: ModelServerProgram = start_model_server(directory, leash)
    models = Models(program.url, program.token, program.api_token)
    try:
        for model in (MODEL_A, MODEL_B):
            models.upload(SAMPLES / f"{model}.tar.gz")
        yield models
    finally:
        program.child.stop()
