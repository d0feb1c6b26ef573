"""Models that a pipeline wrote into a bucket, promoted by ModelTags, and pulled by real Rasa 3.6.21 from the bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from local.api_server import ApiServer
from local.deployed_pod import deployed_pod
from local.rasa import RasaProcess
from local.services import S3
from tests import loopback
from tests.integration.conftest import Installation, furnish
from tests.integration.manifests import environment, model_tag
from tests.integration.model_server_process import API_TOKEN, MODEL_A, MODEL_B, TOKEN, ModelServerProcess
from tests.integration.space import ENVIRONMENT, Space
from tests.model_server.buckets import bucket_of_team
from tests.model_server.processes import running_process

MODEL_TAG = "ModelTag"
RASA_STARTS_SECONDS = 120.0


@dataclass(frozen=True)
class Bot:
    """A Rasa server in place of the only pod of the environment `production`, which is sent to the bucket."""

    space: Space
    process: RasaProcess

    def promote(self, model: str) -> None:
        """Given: the ModelTag `production` names the model, and is Ready."""
        self.space.apply(model_tag(model=model))
        self.space.eventually(
            lambda: self.space.status(MODEL_TAG, "production").get("taggedModel", {}).get("name") == model,
            f"{model} to have the tag",
        )
        self.space.wait_for_condition(MODEL_TAG, "production", "Ready", status="True")

    def model_file(self) -> str:
        """What Rasa calls the model that it serves."""
        answer = loopback.get(f"{self.process.url}/status", params={"token": self.space.token()})
        return str(answer.json()["model_file"])

    def says(self) -> str:
        """Its answer to a greeting."""
        asked = {"sender": "test", "message": "hello"}
        answer = loopback.post(f"{self.process.url}/webhooks/rest/webhook", json=asked, timeout=60)
        return " ".join(said["text"] for said in answer.json())


@pytest.fixture(scope="module")
def bot(
    shared: Installation,
    new_space: Callable[[], Space],
    rasa_binaries: Path,
    s3: S3,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Bot]:
    space, bucket = new_space(), bucket_of_team(s3, "3.6.21")
    log = tmp_path_factory.mktemp("adopting") / "log"
    tokens = {"RASA_MODEL_SERVER_TOKEN": TOKEN, "RASA_MODEL_SERVER_API_TOKEN": API_TOKEN}
    with running_process(log, "--adopt", bucket.url, "--redirect", variables={**tokens, **s3.variables}) as server:
        furnish(space, ModelServerProcess(server.url))
        space.apply(environment(model={"pullPeriodSeconds": 1}), model_tag(model=MODEL_A))
        space.eventually(lambda: space.status(ENVIRONMENT, "production").get("replicas") == 1, "the pod to be there")
        with ApiServer(shared.facts.kubeconfig) as api:
            pod, address = deployed_pod(api, space.namespace, "production-rasa")
        with RasaProcess(rasa_binaries, pod, interface=address) as process:
            process.wait_until(lambda: is_listening(process), RASA_STARTS_SECONDS, "listening")
            yield Bot(space, process)


def is_listening(process: RasaProcess) -> bool:
    try:
        return loopback.get(process.url, timeout=30).is_success
    except httpx.TransportError:
        return False


@pytest.mark.timeout(400)
def test_a_model_that_came_from_the_bucket_without_its_name_is_known_by_its_name(bot: Bot) -> None:
    bot.promote(MODEL_A)

    bot.space.wait_for_condition(ENVIRONMENT, "production", "ModelServed", status="True", reason="Served")
    status = bot.space.status(ENVIRONMENT, "production")
    assert bot.model_file() == "model.tar.gz"
    assert status["servedModels"] == [{"name": MODEL_A, "replicas": 1}]
    assert bot.says() == "Hello from model A."


@pytest.mark.timeout(400)
def test_another_model_of_the_bucket_is_promoted_and_served(bot: Bot) -> None:
    bot.promote(MODEL_A)

    bot.promote(MODEL_B)

    assert bot.space.status(ENVIRONMENT, "production")["servedModels"] == [{"name": MODEL_B, "replicas": 1}]
    assert bot.says() == "Hello from model B."
