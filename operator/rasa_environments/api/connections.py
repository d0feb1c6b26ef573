"""The services that a Rasa server connects to: event broker, tracker store, lock store, action server."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from rasa_environments.api.base import ApiModel, Port, SecretValue, Text, Tls, without_nulls
from rasa_environments.api.rules import (
    BOUNDED_KEYS,
    Keyed,
    at_most_one_of,
    matches,
    merged_rule,
    one_of,
    required,
)
from rasa_environments.api.urls import Host, HostAndPort, url_rule

DatabaseName = Annotated[
    str,
    Field(max_length=63),
    matches(
        "^[A-Za-z0-9_]([A-Za-z0-9_.$-]*[A-Za-z0-9_$])?$",
        "must be the name of a database: letters, digits, '_', '-', '.' and '$'",
    ),
]
CREATABLE_DATABASE = re.compile("[A-Za-z_][A-Za-z0-9_]*")
"""Names that Rasa can create: if a login database is set, it runs CREATE DATABASE without quoting the name."""
BoundedText = Annotated[str, Field(max_length=1024)]


KeyPrefix = Annotated[
    str,
    Field(max_length=63),
    matches("^[A-Za-z0-9]+$", "must be letters and digits only: Rasa ignores any other prefix"),
]


class RabbitMQ(ApiModel):
    """A RabbitMQ event broker (Rasa's `pika`)."""

    _host_is_set = required("host", "host")

    host: Host | None = None
    """Host name of the broker. Must be set here or in the defaults."""
    port: Port | None = None
    """Port of the broker; default 5672, with TLS 5671."""
    username: Text | None = None
    """User name for the broker; default `user`."""
    password: SecretValue | None = None
    """Password of that user, taken from a Secret."""
    queues: Annotated[list[Text], Field(min_length=1, max_length=16), Keyed()] | None = None
    """Queues that receive the events; default `rasa_core_events`."""
    exchange: Text | None = None
    """Name of the fanout exchange; default `rasa-exchange`."""
    tls: Tls | None = None
    """Whether to connect to the broker over TLS (amqps); default plain text."""


class Kafka(ApiModel):
    """A Kafka event broker."""

    _brokers_are_set = required("bootstrap_servers", "bootstrapServers")

    @merged_rule(
        "must have username and password together, the password as {secretKeyRef: {name: <Secret>, key: <key in it>}}"
    )
    def _user_and_password(self) -> bool:
        return (self.username is None) == (self.password is None)

    @merged_rule("may only be set with a username and password", ".saslMechanism")
    def _mechanism_of_a_user(self) -> bool:
        return self.sasl_mechanism is None or self.username is not None

    bootstrap_servers: Annotated[list[HostAndPort], Field(min_length=1, max_length=32), Keyed()] | None = None
    """Addresses of the bootstrap brokers, each as host:port. Must be set here or in the defaults."""
    topic: Text | None = None
    """Topic that receives the events; default `rasa_core_events`."""
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    """SASL mechanism to authenticate with; default PLAIN."""
    username: Text | None = None
    """User name for SASL; without one, the connection is not authenticated."""
    password: SecretValue | None = None
    """Password of that user, taken from a Secret."""
    tls: Tls | None = None
    """Whether to connect to the brokers over TLS (SSL, SASL_SSL); default plain text."""


class Database(ApiModel):
    """An SQL database."""

    _host_is_set = required("host", "host")

    @merged_rule("must be set if a password is", ".username")
    def _user_of_the_password(self) -> bool:
        return self.password is None or self.username is not None

    host: Host | None = None
    """Host name of the database server. Must be set here or in the defaults."""
    port: Port | None = None
    """Port of the database server; default that of the dialect."""
    dialect: Literal["PostgreSQL", "MySQL"] | None = None
    """Type of database; default PostgreSQL."""
    username: Text | None = None
    """User name for the database."""
    password: SecretValue | None = None
    """Password of that user, taken from a Secret."""
    database: DatabaseName | None = None
    """Database of this environment; default `rasa_<environment>` in lower case, with `_` for every other character; the
    default of an event broker ends in `_events`."""
    query: (
        Annotated[dict[str, BoundedText], Field(max_length=32), BOUNDED_KEYS, BeforeValidator(without_nulls)] | None
    ) = None
    """Connection parameters, appended to the database URL, for example {connect_timeout: "10"}. Rasa takes none for an
    event broker's database."""
    tls: Tls | None = None
    """Whether to connect to the database over TLS; default as the driver decides."""


class Sql(Database):
    """An SQL database that Rasa can create."""

    @merged_rule(
        "must be letters, digits and _ where loginDatabase is set: Rasa creates the database without quotes, so a "
        "hyphen fails; write rasa_experimental, or leave loginDatabase out",
        ".database",
    )
    def _database_can_be_created(self) -> bool:
        unquoted = self.database is None or CREATABLE_DATABASE.fullmatch(self.database) is not None
        return unquoted or self.login_database is None

    login_database: DatabaseName | None = None
    """Database to log in to first; Rasa then creates `database` if it does not exist."""


RedisEndpoints = Annotated[list[HostAndPort], Field(min_length=1, max_length=32), Keyed()]


class Sentinel(ApiModel):
    """Redis Sentinels, which know the address of a master set's server (Rasa Pro)."""

    endpoints: RedisEndpoints
    """Addresses of the sentinels, each as host:port."""
    master_name: Text
    """Name of the master set that the sentinels monitor."""


class RedisCluster(ApiModel):
    """A Redis Cluster (Rasa Pro)."""

    endpoints: RedisEndpoints
    """Addresses of the first cluster nodes to contact, each as host:port."""


class Redis(ApiModel):
    """A Redis server, a set of Sentinels, or a Redis Cluster."""

    _one_address = one_of("host", "sentinel", "cluster")

    host: Host | None = None
    """Host name of the server. One of `host`, `sentinel` and `cluster` must be set here or in the defaults."""
    port: Port | None = None
    """Port of the server; default 6379."""
    sentinel: Sentinel | None = None
    """Sentinels to ask for the server's address, instead of `host`."""
    cluster: RedisCluster | None = None
    """Nodes of a cluster, instead of `host`."""
    database: Annotated[int, Field(ge=0, le=1024, strict=True)] | None = None
    """Number of the database; default 0 for a tracker store, 1 for a lock store."""
    username: Text | None = None
    """User name of the Redis access control list; default the server's default user."""
    password: SecretValue | None = None
    """Password for the server, taken from a Secret; without one, none is sent."""
    key_prefix: KeyPrefix | None = None
    """Prefix of the keys, letters and digits only; default the environment's name without other characters."""
    tls: Tls | None = None
    """Whether to connect to the server over TLS; default plain text."""


class EventBroker(ApiModel):
    """Where Rasa publishes the environment's events."""

    _at_most_one_kind = at_most_one_of("rabbitmq", "kafka", "sql")
    _one_kind = one_of("rabbitmq", "kafka", "sql")

    rabbitmq: RabbitMQ | None = None
    """Publish events to queues of RabbitMQ (Rasa's `pika`)."""
    kafka: Kafka | None = None
    """Publish events to a Kafka topic."""
    sql: Database | None = None
    """Write events to a table of an existing SQL database."""


class TrackerStore(ApiModel):
    """Where Rasa stores the environment's conversations."""

    _at_most_one_kind = at_most_one_of("sql", "redis")
    _one_kind = one_of("sql", "redis")

    sql: Sql | None = None
    """Keep conversations in an SQL database."""
    redis: Redis | None = None
    """Keep conversations in Redis."""


class LockStore(ApiModel):
    """Locks that keep two replicas from handling the same conversation at the same time."""

    _at_most_one_kind = at_most_one_of("redis", "concurrentRedis")
    _one_kind = one_of("redis", "concurrentRedis")

    redis: Redis | None = None
    """Keep locks in Redis."""
    concurrent_redis: Redis | None = None
    """Keep locks in Redis with atomically issued tickets, which no two servers can hold at the same time (Rasa Pro)."""


ActionUrl = Annotated[
    str,
    Field(max_length=2048),
    url_rule(
        "must be an http(s) URL with a host and no user name or query, for example http://actions:5055/webhook"
        " (a token belongs in a Secret: set token)"
    ),
]


class ActionEndpoint(ApiModel):
    """The server of the custom actions."""

    _url_is_set = required("url", "url")

    url: ActionUrl | None = None
    """Webhook of the action server, for example http://actions:5055/webhook. Must be set here or in the defaults."""
    token: SecretValue | None = None
    """Token that Rasa sends to the action server, taken from a Secret."""
    tls: Tls | None = None
    """Certificate authorities to verify an https URL with; default those of the image. Only `ca.crt` of the Secret is
    used."""
