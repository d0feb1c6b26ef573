"""Real Rasa 3.6.21, started from the Deployment that the operator wrote, at the address of its simulated pod."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from local.api_server import ApiServer
from local.deployed_pod import deployed_pod
from local.models import models_of
from local.rasa import RELEASES, RasaProcess
from rasa_environments.api.base import JsonObject
from tests import loopback
from tests.integration.conftest import Installation, furnish
from tests.integration.manifests import environment, model_tag
from tests.integration.model_server_front import MODELS, Asked, Front, Said, front_of
from tests.integration.model_server_process import MODEL_A, MODEL_B, ModelServerProcess
from tests.integration.space import ENVIRONMENT, Space
from tests.integration.test_model_tags import TAG

RASA_STARTS_SECONDS = 120.0
PULLED = f"{MODELS}/tags/production"
COMMAND = (sys.executable, "-m", "rasa_environments")


@dataclass(frozen=True)
class Bot:
    """A Rasa server in place of the only pod of the environment `production`."""

    space: Space
    front: Front
    kubeconfig: Path
    process: RasaProcess
    readiness_command: list[str]
    ready_before_a_model: bool
    status_before_a_model: JsonObject

    def is_ready(self) -> bool:
        """Return the output of the pod's readiness command, run unchanged."""
        return self.process.run_probe(self.readiness_command) == 0

    def says(self) -> str:
        """Its answer to a greeting."""
        asked = {"sender": "test", "message": "hello"}
        answer = loopback.post(f"{self.process.url}/webhooks/rest/webhook", json=asked, timeout=60)
        return " ".join(said["text"] for said in answer.json())

    def looks_healthy(self) -> bool:
        """Return the result of a probe that does not ask for the model."""
        return loopback.get(self.process.url, timeout=30).text == "Hello from Rasa: 3.6.21"

    def command(self, line: str) -> subprocess.CompletedProcess[str]:
        """Runs the command line tool as a person would."""
        where = ["--kubeconfig", str(self.kubeconfig), "--namespace", self.space.namespace]
        return subprocess.run(
            [*COMMAND, *line.split(), *where], capture_output=True, text=True, check=False, timeout=100
        )

    def serve(self, model: str) -> None:
        """Given: the model carries the tag, and is served."""
        self.space.apply(model_tag(model=model))
        self.wait_until_served(model)

    def wait_for_pulls(self, more: int) -> None:
        """Wait until this many more pulls have begun: the server begins none before the last was answered."""
        goal = self.front.count("GET", PULLED) + more
        self.space.eventually(lambda: self.front.count("GET", PULLED) >= goal, f"{more} more pulls")

    def wait_until_served(self, model: str) -> None:
        self.space.wait_for_condition(
            ENVIRONMENT,
            "production",
            "ModelServed",
            status="True",
            reason="Served",
            message=f"1 of 1 ready pods serve {model}",
        )


def is_listening(process: RasaProcess) -> bool:
    try:
        return loopback.get(process.url, timeout=30).is_success
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def bot(
    shared: Installation,
    new_space: Callable[[], Space],
    tagged_model_server: ModelServerProcess,
    rasa_binaries: Path,
) -> Iterator[Bot]:
    """Started while no model carries its tag."""
    space = new_space()
    with front_of(tagged_model_server) as front:
        furnish(space, front)
        space.apply(environment(model={"pullPeriodSeconds": 1}))
        space.eventually(lambda: space.status(ENVIRONMENT, "production").get("replicas") == 1, "the pod to be there")
        kubeconfig = shared.facts.kubeconfig
        with ApiServer(kubeconfig) as api:
            pod, address = deployed_pod(api, space.namespace, "production-rasa")
        command = pod.spec["containers"][0]["readinessProbe"]["exec"]["command"]
        with RasaProcess(rasa_binaries, pod, interface=address) as process:
            process.wait_until(lambda: is_listening(process), RASA_STARTS_SECONDS, "listening")
            ready = process.run_probe(command) == 0
            space.wait_for_condition(ENVIRONMENT, "production", "ModelServed", reason="TagNotFound")
            status = space.status(ENVIRONMENT, "production")
            yield Bot(space, front, kubeconfig, process, command, ready, status)
    tagged_model_server.delete_all_tags()


