"""What the API consists of: the table of its operations."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import TypeAdapter

from rasa_model_server.authentication import Permission
from rasa_model_server.rasa_x.environments import EnvironmentHandlers
from rasa_model_server.rasa_x.operations import RasaXHandlers, common_operations, rasa_x_operations
from rasa_model_server.rasa_x.profiles import Profile
from rasa_model_server.web.answers import HealthAnswer, StatusAnswer, VersionAnswer
from rasa_model_server.web.configuration import ConfigurationHandlers
from rasa_model_server.web.exposition import MetricsHandlers
from rasa_model_server.web.health import HealthHandlers
from rasa_model_server.web.login import LoginHandlers
from rasa_model_server.web.model_operations import model_operations
from rasa_model_server.web.models import ModelHandlers
from rasa_model_server.web.operations import BASE, NO_STORE, Answer, Operation


@dataclass(frozen=True)
class Handlers:
    """All that answer. Those of Rasa X are there where the profile is one of Rasa X."""

    models: ModelHandlers
    login: LoginHandlers
    configuration: ConfigurationHandlers
    environments: EnvironmentHandlers
    health: HealthHandlers
    metrics: MetricsHandlers
    rasa_x: RasaXHandlers | None = None


def operations(handlers: Handlers, profile: Profile) -> list[Operation]:
    """Return all operations of the API, except the OpenAPI document itself."""
    return [
        *model_operations(handlers.models, profile),
        *common_operations(handlers.login, handlers.configuration, handlers.environments, profile),
        *(
            rasa_x_operations(handlers.rasa_x, profile)
            if handlers.rasa_x is not None
            else _own_health_and_version(handlers.health)
        ),
        *_process_operations(handlers),
    ]


def _own_health_and_version(health: HealthHandlers) -> list[Operation]:
    found: list[Operation] = []
    healthy = {200: Answer("It works.", TypeAdapter(dict[str, HealthAnswer]))}
    version = {200: Answer("Its version.", TypeAdapter(VersionAnswer))}
    nothing = Permission.NOTHING
    for prefix, suffix in ((BASE, ""), ("", "WithoutApi")):
        name, path = f"health{suffix}", f"{prefix}/health"
        found += [
            Operation("GET", path, name, "Health of this server", nothing, health.health, healthy, NO_STORE),
            Operation(
                "GET",
                f"{prefix}/version",
                f"version{suffix}",
                "Version of this server",
                nothing,
                health.version,
                version,
            ),
        ]
    return found


def _process_operations(handlers: Handlers) -> list[Operation]:
    good = {200: Answer("Yes.", TypeAdapter(StatusAnswer))}
    metrics = {200: Answer("Metrics.", media_type="text/plain")}
    nothing = Permission.NOTHING
    health = handlers.health
    return [
        Operation("GET", "/healthz", "live", "Does the process work?", nothing, health.live, good),
        Operation("GET", "/readyz", "ready", "Does the store answer?", nothing, health.ready, good, NO_STORE),
        Operation("GET", "/metrics", "metrics", "Metrics for Prometheus", nothing, handlers.metrics.metrics, metrics),
    ]
