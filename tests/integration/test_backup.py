"""A namespace and a store are lost, and a backup brings them back."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from rasa_environments.api.base import JsonObject
from tests.api.api_server import wait_until
from tests.integration.conftest import Installation, furnish
from tests.integration.manifests import CREDENTIALS, environment, model_tag, secret
from tests.integration.model_server_process import (
    API_TOKEN,
    MODEL_A,
    MODEL_B,
    SAMPLES,
    TOKEN,
    ModelServerProcess,
)
from tests.integration.operator_process import OperatorProcess
from tests.integration.space import Space
from tests.integration.test_model_tags import wait_until_tagged
from tests.model_server.processes import running_process

Ran = subprocess.CompletedProcess[str]
VARIABLES = {"RASA_MODEL_SERVER_TOKEN": TOKEN, "RASA_MODEL_SERVER_API_TOKEN": API_TOKEN}


@contextmanager
def model_server(directory: Path, port: int = 0) -> Iterator[ModelServerProcess]:
    """A model server with the store in the directory, at a port that a lost one had."""
    directory.mkdir()
    arguments = ["--storage", str(directory / "store"), "--port", str(port)]
    with running_process(directory / "log", *arguments, variables=VARIABLES) as process:
        yield ModelServerProcess(process.url)


def command(space: Space, shared: Installation, line: str, *arguments: str) -> Ran:
    """Run `rasa-environments <line>` as the administrator of the cluster."""
    where = ["--kubeconfig", str(shared.facts.kubeconfig), "--namespace", space.namespace]
    called = [sys.executable, "-m", "rasa_environments", *line.split(), *arguments, *where]
    return subprocess.run(called, capture_output=True, text=True, check=False, timeout=120)


def lose(space: Space) -> None:
    """Delete the namespace, and wait until it is gone."""
    path = f"/api/v1/namespaces/{space.namespace}"
    assert space.api.request("DELETE", path).accepted
    wait_until(lambda: not space.api.request("GET", path).accepted, "the namespace to be gone", 120)


def in_order_of_upload(models: list[JsonObject]) -> list[str]:
    """The names of listed models, the newest last."""
    return [str(each["model"]) for each in sorted(models, key=lambda each: float(each["uploaded_at"]))]


@pytest.mark.timeout(300)
def test_a_lost_namespace_and_a_lost_store_come_back_with_models_tags_and_history(
    empty_space: Space, shared: Installation, operator: OperatorProcess, tmp_path: Path
) -> None:
    space, backup = empty_space, tmp_path / "backup"
    with model_server(tmp_path / "first") as server:
        port = urlsplit(server.url).port or 0
        for model in (MODEL_B, MODEL_A):
            server.upload(SAMPLES / f"{model}.tar.gz")
        server.put_tag(MODEL_B, "by-hand")
        furnish(space, server)
        space.apply(model_tag(model=MODEL_A), environment(replicas=1))
        wait_until_tagged(space, MODEL_A)
        space.apply(model_tag(model=MODEL_B))
        before = wait_until_tagged(space, MODEL_B)
        space.wait_until_ready()
        models = server.models()

        saved = command(space, shared, "backup", str(backup))

        assert saved.returncode == 0, saved.stderr
        assert f"not saved, and needed to restore it: Secret {CREDENTIALS}" in saved.stdout
        assert all(token not in file.read_text() for file in backup.rglob("*.[yj]*") for token in (TOKEN, API_TOKEN))
    lose(space)

    with model_server(tmp_path / "second", port) as server:
        space.create_namespace()
        without_secret = command(space, shared, "restore", str(backup))
        assert without_secret.returncode == 4
        assert f"Secret {CREDENTIALS}" in without_secret.stderr
        assert server.models() == []

        space.apply(secret(CREDENTIALS, token=TOKEN, apiToken=API_TOKEN))
        restored = command(space, shared, "restore", str(backup))

        assert restored.returncode == 0, restored.stdout + restored.stderr
        space.wait_until_ready()
        after = wait_until_tagged(space, MODEL_B)
        assert [(each["model"], each["hash"], each["tags"]) for each in server.models()] == [
            (each["model"], each["hash"], each["tags"]) for each in models
        ]
        assert in_order_of_upload(server.models()) == [MODEL_B, MODEL_A]
        assert after["history"] == before["history"]

        again = command(space, shared, "restore", str(backup))
        assert (again.returncode, again.stdout) == (0, "0 models uploaded, 2 were there\n")

        rolled_back = command(space, shared, "rollback production --until tagged")
        assert rolled_back.returncode == 0, rolled_back.stderr
        history = wait_until_tagged(space, MODEL_A)["history"]
        assert history[0]["cause"] == "Rollback"
        assert history[1:] == before["history"]
        space.remove()
