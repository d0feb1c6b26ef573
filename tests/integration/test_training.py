"""Training on worker: the request that Rasa X sends, sent by the test to the real Rasa of its time."""

from __future__ import annotations

from pathlib import Path

import httpx

from local.models import models_of
from local.rasa import RELEASES
from tests.integration.conftest import Installation, furnish
from tests.integration.manifests import environment
from tests.integration.model_server_process import MODEL_A, ModelServerProcess
from tests.integration.real_environments import ANSWERS, RealRasa, promote, real_rasas
from tests.integration.space import Space

RELEASE = RELEASES["1.10.26"]
SOURCE = models_of(RELEASE) / "src" / "a"


def train(worker: RealRasa, token: str) -> httpx.Response:
    """The answer to `POST /model/train`, with the training data of the sample model A."""
    body = {
        "config": (SOURCE / "config.yml").read_text(),
        "domain": (SOURCE / "domain.yml").read_text(),
        "nlu": (SOURCE / "training" / "nlu.md").read_text(),
        "stories": (SOURCE / "training" / "stories.md").read_text(),
    }
    url = f"{worker.process.url}/model/train"
    return httpx.post(url, params={"token": token}, json=body, timeout=120, trust_env=False)


def test_a_first_model_is_trained_by_worker_and_then_served_by_it(
    empty_space: Space, shared: Installation, own_model_server: ModelServerProcess, rasa_1_10: Path, tmp_path: Path
) -> None:
    furnish(empty_space, own_model_server, profile="RasaX-0.2", registration="None")
    empty_space.apply(environment("worker", rasa={"version": RELEASE.version}, model={"pullPeriodSeconds": 1}))
    with real_rasas(empty_space, shared.facts.kubeconfig, rasa_1_10, "worker") as rasas:
        worker = rasas["worker"]
        assert worker.is_ready  # Its Service leads to it, though no model is there yet.
        assert train(worker, "a-wrong-token").status_code == 401

        trained = train(worker, empty_space.token("worker"))

        assert trained.status_code == 200, trained.text
        model = tmp_path / trained.headers["filename"]
        model.write_bytes(trained.content)
        own_model_server.upload(model)
        promote(empty_space, "worker", model.name.removesuffix(".tar.gz"))
        assert worker.says() == ANSWERS[MODEL_A]