@pytest.fixture
def free_pulls(bot: Bot) -> Iterator[None]:
    """Afterwards, pulls are answered again."""
    yield
    bot.front.fault = lambda _: None


def condition(status: JsonObject, kind: str) -> tuple[str, str, str]:
    found = next(entry for entry in status["conditions"] if entry["type"] == kind)
    return found["status"], found["reason"], found["message"]


@pytest.mark.timeout(300)
def test_before_a_model_carries_the_tag_the_pod_is_up_but_not_ready(bot: Bot) -> None:
    no_model = (
        f"no model on ModelServer {bot.space.namespace}/default carries the tag production: promote one, for example "
        "`kubectl rasa promote MODEL production`"
    )
    status = bot.status_before_a_model
    assert not bot.ready_before_a_model
    assert condition(status, "Ready") == ("False", "TagNotFound", no_model)
    assert condition(status, "ModelAvailable") == ("False", "TagNotFound", no_model)
    served, reason, message = condition(status, "ModelServed")
    assert (served, reason) == ("Unknown", "TagNotFound")
    assert message.endswith("which model is wanted is not known")


def test_a_promotion_is_served_and_rolled_back_without_a_restart(bot: Bot) -> None:
    pid, key = bot.process.pid, f"{bot.space.namespace}/production"

    first = bot.command(f"promote {MODEL_A} production --wait")

    assert first.returncode == 0, first.stderr
    assert bot.is_ready()
    assert bot.says() == "Hello from model A."

    promoted = bot.command(f"promote {MODEL_B} production --wait")

    assert promoted.returncode == 0, promoted.stderr
    steps = promoted.stdout.splitlines()
    assert steps[0] == f"{key}: {MODEL_A} -> {MODEL_B} (ModelTag {key})"
    assert steps[1:] == [f"{MODEL_B} is served by environment {key}"]
    assert bot.says() == "Hello from model B."

    rolled_back = bot.command("rollback production")

    assert rolled_back.returncode == 0, rolled_back.stderr
    steps = rolled_back.stdout.splitlines()
    assert steps[0] == f"{key}: {MODEL_B} -> {MODEL_A} (ModelTag {key})"
    assert steps[-1] == f"{MODEL_A} is served by environment {key}"
    assert bot.says() == "Hello from model A."
    assert bot.process.running
    assert bot.process.pid == pid


def test_a_served_model_makes_environment_and_tag_ready(bot: Bot) -> None:
    bot.serve(MODEL_A)

    bot.space.wait_for_condition(ENVIRONMENT, "production", "Ready", status="True", message=f"serves {MODEL_A}")
    served = f"{MODEL_A} is served by environment {bot.space.namespace}/production"
    bot.space.wait_for_condition(TAG, "production", "Served", status="True", message=served)
    bot.space.wait_for_condition(
        TAG, "production", "Ready", status="True", message=f"tag production answers with model {MODEL_A}: {served}"
    )
    status = bot.space.status(ENVIRONMENT, "production")
    assert status["desiredModel"] == {"name": MODEL_A, "hash": bot.front.behind.hash_of(MODEL_A)}
    assert status["servedModels"] == [{"name": MODEL_A, "replicas": 1}]
    assert (status["servingReplicas"], status["readyReplicas"]) == (1, 1)


