"""The page of Rasa Enterprise 1.0 with real Rasa 2.8.34 and 3.6.21: open-source servers as environments."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from local.addresses import free_ports
from local.api_server import ApiServer
from local.deployed_pod import deployed_pod
from local.models import models_of
from local.rasa import RASA_VERSION, RELEASES, Pod, RasaProcess
from local.services import PostgreSql, RabbitMq
from rasa_environments.api.base import JsonObject
from rasa_model_server.rasa_x.profiles import ProfileName
from tests.integration.conftest import Installation
from tests.integration.manifests import CREDENTIALS, environment, model_server, secret
from tests.integration.model_server_process import MODEL_A, MODEL_B, TOKEN
from tests.integration.real_environments import (
    ANSWERS,
    LISTENING_SECONDS,
    Connections,
    RasaX,
    RealRasa,
    own_connections,
    promote,
    running_rasa_x,
    wait_for_one_pod,
    wait_until_served,
)
from tests.integration.registry import LOGIN, PASSWORD, USER, Registry
from tests.integration.service_network import service_network
from tests.integration.space import ENVIRONMENT, Space
from tests.integration.test_model_tags import TAG

PROFILE: ProfileName = "RasaEnterprise-1.0"
OLD = RELEASES["2.8.34"]
NEW_MODEL = "20260103-120000"
"""Model B of Rasa 3.6.21; models A and B were trained by Rasa 2.8.34."""
QUEUE = "rasa_production_events"
OUTSIDE_TOKEN = "outside-token-b81c55"
FOREIGN = {"name": "elsewhere", "url": "http://elsewhere.example.com:5005", "token": "not-ours"}


@dataclass(frozen=True)
class Enterprise:
    """A Rasa Enterprise with the environments production (2.8), development (3.6) and outside (2.8, no Deployment)."""

    space: Space
    rasa_x: RasaX
    connections: Connections
    rasas: dict[str, RealRasa]
    outside: RealRasa

    @property
    def registry(self) -> Registry:
        """Its registry."""
        return Registry(self.rasa_x.models.url)

    def condition(self, name: str, kind: str, **wanted: str) -> JsonObject:
        """Waits for a condition of an environment."""
        return self.space.wait_for_condition(ENVIRONMENT, name, kind, **wanted)

    def serve(self, model: str) -> None:
        """Given: production serves the model."""
        promote(self.space, "production", model)


@pytest.fixture(scope="module")
def enterprise(
    shared: Installation,
    new_space: Callable[[], Space],
    rasa_2_8: Path,
    rasa_binaries: Path,
    rabbitmq: RabbitMq,
    postgresql: PostgreSql,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Enterprise]:
    """Development serves the model B of its release, outside the model A of its own, and production is promoted."""
    space, directory, kubeconfig = new_space(), tmp_path_factory.mktemp("enterprise"), shared.facts.kubeconfig
    with contextlib.ExitStack() as running:
        network = running.enter_context(service_network(kubeconfig))
        connections = running.enter_context(own_connections(rabbitmq, postgresql, [QUEUE]))
        rasa_x = running.enter_context(running_rasa_x(PROFILE, directory, **LOGIN, **network))
        give_models(rasa_x, directory)
        outside = outside_rasa(rasa_2_8, rasa_x.url, connections)
        running.enter_context(outside.process)
        Registry(rasa_x.url).add(FOREIGN)
        space.apply(
            connections.secret(),
            secret(CREDENTIALS, token=TOKEN, username=USER, password=PASSWORD),
            secret("outside", token=OUTSIDE_TOKEN),
            model_server(rasa_x.url, profile=PROFILE, defaults={"eventBroker": connections.defaults()["eventBroker"]}),
            environment("production", rasa={"version": OLD.version}, model={"pullPeriodSeconds": 1}),
            environment("development", rasa={"version": RASA_VERSION}),
            environment(
                "outside",
                external={
                    "url": outside.process.url,
                    "authToken": {"secretKeyRef": {"name": "outside", "key": "token"}},
                },
            ),
        )
        rasas = {}
        with ApiServer(kubeconfig) as api:
            for name, binaries in (("production", rasa_2_8), ("development", rasa_binaries)):
                wait_for_one_pod(space, name)
                pod, address = deployed_pod(api, space.namespace, f"{name}-rasa")
                process = running.enter_context(RasaProcess(binaries, pod, interface=address))
                rasas[name] = RealRasa(name, pod, address, process)
        for server in (*rasas.values(), outside):
            server.process.wait_until(server.is_listening, LISTENING_SECONDS, "listening")
        yield Enterprise(space, rasa_x, connections, rasas, outside)


def give_models(rasa_x: RasaX, directory: Path) -> None:
    """Uploads models A and B of 2.8.34 and another one of 3.6.21, and tags them for development and outside."""
    rasa_x.upload_samples(OLD)
    renamed = directory / f"{NEW_MODEL}.tar.gz"
    shutil.copy(models_of(RELEASES[RASA_VERSION]) / f"{MODEL_B}.tar.gz", renamed)
    rasa_x.models.upload(renamed)
    rasa_x.models.put_tag(NEW_MODEL, "development")
    rasa_x.models.put_tag(MODEL_A, "outside")


def outside_rasa(binaries: Path, base_url: str, connections: Connections) -> RealRasa:
    """Start a server that a user set up by the page, in four steps; no Deployment knows of it."""
    endpoints = {
        "event_broker": {
            "type": "pika",
            "url": "127.0.0.1",
            "port": connections.rabbitmq.port,
            "username": connections.rabbitmq.username,
            "password": "${RABBITMQ_PASSWORD}",
            "queues": [QUEUE],
        },
        "models": {
            "url": f"{base_url}/api/projects/default/models/tags/outside",
            "token": "${RASA_X_TOKEN}",
            "wait_time_between_pulls": 1,
        },
    }
    variables = {
        "RASA_ENVIRONMENT": "outside",
        "RASA_X_TOKEN": TOKEN,
        "RABBITMQ_PASSWORD": connections.rabbitmq.password,
        "RASA_TELEMETRY_ENABLED": "false",
    }
    port = free_ports(1)[0]
    files = {
        "endpoints.yml": yaml.safe_dump(endpoints),
        "credentials.yml": yaml.safe_dump({"rest": None, "rasa": {"url": f"{base_url}/api"}}),
    }
    container = {
        "name": "rasa",
        "args": ["run", "--enable-api", "--port", str(port), "--auth-token", OUTSIDE_TOKEN],
        "env": [{"name": name, "value": value} for name, value in variables.items()],
        "ports": [{"containerPort": port}],
        "volumeMounts": [{"name": "files", "mountPath": f"/app/{file}", "subPath": file} for file in files],
    }
    spec = {"containers": [container], "volumes": [{"name": "files", "configMap": {"name": "files"}}]}
    pod = Pod(spec=spec, config_maps={"files": files}, secrets={})
    return RealRasa("outside", pod, "127.0.0.1", RasaProcess(binaries, pod, interface="127.0.0.1"))


@pytest.fixture
def pull_token_taken_back(enterprise: Enterprise) -> Iterator[None]:
    """Afterwards, let the Rasa Enterprise accept the token again that the servers pull with."""
    yield
    enterprise.rasa_x.start()


def test_what_runs_is_what_the_page_asks_for(enterprise: Enterprise) -> None:
    container = enterprise.rasas["development"].container
    variables = {entry["name"]: entry.get("value") for entry in container["env"]}
    files = enterprise.space.child("ConfigMap", "development")["data"]
    arguments = container["args"]

    assert variables["RASA_ENVIRONMENT"] == "development"
    assert yaml.safe_load(files["endpoints.yml"])["models"] == {
        "url": f"{enterprise.rasa_x.url}/api/projects/default/models/tags/development",
        "token": "${RASA_X_TOKEN}",
        "wait_time_between_pulls": 10,
    }
    assert yaml.safe_load(files["credentials.yml"])["rasa"] == {"url": f"{enterprise.rasa_x.url}/api"}
    assert arguments[0] == "run"
    assert arguments[arguments.index("--auth-token") + 1] == "$(RASA_TOKEN)"


def test_every_environment_is_registered_beside_what_others_registered(enterprise: Enterprise) -> None:
    space = enterprise.space

    for name in ("production", "development", "outside"):
        enterprise.condition(name, "Registered", status="True", reason="Registered")

    deployed = [
        {"name": name, "url": f"http://{name}-rasa.{space.namespace}.svc:5005", "token": space.token(name)}
        for name in ("production", "development")
    ]
    outside = {"name": "outside", "url": enterprise.outside.process.url, "token": OUTSIDE_TOKEN}
    assert [entry for entry in (FOREIGN, *deployed, outside) if entry not in enterprise.registry.entries()] == []


def test_rasa_enterprise_reaches_each_server_where_it_is_registered(enterprise: Enterprise) -> None:
    for name in ("production", "development", "outside"):
        enterprise.condition(name, "Registered", status="True")

    expected = {"production": OLD.version, "development": RASA_VERSION, "outside": OLD.version, "elsewhere": "0.0.0"}
    assert expected.items() <= enterprise.rasa_x.versions().items()


@pytest.mark.parametrize(("name", "model"), [("development", NEW_MODEL), ("outside", MODEL_A)])
def test_each_server_serves_the_model_of_its_tag(enterprise: Enterprise, name: str, model: str) -> None:
    wait_until_served(enterprise.space, name, model)


def test_a_message_goes_to_the_environment_that_is_named_and_to_production_without_a_name(
    enterprise: Enterprise,
) -> None:
    enterprise.serve(MODEL_A)
    asked = {"no-name": None, "named-production": "production", "named-development": "development", "else": "outside"}

    said = {sender: enterprise.rasa_x.chat(name, sender) for sender, name in asked.items()}

    assert said == {
        "no-name": ANSWERS[MODEL_A],
        "named-production": ANSWERS[MODEL_A],
        "named-development": ANSWERS[MODEL_B],
        "else": ANSWERS[MODEL_A],
    }
    # On the common queue the events of each conversation bear the name of the environment that had it, and no other.
    assert enterprise.connections.events(QUEUE, list(asked), enterprise.space) == {
        ("no-name", "production"),
        ("named-production", "production"),
        ("named-development", "development"),
        ("else", "outside"),
    }


def test_the_registered_token_alone_opens_the_server(enterprise: Enterprise) -> None:
    for server, token in (
        (enterprise.rasas["production"], enterprise.space.token("production")),
        (enterprise.rasas["development"], enterprise.space.token("development")),
        (enterprise.outside, OUTSIDE_TOKEN),
    ):
        assert (server.status(token), server.status("a-wrong-token"), server.status("")) == (200, 401, 401)


def test_a_promotion_is_followed_by_the_same_process(enterprise: Enterprise) -> None:
    enterprise.serve(MODEL_A)
    production = enterprise.rasas["production"]
    pid, before = production.process.pid, production.says()

    promote(enterprise.space, "production", MODEL_B)

    assert (before, production.says()) == (ANSWERS[MODEL_A], ANSWERS[MODEL_B])
    assert production.process.running
    assert production.process.pid == pid
    assert production.is_ready


def test_one_model_may_carry_the_tags_of_two_environments(enterprise: Enterprise) -> None:
    enterprise.serve(MODEL_B)
    wait_until_served(enterprise.space, "outside", MODEL_A)

    promote(enterprise.space, "production", MODEL_A)

    tags = enterprise.rasa_x.models.tags()
    assert (tags["production"], tags["outside"], tags["development"]) == (MODEL_A, MODEL_A, NEW_MODEL)
    wait_until_served(enterprise.space, "outside", MODEL_A)
    wait_until_served(enterprise.space, "development", NEW_MODEL)


@pytest.mark.usefixtures("pull_token_taken_back")
def test_a_refused_pull_token_is_the_trouble_of_the_server_and_what_serves_stays_ready(enterprise: Enterprise) -> None:
    enterprise.serve(MODEL_A)

    enterprise.rasa_x.start(token="another-token")

    enterprise.condition("production", "ModelAvailable", status="Unknown", reason="Unauthorized")
    enterprise.condition("production", "Ready", status="True", reason="Ready")
    enterprise.rasa_x.wait_for_pulls(enterprise.space, "production", 2)
    production = enterprise.rasas["production"]
    assert production.looks_healthy
    assert production.is_ready
    assert production.says() == ANSWERS[MODEL_A]


def test_a_tag_that_no_model_carries_shows_only_in_the_conditions(enterprise: Enterprise) -> None:
    enterprise.serve(MODEL_A)

    enterprise.space.delete(TAG, "production")
    enterprise.rasa_x.models.delete_tag("production")

    enterprise.condition("production", "ModelAvailable", status="False", reason="TagNotFound")
    enterprise.condition("production", "Ready", status="False", reason="TagNotFound")
    production = enterprise.rasas["production"]
    assert production.looks_healthy
    assert production.says() == ANSWERS[MODEL_A]


def test_an_entry_of_somebody_else_is_taken_over_once_that_is_allowed_and_leaves_with_its_environment(
    enterprise: Enterprise,
) -> None:
    space, registry = enterprise.space, enterprise.registry
    theirs = {"name": "review", "url": "http://127.0.0.1:1", "token": "theirs-and-not-ours"}
    registry.add(theirs)
    space.apply(secret("review", token=OUTSIDE_TOKEN))
    external = {
        "url": enterprise.outside.process.url,
        "authToken": {"secretKeyRef": {"name": "review", "key": "token"}},
    }

    space.apply(environment("review", external=external))

    enterprise.condition("review", "Registered", status="False", reason="RegisteredByAnother")
    assert registry.find("review") == theirs

    space.apply(
        environment("review", external=external, annotations={"rasa-environments.io/adopt-registration": "true"})
    )

    enterprise.condition("review", "Registered", status="True", reason="Registered")
    assert enterprise.rasa_x.chat("review", "reviewer") == ANSWERS[MODEL_A]

    space.delete(ENVIRONMENT, "review")

    space.eventually(lambda: registry.find("review") is None, "review to leave the registry")
    assert {"production", "development", "outside", "elsewhere"} <= registry.names()
    assert registry.find("elsewhere") == FOREIGN
