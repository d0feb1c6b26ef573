"""A server of plain files as model server, with real Rasa 3.6.21, which calls each pulled file model.tar.gz."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from local.api_server import ApiServer
from local.deployed_pod import deployed_pod
from local.models import models_of
from local.rasa import RELEASES, RasaProcess
from rasa_environments.api.base import API_VERSION, JsonObject
from tests import loopback
from tests.integration.conftest import Installation
from tests.integration.manifests import environment, secret
from tests.integration.model_server_process import MODEL_A, MODEL_B
from tests.integration.plain_file_server import PlainFiles, plain_files
from tests.integration.space import ENVIRONMENT, Space

RASA_STARTS_SECONDS = 120.0
FILE = "/models/production.tar.gz"
OPERATOR = "rasa-environments"


def model_file(name: str) -> bytes:
    """A sample model."""
    return (models_of(RELEASES["3.6.21"]) / f"{name}.tar.gz").read_bytes()


def file_server(url: str) -> JsonObject:
    """A ModelServer that names where the files are, and no credentials."""
    return {
        "apiVersion": API_VERSION,
        "kind": "ModelServer",
        "metadata": {"name": "default"},
        "spec": {"url": url, "modelPath": "/models/{tag}.tar.gz"},
    }


@dataclass(frozen=True)
class Bot:
    """A Rasa server in place of the only pod of the environment `production`."""

    space: Space
    files: PlainFiles
    process: RasaProcess

    def says(self) -> str:
        """Its answer to a greeting."""
        asked = {"sender": "test", "message": "hello"}
        answer = loopback.post(f"{self.process.url}/webhooks/rest/webhook", json=asked, timeout=60)
        return " ".join(said["text"] for said in answer.json())

    def serve(self, name: str) -> str:
        """Given: the model is the file of the tag, and is served. Returns its ETag."""
        self.files.files[FILE] = model_file(name)
        etag = self.files.etag(FILE)
        self.wait_until_served(etag)
        return etag

    def wait_until_served(self, etag: str, name: str = "production") -> None:
        """Wait until the environment reports that the file is served."""
        condition = {"status": "True", "reason": "Served"}
        self.space.eventually(
            lambda: self.space.status(ENVIRONMENT, name).get("desiredModel") == {"name": etag, "hash": etag},
            f"the file {etag} to be wanted by {name}",
        )
        found = self.space.wait_for_condition(ENVIRONMENT, name, "ModelServed", **condition)
        self.space.wait_for_condition(ENVIRONMENT, name, "Ready", status="True")
        assert etag in found["message"]


@pytest.fixture(scope="module")
def bot(shared: Installation, new_space: Callable[[], Space], rasa_binaries: Path) -> Iterator[Bot]:
    """It serves model A."""
    space = new_space()
    with plain_files() as files:
        files.files[FILE] = model_file(MODEL_A)
        space.apply(file_server(files.url), environment(model={"pullPeriodSeconds": 1}))
        space.eventually(lambda: space.status(ENVIRONMENT, "production").get("replicas") == 1, "the pod to be there")
        with ApiServer(shared.facts.kubeconfig) as api:
            pod, address = deployed_pod(api, space.namespace, "production-rasa")
        with RasaProcess(rasa_binaries, pod, interface=address) as process:
            process.wait_until(lambda: is_listening(process), RASA_STARTS_SECONDS, "listening")
            yield Bot(space, files, process)


def is_listening(process: RasaProcess) -> bool:
    try:
        return loopback.get(process.url, timeout=30).is_success
    except httpx.TransportError:
        return False


@pytest.mark.timeout(300)
def test_what_rasa_serves_is_known_by_the_file_itself(bot: Bot) -> None:
    etag = bot.serve(MODEL_A)

    assert bot.says() == "Hello from model A."
    status = bot.space.status(ENVIRONMENT, "production")
    assert status["servedModels"] == [{"name": etag, "replicas": 1}]


def test_another_file_is_reported_as_another_model_until_it_is_served(bot: Bot) -> None:
    bot.serve(MODEL_A)

    bot.serve(MODEL_B)

    assert bot.says() == "Hello from model B."


def test_the_operator_downloads_each_file_once(bot: Bot) -> None:
    bot.serve(MODEL_B)
    bot.serve(MODEL_A)
    before = bot.files.downloaded_by(OPERATOR, FILE)

    bot.serve(MODEL_B)

    assert bot.files.downloaded_by(OPERATOR, FILE) == before


def test_the_same_server_seen_from_outside_is_reported_alike(bot: Bot) -> None:
    etag = bot.serve(MODEL_A)
    bot.files.files["/models/outside.tar.gz"] = model_file(MODEL_A)

    token = {"secretKeyRef": {"name": "outside", "key": "token"}}
    bot.space.apply(
        secret("outside", token=bot.space.token()),
        environment("outside", external={"url": bot.process.url, "authToken": token}),
    )

    bot.wait_until_served(etag, "outside")
    bot.space.delete(ENVIRONMENT, "outside")


def test_a_file_that_is_no_model_leaves_it_unknown_and_says_why(bot: Bot) -> None:
    bot.serve(MODEL_A)

    bot.files.files[FILE] = b"no model"

    def told() -> bool:
        found = bot.space.condition(ENVIRONMENT, "production", "ModelServed") or {}
        return "is no model that Rasa could load: it is no gzip" in found.get("message", "")

    bot.space.eventually(told, "the file to be told as none of a model")
    bot.space.wait_for_condition(ENVIRONMENT, "production", "Ready", status="Unknown", reason="ModelUnknown")
    assert bot.says() == "Hello from model A."


def test_a_deleted_file_is_a_tag_without_a_model(bot: Bot) -> None:
    bot.serve(MODEL_A)

    del bot.files.files[FILE]

    bot.space.wait_for_condition(ENVIRONMENT, "production", "ModelAvailable", status="False", reason="TagNotFound")
    bot.space.wait_for_condition(ENVIRONMENT, "production", "Ready", status="False", reason="TagNotFound")