@pytest.mark.usefixtures("free_pulls")
def test_until_the_model_is_pulled_another_one_is_served(bot: Bot) -> None:
    bot.serve(MODEL_A)

    def nothing_new(asked: Asked) -> Said | None:
        return Said(304) if (asked.method, asked.path) == ("GET", PULLED) else None

    bot.front.fault = nothing_new
    bot.wait_for_pulls(1)  # so that none is under way from before
    bot.space.patch(TAG, "production", {"spec": {"model": MODEL_B}})

    found = bot.space.wait_for_condition(
        ENVIRONMENT, "production", "ModelServed", status="False", reason="AnotherModelServed"
    )
    assert f"serves {MODEL_A}, {MODEL_B} is wanted: it has not pulled it yet" in found["message"]
    bot.space.wait_for_condition(ENVIRONMENT, "production", "Ready", status="False", reason="AnotherModelServed")
    bot.space.wait_for_condition(TAG, "production", "Served", status="False", reason="AnotherModelServed")
    assert bot.says() == "Hello from model A."

    bot.front.fault = lambda _: None

    bot.wait_until_served(MODEL_B)
    assert bot.says() == "Hello from model B."


@pytest.mark.usefixtures("free_pulls")
def test_a_refused_pull_token_is_the_trouble_of_the_server_and_what_serves_stays_ready(bot: Bot) -> None:
    bot.serve(MODEL_A)

    bot.front.fault = lambda asked: Said(401, '{"message": "not this token"}') if "token" in asked.query else None

    for kind, name, told, status in (
        ("ModelServer", "default", "Ready", "False"),
        (ENVIRONMENT, "production", "ModelAvailable", "Unknown"),
    ):
        bot.space.wait_for_condition(
            kind,
            name,
            told,
            status=status,
            reason="Unauthorized",
            message=f"the model server at {bot.front.url}{MODELS} answers 401 to the listing of "
            "models: it does not accept the credentials; check `token` in the Secret of credentialsSecretRef",
        )
    bot.space.wait_for_condition(ENVIRONMENT, "production", "Ready", status="True", reason="Ready")
    pulls = bot.front.count("GET", PULLED)
    bot.space.eventually(lambda: bot.front.count("GET", PULLED) > pulls, "Rasa to pull with the refused token")
    assert bot.looks_healthy()
    assert bot.is_ready()
    assert bot.says() == "Hello from model A."


def test_a_tag_that_no_model_carries_any_more_shows_only_in_the_conditions(bot: Bot) -> None:
    bot.serve(MODEL_A)

    bot.space.delete(TAG, "production")
    bot.front.behind.delete_tag("production")

    bot.space.wait_for_condition(ENVIRONMENT, "production", "ModelAvailable", status="False", reason="TagNotFound")
    bot.space.wait_for_condition(ENVIRONMENT, "production", "Ready", status="False", reason="TagNotFound")
    bot.space.wait_for_condition(
        ENVIRONMENT,
        "production",
        "ModelServed",
        status="Unknown",
        message=f"pods serve {MODEL_A}; which model is wanted is not known",
    )
    assert bot.looks_healthy()
    assert bot.says() == "Hello from model A."


def test_a_model_that_rasa_cannot_load_is_promoted_only_if_that_is_allowed(bot: Bot, tmp_path: Path) -> None:
    old, trained = "trained-with-2-8-34", models_of(RELEASES["2.8.34"]) / f"{MODEL_A}.tar.gz"
    bot.front.behind.upload(Path(shutil.copy(trained, tmp_path / f"{old}.tar.gz")))
    bot.serve(MODEL_A)

    refused = bot.command(f"promote {old} production")

    assert refused.returncode == 1
    assert (
        f"environment {bot.space.namespace}/production runs Rasa 3.6.21, which loads models of Rasa 3.6.21 and later, "
        f"and model {old} was trained with Rasa 2.8.34: "
    ) in refused.stderr
    assert bot.front.behind.tags() == {"production": MODEL_A}

    allowed = bot.command(f"promote {old} production --allow-incompatible --until tagged")

    assert allowed.returncode == 0, allowed.stderr
    bot.wait_for_pulls(2)
    bot.space.wait_for_condition(ENVIRONMENT, "production", "ModelServed", status="False", reason="AnotherModelServed")
    assert bot.says() == "Hello from model A."
