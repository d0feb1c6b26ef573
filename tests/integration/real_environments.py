"""Real Rasa servers of any release in place of simulated pods, beside a Rasa X, a broker and a database.

Each server is started from what the operator wrote: the Deployment, ConfigMap and Secret read back from the API server.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from local.api_server import ApiServer
from local.deployed_pod import deployed_pod
from local.models import NAMES, models_of
from local.rasa import Pod, RasaProcess, RasaRelease
from local.services import PostgreSql, RabbitMq
from rasa_environments.api.base import JsonObject
from rasa_model_server.rasa_x.profiles import ProfileName
from tests import loopback
from tests.integration.manifests import model_tag, secret, secret_value
from tests.integration.model_server_front import Front
from tests.integration.model_server_process import API_TOKEN, MODEL_A, TOKEN, ModelServerProcess
from tests.integration.space import ENVIRONMENT, Space
from tests.model_server.processes import running_process
from tests.services import Message, take_messages

LISTENING_SECONDS = 120.0
EXCHANGE = "rasa-exchange"
CONNECTIONS = "connections"
"""Secret with the passwords of the broker and the database."""
ANSWERS = {MODEL_A: "Hello from model A.", NAMES["b"]: "Hello from model B."}
"""Each sample model's answer to a greeting."""


@dataclass(frozen=True)
class RealRasa:
    """A Rasa server in place of the only pod of an environment."""

    environment: str
    pod: Pod
    address: str
    process: RasaProcess

    @property
    def container(self) -> JsonObject:
        """Its container, as the Deployment has it."""
        return dict(self.pod.spec["containers"][0])

    def is_listening(self) -> bool:
        """Return whether it answers at all."""
        try:
            return loopback.get(self.process.url, timeout=30).is_success
        except httpx.TransportError:
            return False

    @property
    def looks_healthy(self) -> bool:
        """The result of a probe that does not ask for the model."""
        answer = loopback.get(self.process.url, timeout=30)
        return self.process.running and answer.status_code == 200 and answer.text.startswith("Hello from Rasa: ")

    @property
    def is_ready(self) -> bool:
        """The output of the pod's readiness command, run unchanged."""
        return self.process.run_probe(self.container["readinessProbe"]["exec"]["command"]) == 0

    def says(self, sender: str = "test") -> str:
        """Return its answer to a greeting on the channel `rest`."""
        asked = {"sender": sender, "message": "hello"}
        answer = loopback.post(f"{self.process.url}/webhooks/rest/webhook", json=asked, timeout=60)
        return " ".join(said["text"] for said in answer.raise_for_status().json())

    def status(self, token: str) -> int:
        """The status code of /status with that token."""
        return loopback.get(f"{self.process.url}/status", params={"token": token}, timeout=30).status_code


@contextlib.contextmanager
def real_rasas(space: Space, kubeconfig: Path, binaries: Path, *environments: str) -> Iterator[dict[str, RealRasa]]:
    """A real server for each of the environments, all started at once, and listening."""
    with contextlib.ExitStack() as running, ApiServer(kubeconfig) as api:
        servers: dict[str, RealRasa] = {}
        for name in environments:
            wait_for_one_pod(space, name)
            pod, address = deployed_pod(api, space.namespace, f"{name}-rasa")
            process = RasaProcess(binaries, pod, interface=address)
            running.callback(process.stop, patience=0)
            process.start()
            servers[name] = RealRasa(name, pod, address, process)
        for server in servers.values():
            server.process.wait_until(server.is_listening, LISTENING_SECONDS, "listening")
        yield servers


def wait_for_one_pod(space: Space, environment: str) -> None:
    """Wait until the environment has one pod, of the current Deployment."""
    space.eventually(lambda: space.status(ENVIRONMENT, environment).get("replicas") == 1, f"the pod of {environment}")


class RasaX:
    """This project's model server in place of a Rasa X, behind a front whose address survives restarts."""

    def __init__(self, profile: ProfileName, directory: Path, **variables: str) -> None:
        self.front = Front(ModelServerProcess("http://127.0.0.1"))
        self.profile = profile
        self._directory = directory
        self._variables = variables
        self._running = contextlib.ExitStack()

    @property
    def url(self) -> str:
        """The address of the front: Rasa X as the operator and the pods know it."""
        return self.front.url

    @property
    def models(self) -> ModelServerProcess:
        """Its models and tags, as an administrator sees them."""
        return self.front.behind

    def start(self, *arguments: str, token: str = TOKEN) -> None:
        """Start or restart it, keeping its models. `token` is its RASA_X_TOKEN, which pulls."""
        self._running.close()
        credentials = {"RASA_MODEL_SERVER_TOKEN": token, "RASA_MODEL_SERVER_API_TOKEN": API_TOKEN}
        options = ("--profile", self.profile, "--storage", str(self._directory / "models"), *arguments)
        log = self._directory / "log"
        process = running_process(log, *options, variables={**credentials, **self._variables})
        self.front.behind = ModelServerProcess(self._running.enter_context(process).url)

    def stop(self) -> None:
        """Ends it."""
        self._running.close()

    def upload_samples(self, release: RasaRelease) -> None:
        """Upload the two models that were trained with a release."""
        for name in NAMES.values():
            self.models.upload(models_of(release) / f"{name}.tar.gz")

    def chat(self, environment: str | None = None, sender: str = "visitor") -> str:
        """Return the answer to a greeting sent to an environment through Rasa X, by default to its default one."""
        answer = loopback.post(
            f"{self.url}/api/conversations/{sender}/messages",
            params={"api_token": API_TOKEN, **({"environment": environment} if environment else {})},
            json={"message": "hello"},
            timeout=60,
        )
        return " ".join(said["text"] for said in answer.raise_for_status().json())

    def versions(self) -> dict[str, str]:
        """Return the Rasa version of each environment as Rasa X finds it; "0.0.0" for one that does not answer."""
        versions: dict[str, str] = (
            loopback.get(f"{self.url}/api/version", params={"api_token": API_TOKEN}).raise_for_status().json()["rasa"]
        )
        return versions

    def wait_for_pulls(self, space: Space, tag: str, more: int = 1) -> None:
        """Wait until that many more pulls of a tag have begun."""
        path = f"/projects/default/models/tags/{tag}"

        def pulls() -> int:
            return sum(asked.method == "GET" and asked.path.endswith(path) for asked in self.front.asked)

        goal = pulls() + more
        space.eventually(lambda: pulls() >= goal, f"{more} more pulls of {tag}")


