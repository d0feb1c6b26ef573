"""What two environments must not share: hosts of an Ingress and, on a Rasa X 0.2x, queue and database."""

from __future__ import annotations

from collections.abc import Sequence

from rasa_environments.api.connections import EventBroker, RabbitMQ, Redis, Sql, TrackerStore
from rasa_environments.api.deployment_environment import DeploymentEnvironment, EnvironmentDefaults
from rasa_environments.api.model_server import ModelServer
from rasa_environments.desired.compose import DATABASE_HOST, RABBITMQ_HOST
from rasa_environments.desired.context import own_database, own_queue
from rasa_environments.desired.merging import layers
from rasa_environments.desired.profiles import rules_of

Place = tuple[str, str]
"""Host, and name on that host."""


def has_own_queue_and_database(server: ModelServer) -> bool:
    """Return whether environments of this server must not share a queue or a database."""
    return rules_of(server).own_queue_and_database


def queues(environment: DeploymentEnvironment, server: ModelServer) -> frozenset[Place]:
    """Return the RabbitMQ queues of the environment's events; none for another type of broker."""
    brokers = [spec.event_broker for spec in _layers(environment, server) if spec.event_broker]
    if brokers and _kind(brokers) not in (None, "rabbitmq"):
        return frozenset()
    described: list[RabbitMQ] = [broker.rabbitmq for broker in brokers if broker.rabbitmq is not None]
    host = next((each.host for each in described if each.host), RABBITMQ_HOST)
    names = next((each.queues for each in described if each.queues), None) or [own_queue(environment)]
    return frozenset((host, name) for name in names)


def ingress_hosts(environment: DeploymentEnvironment, server: ModelServer) -> frozenset[str]:
    """Return the hosts of the environment's Ingress; none without an Ingress."""
    if environment.spec.external is not None:
        return frozenset()
    ingresses = [spec.ingress for spec in _layers(environment, server) if spec.ingress is not None]
    hosts = next((ingress.hosts for ingress in ingresses if ingress.hosts is not None), ())
    return frozenset(entry.host for entry in hosts)


def databases(environment: DeploymentEnvironment, server: ModelServer) -> frozenset[Place]:
    """Return the database of the environment's conversations: an SQL one by name, a Redis one by number."""
    stores = [spec.tracker_store for spec in _layers(environment, server) if spec.tracker_store]
    if _kind(stores) == "redis":
        return _redis_database([store.redis for store in stores if store.redis is not None])
    described: list[Sql] = [store.sql for store in stores if store.sql is not None]
    host = next((each.host for each in described if each.host), DATABASE_HOST)
    name = next((each.database for each in described if each.database), None) or own_database(environment)
    return frozenset({(host, name)})


def _redis_database(described: list[Redis]) -> frozenset[Place]:
    number = next((each.database for each in described if each.database is not None), 0)
    return frozenset((server, str(number)) for server in next(filter(None, map(_servers, described)), ()))


def _servers(redis: Redis) -> tuple[str, ...]:
    """Return what identifies a Redis server: its host, its master set, or the nodes of its cluster."""
    if redis.sentinel is not None:
        return (redis.sentinel.master_name,)
    if redis.cluster is not None:
        return tuple(redis.cluster.endpoints)
    return (redis.host,) if redis.host is not None else ()


def _kind(described: Sequence[EventBroker | TrackerStore]) -> str | None:
    """Return the type set by the first layer that sets one, since it replaces the types of later layers."""
    kinds = (
        next((kind for kind in type(each).model_fields if getattr(each, kind) is not None), None) for each in described
    )
    return next(filter(None, kinds), None)


def _layers(environment: DeploymentEnvironment, server: ModelServer) -> list[EnvironmentDefaults]:
    """Return the specs that apply, the environment's own first (merging.merged_spec)."""
    return [spec for spec, _ in layers(environment, server)]
