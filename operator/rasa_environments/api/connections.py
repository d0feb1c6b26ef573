"""What a Rasa server is connected to: event broker, tracker store, lock store, action server."""

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
"""Names that Rasa can create: it runs CREATE DATABASE without quotes where it has a login database."""
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
    """Host name of the broker. It must be set here or in the defaults."""
    port: Port | None = None
    """Port that the broker listens at; default 5672, with TLS 5671."""
    username: Text | None = None
    """Name of the user who logs in to the broker; default `user`."""
    password: SecretValue | None = None
    """Password of that user, taken from a Secret."""
    queues: Annotated[list[Text], Field(min_length=1, max_length=16), Keyed()] | None = None
    """Queues that get the events; default `rasa_core_events`."""
    exchange: Text | None = None
    """Name of the fanout exchange; default `rasa-exchange`."""
    tls: Tls | None = None
    """Whether the broker is reached by TLS (amqps); default plain text."""


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
    """Addresses of the first brokers to ask, each as host:port. They must be set here or in the defaults."""
    topic: Text | None = None
    """Topic that gets the events; default `rasa_core_events`."""
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    """SASL mechanism by which the user logs in; default PLAIN."""
    username: Text | None = None
    """Name of the user who logs in by SASL; absent: nobody logs in."""
    password: SecretValue | None = None
    """Password of the SASL user, taken from a Secret."""
    tls: Tls | None = None
    """Whether the brokers are reached by TLS (SSL, SASL_SSL); default plain text."""


class Database(ApiModel):
    """An SQL database."""

    _host_is_set = required("host", "host")

    @merged_rule("must be set where a password is", ".username")
    def _user_of_the_password(self) -> bool:
        return self.password is None or self.username is not None

    host: Host | None = None
    """Host name of the database server. It must be set here or in the defaults."""
    port: Port | None = None
    """Port that the database server listens at; default that of the dialect."""
    dialect: Literal["PostgreSQL", "MySQL"] | None = None
    """Kind of database; default PostgreSQL."""
    username: Text | None = None
    """Name of the user who logs in to the database."""
    password: SecretValue | None = None
    """Password of that user, taken from a Secret."""
    database: DatabaseName | None = None
    """Database of this environment; default `rasa_<environment>` in lower case, with every other character as `_`; an
    event broker's has `_events` after it."""
    query: (
        Annotated[dict[str, BoundedText], Field(max_length=32), BOUNDED_KEYS, BeforeValidator(without_nulls)] | None
    ) = None
    """Parameters of the connection that follow the database in its URL, for example {connect_timeout: "10"}. Rasa takes
    none for the database of its events."""
    tls: Tls | None = None
    """Whether the database is reached by TLS; default as the driver decides."""


class Sql(Database):
    """An SQL database that Rasa creates where it is missing."""

    @merged_rule(
        "must be letters, digits and _ where loginDatabase is set: Rasa creates the database without quotes, so a "
        "hyphen fails; write rasa_experimental, or leave loginDatabase out",
        ".database",
    )
    def _database_can_be_created(self) -> bool:
        unquoted = self.database is None or CREATABLE_DATABASE.fullmatch(self.database) is not None
        return unquoted or self.login_database is None

    login_database: DatabaseName | None = None
    """Database to log in to first, so that `database` is created when it is missing."""


RedisEndpoints = Annotated[list[HostAndPort], Field(min_length=1, max_length=32), Keyed()]


class Sentinel(ApiModel):
    """Redis Sentinels, which know the server of a master set (Rasa Pro)."""

    endpoints: RedisEndpoints
    """Addresses of the sentinels, each as host:port."""
    master_name: Text
    """Name of the master set that the sentinels watch."""


class RedisCluster(ApiModel):
    """A Redis Cluster (Rasa Pro)."""

    endpoints: RedisEndpoints
    """Addresses of the first nodes to ask, each as host:port."""


class Redis(ApiModel):
    """A Redis server, or several."""

    _one_address = one_of("host", "sentinel", "cluster")

    host: Host | None = None
    """Host name of the server. It, `sentinel` or `cluster` must be set here or in the defaults."""
    port: Port | None = None
    """Port that the server listens at; default 6379."""
    sentinel: Sentinel | None = None
    """Sentinels that name the server, in the place of `host`."""
    cluster: RedisCluster | None = None
    """Nodes of a cluster, in the place of `host`."""
    database: Annotated[int, Field(ge=0, le=1024, strict=True)] | None = None
    """Number of the database; default 0 for a tracker store, 1 for a lock store."""
    username: Text | None = None
    """Name of the user of an access control list; absent: the server's default user."""
    password: SecretValue | None = None
    """Password of the server or the user, taken from a Secret; absent: it asks for none."""
    key_prefix: KeyPrefix | None = None
    """Prefix of the keys, letters and digits only; default the environment's name without other characters."""
    tls: Tls | None = None
    """Whether the server is reached by TLS; default plain text."""


class EventBroker(ApiModel):
    """Where the environment's events go."""

    _at_most_one_kind = at_most_one_of("rabbitmq", "kafka", "sql")
    _one_kind = one_of("rabbitmq", "kafka", "sql")

    rabbitmq: RabbitMQ | None = None
    """Events go to queues of RabbitMQ (Rasa's `pika`)."""
    kafka: Kafka | None = None
    """Events go to a topic of Kafka."""
    sql: Database | None = None
    """Events go to a table of an SQL database, which is there already."""


class TrackerStore(ApiModel):
    """Where the environment's conversations are kept."""

    _at_most_one_kind = at_most_one_of("sql", "redis")
    _one_kind = one_of("sql", "redis")

    sql: Sql | None = None
    """An SQL database keeps the conversations."""
    redis: Redis | None = None
    """A Redis server keeps the conversations."""


class LockStore(ApiModel):
    """What keeps two replicas from handling one conversation at a time."""

    _at_most_one_kind = at_most_one_of("redis", "concurrentRedis")
    _one_kind = one_of("redis", "concurrentRedis")

    redis: Redis | None = None
    """A Redis server keeps the locks."""
    concurrent_redis: Redis | None = None
    """A Redis server keeps the locks, as tickets that no two servers take at a time (Rasa Pro)."""


ActionUrl = Annotated[
    str,
    Field(max_length=2048),
    url_rule(
        "must be an http(s) URL with a host and no user name or query, for example http://actions:5055/webhook"
        " (a token belongs into a Secret: set token)"
    ),
]


class ActionEndpoint(ApiModel):
    """The server of custom actions."""

    _url_is_set = required("url", "url")

    url: ActionUrl | None = None
    """Its webhook, for example http://actions:5055/webhook. It must be set here or in the defaults."""
    token: SecretValue | None = None
    """Token that Rasa sends to the action server, taken from a Secret."""
    tls: Tls | None = None
    """With which authorities the certificate of an https URL is verified; default those of the image. Of the Secret
    `ca.crt` alone is read."""
