"""What a Rasa server is connected to: event broker, tracker store, lock store, action server."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rasa_environments.api.base import ApiModel, Port, Rule, SecretValue, Text, api_config, one_of, rules

DATABASE_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*$"
DATABASE_RULE = Rule(
    f"self.matches('{DATABASE_PATTERN}')",
    "must be letters, digits and _ (Rasa runs CREATE DATABASE without quotes, so a hyphen fails): "
    "write rasa_experimental, not rasa-experimental",
)
DatabaseName = Annotated[str, Field(min_length=1, max_length=63, json_schema_extra=rules(DATABASE_RULE))]


class RabbitMQ(ApiModel):
    """A RabbitMQ event broker (Rasa's `pika`)."""

    host: Text
    """Host name of the broker."""
    port: Port | None = None
    """Port; default 5672."""
    username: Text | None = None
    """User name; default `user`."""
    password: SecretValue | None = None
    """Password of the user."""
    queues: Annotated[list[Text], Field(min_length=1, max_length=16)] | None = None
    """Queues that get the events; default `rasa_events`."""
    exchange: Text | None = None
    """Name of the fanout exchange; default `rasa-exchange`."""


class Kafka(ApiModel):
    """A Kafka event broker."""

    bootstrap_servers: Annotated[list[Text], Field(min_length=1, max_length=32)]
    """Brokers as host:port."""
    topic: Text | None = None
    """Topic; default `rasa_core_events`."""
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] | None = None
    """Security protocol; default SASL_PLAINTEXT when a user name is given, else PLAINTEXT."""
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    """SASL mechanism; default PLAIN."""
    username: Text | None = None
    """SASL user name."""
    password: SecretValue | None = None
    """SASL password."""


class Sql(ApiModel):
    """An SQL database."""

    host: Text
    """Host name of the database server."""
    port: Port | None = None
    """Port; default that of the dialect."""
    dialect: Literal["postgresql", "mysql+pymysql"] | None = None
    """SQLAlchemy dialect; default postgresql."""
    username: Text | None = None
    """User name."""
    password: SecretValue | None = None
    """Password of the user."""
    database: DatabaseName | None = None
    """Database of this environment; default `rasa_<environment>`, with every other character as `_`."""
    login_database: DatabaseName | None = None
    """Database to log in to first, so that `database` is created when it is missing."""


class Redis(ApiModel):
    """A Redis server."""

    host: Text
    """Host name of the server."""
    port: Port | None = None
    """Port; default 6379."""
    database: Annotated[int, Field(ge=0, le=1024)] | None = None
    """Number of the database; default 0 for a tracker store, 1 for a lock store."""
    password: SecretValue | None = None
    """Password of the server."""
    key_prefix: Annotated[str, Field(min_length=1, max_length=63, pattern="^[A-Za-z0-9]+$")] | None = None
    """Prefix of the keys (letters and digits only, as Rasa wants); default the environment's name without other characters."""
    use_ssl: bool | None = None
    """Whether to connect by TLS; default false."""


class EventBroker(ApiModel):
    """Where the environment's events go."""

    model_config = api_config(rules(*one_of("rabbitmq", "kafka", "sql")))

    rabbitmq: RabbitMQ | None = None
    """RabbitMQ."""
    kafka: Kafka | None = None
    """Kafka."""
    sql: Sql | None = None
    """An SQL database."""


class TrackerStore(ApiModel):
    """Where the environment's conversations are kept."""

    model_config = api_config(rules(*one_of("sql", "redis")))

    sql: Sql | None = None
    """An SQL database."""
    redis: Redis | None = None
    """Redis."""


class LockStore(ApiModel):
    """What keeps two replicas from handling one conversation at a time."""

    model_config = api_config(rules(*one_of("redis")))

    redis: Redis | None = None
    """Redis."""


ENDPOINT_URL_RULE = Rule(
    "isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHost() != ''",
    "must be an http(s) URL with a host, for example http://actions:5055/webhook",
)


class ActionEndpoint(ApiModel):
    """The server of custom actions."""

    url: Annotated[str, Field(min_length=1, max_length=2048, json_schema_extra=rules(ENDPOINT_URL_RULE))]
    """Its webhook, for example http://actions:5055/webhook."""
    token: SecretValue | None = None
    """Token that is sent to it."""
