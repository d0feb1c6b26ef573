"""The models on the release's model server, and which tags they carry."""

from __future__ import annotations

import base64
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.caller import Caller
from tests.e2e.release import MODEL_SERVER, Release
from tests.integration.model_server_process import MODEL_A, MODEL_B, SAMPLES

PORT = 5002
UNLOADABLE = "20260103-120000"
"""A model of Rasa 2.8, which the model server accepts, but Rasa 3.6 cannot load."""

LOAD_FAILED = "Failed to update model."
"""What Rasa 3.6 logs about it at every pull (rasa/core/agent.py)."""

ANSWERS = {MODEL_A: "Hello from model A.", MODEL_B: "Hello from model B."}
"""The answer to a greeting."""


@dataclass(frozen=True)
class Models:
    """The model server, from outside by a forwarded port, and from inside as pods see it."""

    release: Release
    caller: Caller

    def upload_samples(self) -> None:
        """Upload models A, B and the one that cannot be loaded, with the command that users run."""
        with tempfile.TemporaryDirectory() as directory:
            unloadable = Path(directory) / f"{UNLOADABLE}.tar.gz"
            shutil.copyfile(SAMPLES / "2.8.34" / f"{MODEL_A}.tar.gz", unloadable)
            with self.release.cluster.forwarded(self.release.namespace, MODEL_SERVER, PORT) as url:
                for file in (SAMPLES / f"{MODEL_A}.tar.gz", SAMPLES / f"{MODEL_B}.tar.gz", unloadable):
                    self._upload(file, url)

    def upload(self, file: Path) -> None:
        """Upload another model, which is called as its file is."""
        with self.release.cluster.forwarded(self.release.namespace, MODEL_SERVER, PORT) as url:
            self._upload(file, url)

    def _upload(self, file: Path, url: str) -> None:
        where = ["--kubeconfig", str(self.release.cluster.kubeconfig), "--namespace", self.release.namespace]
        command = [sys.executable, "-m", "rasa_environments", "upload", str(file), "--url", url, *where]
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
        assert result.returncode == 0, result.stdout + result.stderr

    def tags(self) -> dict[str, str]:
        """Tag to the model that carries it, as the model server lists them."""
        encoded = self.release.get("Secret", MODEL_SERVER)["data"]["token"]
        url = f"http://{MODEL_SERVER}.{self.release.namespace}:{PORT}/api/projects/default/models"
        answer = self.caller.request("GET", url, params={"token": base64.b64decode(encoded).decode()})
        assert answer.status == 200, answer
        listed: Any = answer.body
        return {tag: str(model["model"]) for model in listed for tag in model["tags"]}
