"""Fields for an environment's connections: a change of each."""

from __future__ import annotations

from collections.abc import Iterator

from rasa_environments.api.base import JsonObject
from tests.desired.change import RASA, Change, connection, endpoint, password, rasa, ref

IMAGE = (*RASA, "image")

RABBITMQ = {"eventBroker": {"rabbitmq": {"host": "rabbitmq"}}}
KAFKA = {"eventBroker": {"kafka": {"bootstrapServers": ["kafka:9092"]}}}
KAFKA_USER = {"eventBroker": {"kafka": {"bootstrapServers": ["kafka:9092"], "username": "u", "password": ref("first")}}}
EVENTS_SQL = {"eventBroker": {"sql": {"host": "db", "username": "rasa"}}}
TRACKER_SQL = {"trackerStore": {"sql": {"host": "db", "username": "rasa"}}}
TRACKER_REDIS = {"trackerStore": {"redis": {"host": "redis"}}}
LOCK_REDIS = {"lockStore": {"redis": {"host": "redis"}}}
CONCURRENT_REDIS = {"lockStore": {"concurrentRedis": {"host": "redis"}}}
ACTIONS = {"actionEndpoint": {"url": "http://actions:5055/webhook"}}


def _sql(name: str, given: JsonObject, where: str, key: str) -> Iterator[Change]:
    yield connection(f"{name}.host", "db", "other-db", (where, "url"), given)
    yield connection(f"{name}.port", None, 6543, (where, "port"), given)
    dialect = endpoint(where, "dialect")
    yield Change(f"{name}.dialect", None, "MySQL", "ConfigMap", dialect, "mysql+pymysql", given)
    yield connection(f"{name}.username", "rasa", "bot", (where, "username"), given)
    yield password(f"{name}.password", given, key)
    yield connection(f"{name}.database", None, "conversations", (where, "db"), given)


def _redis(name: str, given: JsonObject, where: str, key: str, host: str = "url") -> Iterator[Change]:
    yield connection(f"{name}.host", "redis", "other-redis", (where, host), given)
    yield connection(f"{name}.port", None, 6380, (where, "port"), given)
    yield connection(f"{name}.database", None, 7, (where, "db"), given)
    yield connection(f"{name}.username", None, "bot", (where, "username"), given)
    yield password(f"{name}.password", given, key)
    yield connection(f"{name}.keyPrefix", None, "bots", (where, "key_prefix"), given)
    yield Change(f"{name}.tls.mode", None, "Required", "ConfigMap", endpoint(where, "use_ssl"), True, given)


CONNECTION_CHANGES = (
    connection("eventBroker.rabbitmq.host", "rabbitmq", "other", ("event_broker", "url"), RABBITMQ),
    connection("eventBroker.rabbitmq.port", None, 5671, ("event_broker", "port"), RABBITMQ),
    connection("eventBroker.rabbitmq.username", None, "bot", ("event_broker", "username"), RABBITMQ),
    password("eventBroker.rabbitmq.password", RABBITMQ, "rabbitmq-password"),
    connection("eventBroker.rabbitmq.queues", None, ["events"], ("event_broker", "queues"), RABBITMQ),
    connection("eventBroker.rabbitmq.exchange", None, "bots", ("event_broker", "exchange_name"), RABBITMQ),
    Change(
        "eventBroker.rabbitmq.tls.mode",
        None,
        "Required",
        "ConfigMap",
        endpoint("event_broker", "url"),
        "amqps://rabbitmq:5671",
        RABBITMQ,
    ),
    Change(
        "eventBroker.kafka.bootstrapServers",
        ["kafka:9092"],
        ["other:9092"],
        "ConfigMap",
        endpoint("event_broker", "url"),
        "other:9092",
        KAFKA,
    ),
    connection("eventBroker.kafka.topic", None, "events", ("event_broker", "topic"), KAFKA),
    connection(
        "eventBroker.kafka.saslMechanism", None, "SCRAM-SHA-256", ("event_broker", "sasl_mechanism"), KAFKA_USER
    ),
    connection("eventBroker.kafka.username", "u", "bot", ("event_broker", "sasl_username"), KAFKA_USER),
    password("eventBroker.kafka.password", KAFKA_USER, "kafka-password"),
    Change(
        "eventBroker.kafka.tls.mode",
        None,
        "Required",
        "ConfigMap",
        endpoint("event_broker", "security_protocol"),
        "SSL",
        KAFKA,
    ),
    *_sql("eventBroker.sql", EVENTS_SQL, "event_broker", "event-broker-db-password"),
    Change(
        "eventBroker.sql.tls.mode",
        None,
        "Required",
        "Deployment",
        (*RASA, "env", "PGSSLMODE", "value"),
        "verify-full",
        EVENTS_SQL,
    ),
    *_sql("trackerStore.sql", TRACKER_SQL, "tracker_store", "db-password"),
    connection("trackerStore.sql.loginDatabase", None, "postgres", ("tracker_store", "login_db"), TRACKER_SQL),
    connection("trackerStore.sql.query", None, {"connect_timeout": "10"}, ("tracker_store", "query"), TRACKER_SQL),
    Change(
        "trackerStore.sql.tls.mode",
        None,
        "Required",
        "ConfigMap",
        endpoint("tracker_store", "query", "sslmode"),
        "verify-full",
        TRACKER_SQL,
    ),
    *_redis("trackerStore.redis", TRACKER_REDIS, "tracker_store", "tracker-store-password"),
    *_redis("lockStore.redis", LOCK_REDIS, "lock_store", "redis-password"),
    connection("actionEndpoint.url", "http://a:5055/webhook", "http://b:5055/webhook", ("action_endpoint", "url"), {}),
    password("actionEndpoint.token", ACTIONS, "action-endpoint-token"),
)


def _several(name: str, where: str) -> Iterator[Change]:
    """Sentinels and clusters."""
    union, member = name.split(".")
    nodes = ["redis-1:6379", "redis-2:6379"]
    sentinel = {union: {member: {"sentinel": {"endpoints": ["redis-0:6379"], "masterName": "main"}}}}
    cluster = {union: {member: {"cluster": {"endpoints": ["redis-0:6379"]}}}}
    yield connection(f"{name}.sentinel.endpoints", ["redis-0:6379"], nodes, (where, "endpoints"), sentinel)
    yield connection(f"{name}.sentinel.masterName", "main", "bots", (where, "sentinel_service"), sentinel)
    yield connection(f"{name}.cluster.endpoints", ["redis-0:6379"], nodes, (where, "endpoints"), cluster)


RASA_PRO_CHANGES = (
    password("rasa.license", {}, "rasa-license"),
    rasa("proImage.registry", None, "registry.example.com", IMAGE, "registry.example.com/rasa/rasa-pro:3.21.0"),
    rasa("proImage.repository", None, "mirror/rasa-pro", IMAGE, "mirror/rasa-pro:3.21.0"),
    rasa("proImage.tagSuffix", None, "-latest", IMAGE, "rasa/rasa-pro:3.21.0-latest"),
    *_redis("lockStore.concurrentRedis", CONCURRENT_REDIS, "lock_store", "lock-store-password", "host"),
    *_several("lockStore.concurrentRedis", "lock_store"),
    *_several("lockStore.redis", "lock_store"),
    *_several("trackerStore.redis", "tracker_store"),
)
"""Fields that only Rasa Pro knows."""
