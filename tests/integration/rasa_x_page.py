"""A Rasa X before 1.0 with its environments, as its page describes them, and with the real Rasa of its time."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from local.rasa import RELEASES
from local.services import Redis
from rasa_environments.api.base import JsonObject
from tests.integration.manifests import CREDENTIALS, environment, model_server, secret, secret_value
from tests.integration.model_server_process import API_TOKEN, MODEL_A, TOKEN
from tests.integration.real_environments import (
    Connections,
    RasaX,
    RealRasa,
    promote,
    real_rasas,
    with_addresses,
)
from tests.integration.space import ENVIRONMENT, Space

RELEASE = RELEASES["1.10.26"]
NAMES = ("production", "worker", "experimental", "support")
WITH_RASA = ("production", "experimental", "support")
"""Environments with a real server; nothing listens in the simulated pod of worker."""
MISSPELT = "suport"
"""The tag of the environment `support`: a model carries `support`."""

LOCKS = 7
"""Number of the Redis database with the locks."""


@dataclass(frozen=True)
class Page:
    """A Rasa X that serves a model for production and experimental, and none for support."""

    space: Space
    rasa_x: RasaX
    connections: Connections
    rasas: dict[str, RealRasa]
    environments_file: Path
    status_before_a_model: JsonObject
    """That of production, before the first promotion."""
    ready_before_a_model: dict[str, bool]
    """Output of each pod's readiness command at that time."""

    def promote(self, **models: str) -> None:
        """Set each environment's tag on the model, and wait until all serve it."""
        for name, model in models.items():
            promote(self.space, name, model)

    def wait_for(self, name: str, kind: str, **wanted: str) -> None:
        """Returns when a condition of the environment is so."""
        self.space.wait_for_condition(ENVIRONMENT, name, kind, **wanted)

    def restart_rasa_x(self, token: str = TOKEN) -> None:
        """Restart Rasa X with its file, and optionally with another token."""
        self.rasa_x.start("--environments-file", str(self.environments_file), token=token)

    def secrets(self) -> set[str]:
        """Return every secret value that an environment's server gets, in clear text."""
        encoded = [value for name in NAMES for value in self.space.child("Secret", name)["data"].values()]
        return {base64.b64decode(value).decode() for value in encoded}


@contextlib.contextmanager
def page_of(
    space: Space,
    rasa_x: RasaX,
    connections: Connections,
    redis: Redis,
    kubeconfig: Path,
    binaries: Path,
    directory: Path,
    **server: Any,
) -> Iterator[Page]:
    """Follow the page from its beginning: start servers, register them with Rasa X, tag models.

    Rasa X is restarted once the operator has written environments.yml, and so finds production, which it asks before it
    tags a model. `server` are additional fields of the ModelServer's spec.
    """
    locks = {"host": "127.0.0.1", "port": redis.port, "database": LOCKS, "password": secret_value("redis", "password")}
    shared = {"model": {"pullPeriodSeconds": 1}, "lockStore": {"redis": locks}, **connections.defaults()}
    rasa_x.upload_samples(RELEASE)
    rasa_x.models.put_tag(MODEL_A, "support")
    space.apply(
        connections.secret(),
        secret("redis", password=redis.password),
        secret(CREDENTIALS, token=TOKEN, apiToken=API_TOKEN),
        model_server(rasa_x.url, profile=rasa_x.profile, defaults=shared, **server),
        *(environment(name, rasa={"version": RELEASE.version}) for name in NAMES if name != "support"),
        environment("support", rasa={"version": RELEASE.version}, tag=MISSPELT),
    )
    with real_rasas(space, kubeconfig, binaries, *WITH_RASA) as rasas:
        for name in WITH_RASA:
            space.wait_for_condition(ENVIRONMENT, name, "ModelServed", reason="TagNotFound")
        ready = {name: rasa.is_ready for name, rasa in rasas.items()}
        status = space.status(ENVIRONMENT, "production")
        file = directory / "environments.yml"
        addresses = {name: rasa.address for name, rasa in rasas.items()}
        file.write_text(with_addresses(environments_yml(space), space, addresses))
        page = Page(space, rasa_x, connections, rasas, file, status, ready)
        page.restart_rasa_x()
        page.promote(production=MODEL_A, experimental=MODEL_A)
        yield page


def environments_yml(space: Space) -> str:
    """The file that the operator wrote for Rasa X."""
    for name in NAMES:
        space.wait_for_condition(ENVIRONMENT, name, "Registered", status="True", reason="Registered")
    return base64.b64decode(space.get("Secret", "default-environments")["data"]["environments.yml"]).decode()


def entries(space: Space) -> dict[str, dict[str, str]]:
    """The environments in that file."""
    environments: dict[str, dict[str, str]] = yaml.safe_load(environments_yml(space))["rasa"]
    return environments


def condition(status: JsonObject, kind: str) -> tuple[str, str, str]:
    """Status, reason and message of a condition."""
    found = next(entry for entry in status["conditions"] if entry["type"] == kind)
    return found["status"], found["reason"], found["message"]


def plain_variables(rasa: RealRasa) -> dict[str, str]:
    """Return the pod's variables whose values are in its spec."""
    return {entry["name"]: entry["value"] for entry in rasa.container["env"] if "value" in entry}


def secret_variables(rasa: RealRasa) -> set[str]:
    """Return the pod's variables whose values are only in a Secret."""
    return {entry["name"] for entry in rasa.container["env"] if "secretKeyRef" in entry.get("valueFrom", {})}


def locked(redis: Redis) -> set[str]:
    """The conversations that were locked in the database LOCKS, each under its own name."""
    commands = redis.commands()
    clients = {command.client for command in commands if command.words == ["SELECT", str(LOCKS)]}
    return {command.words[1] for command in commands if command.words[0] == "SET" and command.client in clients}