@contextlib.contextmanager
def running_rasa_x(profile: ProfileName, directory: Path, *arguments: str, **variables: str) -> Iterator[RasaX]:
    """Run a Rasa X; `variables` are added to its process."""
    directory.mkdir(parents=True, exist_ok=True)
    rasa_x = RasaX(profile, directory, **variables)
    with front_up(rasa_x.front):
        rasa_x.start(*arguments)
        try:
            yield rasa_x
        finally:
            rasa_x.stop()


@contextlib.contextmanager
def front_up(front: Front) -> Iterator[None]:
    """Let the front listen inside the block."""
    front.up()
    try:
        yield
    finally:
        front.down()


@dataclass(frozen=True)
class Connections:
    """The broker and the database of all environments of a ModelServer."""

    rabbitmq: RabbitMq
    postgresql: PostgreSql

    def secret(self) -> JsonObject:
        """The passwords."""
        return secret(CONNECTIONS, rabbitmq=self.rabbitmq.password, postgresql=self.postgresql.password)

    def defaults(self) -> JsonObject:
        """spec.defaults of the ModelServer: anything that differs between environments is left to the operator."""
        broker = {
            "host": "127.0.0.1",
            "port": self.rabbitmq.port,
            "username": self.rabbitmq.username,
            "password": secret_value(CONNECTIONS, "rabbitmq"),
        }
        database = {
            "host": "127.0.0.1",
            "port": self.postgresql.port,
            "username": self.postgresql.username,
            "password": secret_value(CONNECTIONS, "postgresql"),
        }
        return {"eventBroker": {"rabbitmq": broker}, "trackerStore": {"sql": database}}

    def senders(self, database: str) -> set[str]:
        """Return whose conversations a database contains."""
        with self.postgresql.connect(database) as connection:
            return {sender for (sender,) in connection.execute("SELECT DISTINCT sender_id FROM events")}

    def events(self, queue: str, senders: Collection[str], space: Space) -> set[tuple[str, str | None]]:
        """Return sender and app_id of these conversations' events in the queue, once each has its answer there."""
        taken: list[Message] = []

        def answered() -> set[str]:
            taken.extend(take_messages(self.rabbitmq, queue))
            bodies = [json.loads(message.body) for message in taken]
            return {body["sender_id"] for body in bodies if body["event"] == "bot"}

        space.eventually(lambda: set(senders) <= answered(), f"the conversations {senders} in the queue {queue}")
        found = {(json.loads(message.body)["sender_id"], message.app_id) for message in taken}
        return {(sender, app_id) for sender, app_id in found if sender in senders}


@contextlib.contextmanager
def own_connections(
    rabbitmq: RabbitMq, postgresql: PostgreSql, queues: Collection[str], login_database: str = "rasa"
) -> Iterator[Connections]:
    """Provide empty connections and the database to log in to, and leave nothing of them behind."""
    connections = Connections(rabbitmq, postgresql)
    _clear(connections, queues)
    with postgresql.connect() as connection:
        connection.execute(f'CREATE DATABASE "{login_database}"'.encode())
    yield connections
    _clear(connections, queues)


def _clear(connections: Connections, queues: Collection[str]) -> None:
    with contextlib.closing(connections.rabbitmq.connect()) as connection:
        channel = connection.channel()
        channel.exchange_delete(EXCHANGE)
        for queue in queues:
            channel.queue_delete(queue)
    with connections.postgresql.connect() as database:
        for name in connections.postgresql.databases():
            if name == "rasa" or name.startswith("rasa_"):
                database.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def promote(space: Space, environment: str, model: str) -> None:
    """Set the environment's tag on the model, and wait until the environment serves it."""
    space.apply(model_tag(environment, model=model))
    wait_until_served(space, environment, model)


def wait_until_served(space: Space, environment: str, model: str) -> None:
    """Wait until the environment reports that its server serves the model, and is therefore ready."""
    space.wait_for_condition(ENVIRONMENT, environment, "Ready", status="True", message=f"serves {model}")
    space.wait_for_condition(ENVIRONMENT, environment, "ModelServed", status="True", reason="Served")


def with_addresses(text: str, space: Space, addresses: Mapping[str, str]) -> str:
    """Return the text with the host names of environments' Services replaced by the addresses of their pods.

    There is no cluster DNS here; nothing else is changed.
    """
    for environment, address in addresses.items():
        text = text.replace(f"//{environment}-rasa.{space.namespace}.svc:", f"//{address}:")
    return text
