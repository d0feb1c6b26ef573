"""What a Rasa server is connected to: event broker, tracker store, lock store, action server."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rasa_environments.api.base import ApiModel, Boolean, Port, SecretValue, Text
from rasa_environments.api.rules import matches, one_of, rule
from rasa_environments.api.urls import Host, HostAndPort, url_rule

DatabaseName = Annotated[
    str,
    Field(max_length=63),
    matches(
        "^[A-Za-z_][A-Za-z0-9_]*$",
        "must be letters, digits and _ (Rasa runs CREATE DATABASE without quotes, so a hyphen fails): "
        "write rasa_experimental, not rasa-experimental",
    ),
]


KeyPrefix = Annotated[
    str,
    Field(max_length=63),
    matches("^[A-Za-z0-9]+$", "must be letters and digits only: Rasa ignores any other prefix"),
]


class RabbitMQ(ApiModel):
    """A RabbitMQ event broker (Rasa's `pika`)."""

    host: Host
    """Host name of the broker."""
    port: Port | None = None
    """Port that the broker listens at; default 5672."""
    username: Text | None = None
    """Name of the user who logs in to the broker; default `user`."""
    password: SecretValue | None = None
    """Password of that user, taken from a Secret."""
    queues: Annotated[list[Text], Field(min_length=1, max_length=16)] | None = None
    """Queues that get the events; default `rasa_core_events`."""
    exchange: Text | None = None
    """Name of the fanout exchange; default `rasa-exchange`."""


class Kafka(ApiModel):
    """A Kafka event broker."""

    @rule(
        "has(self.username) == has(self.password)",
        "set username and password together, the password as {secretKeyRef: {name: <Secret>, key: <key in it>}}",
    )
    def _user_and_password(self) -> bool:
        return (self.username is None) == (self.password is None)

    @rule(
        "!has(self.securityProtocol) || has(self.username) == self.securityProtocol.startsWith('SASL_')",
        "SASL_PLAINTEXT and SASL_SSL want a username and password, PLAINTEXT and SSL none",
    )
    def _user_of_the_protocol(self) -> bool:
        protocol = self.security_protocol
        return protocol is None or protocol.startswith("SASL_") == (self.username is not None)

    bootstrap_servers: Annotated[list[HostAndPort], Field(min_length=1, max_length=32)]
    """Addresses of the first brokers to ask, each as host:port."""
    topic: Text | None = None
    """Topic that gets the events; default `rasa_core_events`."""
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] | None = None
    """Security protocol; default SASL_PLAINTEXT when a user name is given, else PLAINTEXT."""
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    """SASL mechanism by which the user logs in; default PLAIN."""
    username: Text | None = None
    """Name of the user who logs in by SASL; wants a password."""
    password: SecretValue | None = None
    """Password of the SASL user, taken from a Secret."""


class Database(ApiModel):
    """An SQL database."""

    @rule("!has(self.password) || has(self.username)", "a password wants a username: set both, or neither")
    def _user_of_the_password(self) -> bool:
        return self.password is None or self.username is not None

    host: Host
    """Host name of the database server."""
    port: Port | None = None
    """Port that the database server listens at; default that of the dialect."""
    dialect: Literal["postgresql", "mysql+pymysql"] | None = None
    """Kind of database, as SQLAlchemy calls its dialect; default postgresql."""
    username: Text | None = None
    """Name of the user who logs in to the database."""
    password: SecretValue | None = None
    """Password of that user, taken from a Secret."""
    database: DatabaseName | None = None
    """Database of this environment; default `rasa_<environment>` in lower case, with every other character as `_`; an
    event broker's has `_events` after it."""


class Sql(Database):
    """An SQL database that Rasa creates where it is missing."""

    login_database: DatabaseName | None = None
    """Database to log in to first, so that `database` is created when it is missing."""


class Redis(ApiModel):
    """A Redis server."""

    host: Host
    """Host name of the server."""
    port: Port | None = None
    """Port that the server listens at; default 6379."""
    database: Annotated[int, Field(ge=0, le=1024, strict=True)] | None = None
    """Number of the database; default 0 for a tracker store, 1 for a lock store."""
    password: SecretValue | None = None
    """Password of the server, taken from a Secret; absent: it asks for none."""
    key_prefix: KeyPrefix | None = None
    """Prefix of the keys, letters and digits only; default the environment's name without other characters."""
    use_ssl: Boolean | None = None
    """Whether to connect by TLS; default false."""


class EventBroker(ApiModel):
    """Where the environment's events go."""

    _one_kind = one_of("rabbitmq", "kafka", "sql")

    rabbitmq: RabbitMQ | None = None
    """Events go to queues of RabbitMQ (Rasa's `pika`)."""
    kafka: Kafka | None = None
    """Events go to a topic of Kafka."""
    sql: Database | None = None
    """Events go to a table of an SQL database, which is there already."""


class TrackerStore(ApiModel):
    """Where the environment's conversations are kept."""

    _one_kind = one_of("sql", "redis")

    sql: Sql | None = None
    """An SQL database keeps the conversations."""
    redis: Redis | None = None
    """A Redis server keeps the conversations."""


class LockStore(ApiModel):
    """What keeps two replicas from handling one conversation at a time."""

    _one_kind = one_of("redis")

    redis: Redis | None = None
    """A Redis server keeps the locks."""


class ActionEndpoint(ApiModel):
    """The server of custom actions."""

    url: Annotated[
        str,
        Field(max_length=2048),
        url_rule(
            "must be an http(s) URL with a host and no user name or query, for example http://actions:5055/webhook"
            " (a token belongs into a Secret: set token)"
        ),
    ]
    """Its webhook, for example http://actions:5055/webhook."""
    token: SecretValue | None = None
    """Token that Rasa sends to the action server, taken from a Secret."""
