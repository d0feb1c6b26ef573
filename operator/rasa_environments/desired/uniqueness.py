"""What two environments must not share: the host of their Ingress, and, on one Rasa X 0.2x, queue and database."""

from __future__ import annotations

from rasa_environments.api.connections import RabbitMQ, Redis, Sql
from rasa_environments.api.deployment_environment import DeploymentEnvironment, EnvironmentDefaults
from rasa_environments.api.model_server import ModelServer
from rasa_environments.desired.compose import DATABASE_HOST, RABBITMQ_HOST
from rasa_environments.desired.context import own_database, own_queue
from rasa_environments.desired.profiles import rules_of

Place = tuple[str, str]
"""Host, and the name there."""


def has_own_queue_and_database(server: ModelServer) -> bool:
    """Whether environments of this server must not share a queue or a database."""
    return rules_of(server).own_queue_and_database


def queues(environment: DeploymentEnvironment, server: ModelServer) -> frozenset[Place]:
    """The RabbitMQ queues that the environment's events go to; none where it has another kind of broker."""
    brokers = [spec.event_broker for spec in _layers(environment, server) if spec.event_broker is not None]
    if brokers and brokers[0].rabbitmq is None:
        return frozenset()
    layers: list[RabbitMQ] = [broker.rabbitmq for broker in brokers if broker.rabbitmq is not None]
    host = next((layer.host for layer in layers), RABBITMQ_HOST)
    names = next((layer.queues for layer in layers if layer.queues), None) or [own_queue(environment)]
    return frozenset((host, name) for name in names)


def ingress_host(environment: DeploymentEnvironment, server: ModelServer) -> str | None:
    """The host of its Ingress; None where it has none."""
    if environment.spec.external is not None:
        return None
    return next((spec.ingress.host for spec in _layers(environment, server) if spec.ingress is not None), None)


def databases(environment: DeploymentEnvironment, server: ModelServer) -> frozenset[Place]:
    """The database that holds its conversations: of SQL by its name, of Redis by its number."""
    stores = [spec.tracker_store for spec in _layers(environment, server) if spec.tracker_store is not None]
    if stores and stores[0].sql is None:
        return _redis_database([store.redis for store in stores if store.redis is not None])
    layers: list[Sql] = [store.sql for store in stores if store.sql is not None]
    host = next((layer.host for layer in layers), DATABASE_HOST)
    name = next((layer.database for layer in layers if layer.database), None) or own_database(environment)
    return frozenset({(host, name)})


def _redis_database(layers: list[Redis]) -> frozenset[Place]:
    number = next((layer.database for layer in layers if layer.database is not None), 0)
    return frozenset({(layers[0].host, str(number))})


def _layers(environment: DeploymentEnvironment, server: ModelServer) -> list[EnvironmentDefaults]:
    """The specs that decide, the environment's own first (merging.merged_spec)."""
    return [environment.spec, *([server.spec.defaults] if server.spec.defaults is not None else [])]
