"""endpoints.yml: the model server and the stores, in the words of Rasa (https://rasa.com/docs/rasa, endpoints.yml)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from rasa_environments.api.base import JsonObject, SecretValue
from rasa_environments.api.connections import Database, EventBroker, LockStore, Redis, TrackerStore
from rasa_environments.desired.compose import (
    DATABASE_PORTS,
    RABBITMQ_PORT,
    RABBITMQ_USERNAME,
    REDIS_DATABASE,
    REDIS_PORT,
)
from rasa_environments.desired.context import Context, own_database
from rasa_environments.desired.errors import SpecError
from rasa_environments.desired.profiles import channels, profile_of, rasa_channel
from rasa_environments.desired.secret_variables import MODEL_SERVER_TOKEN_VARIABLE, with_variables


def endpoints_yaml(context: Context) -> str:
    """The text of endpoints.yml. Entries of spec.endpoints win over the typed ones."""
    spec = context.spec
    endpoints: JsonObject = {"models": models_endpoint(context)}
    if spec.event_broker is not None:
        endpoints["event_broker"] = event_broker(context, spec.event_broker)
    if spec.tracker_store is not None:
        endpoints["tracker_store"] = tracker_store(context, spec.tracker_store)
    if spec.lock_store is not None:
        endpoints["lock_store"] = lock_store(context, spec.lock_store)
    if spec.action_endpoint is not None:
        endpoints["action_endpoint"] = present(
            url=spec.action_endpoint.url, token=reference("ACTION_ENDPOINT_TOKEN", spec.action_endpoint.token)
        )
    elif (default := profile_of(context).action_endpoint) is not None:
        endpoints["action_endpoint"] = {"url": default}
    endpoints.update(with_variables("endpoints", spec.endpoints or {}))
    return as_yaml(endpoints)


def credentials_yaml(context: Context) -> str:
    """The text of credentials.yml: the channels of the spec, or those of the profile."""
    if context.spec.credentials is None:
        return as_yaml(channels(context))
    return as_yaml({**rasa_channel(context), **with_variables("credentials", context.spec.credentials)})


def models_endpoint(context: Context) -> JsonObject:
    """Where the model is pulled. The interval is a literal: Rasa misreads a variable there.

    With RollingUpdate a server pulls once, at its start (`wait_time_between_pulls: null`), and a moved tag starts new
    servers.
    """
    return {
        "url": context.model_url,
        **(
            {"token": f"${{{MODEL_SERVER_TOKEN_VARIABLE}}}"}
            if MODEL_SERVER_TOKEN_VARIABLE in context.secret_values
            else {}
        ),
        "wait_time_between_pulls": None if context.rolls_on_promotion else context.pull_interval_seconds,
    }


def event_broker(context: Context, broker: EventBroker) -> JsonObject:
    """The event broker; RASA_ENVIRONMENT tells environments apart on a common queue."""
    if broker.rabbitmq is not None:
        rabbitmq = broker.rabbitmq
        if rabbitmq.exchange is not None and not profile_of(context).names_exchange_and_keys:
            raise SpecError(
                "spec.eventBroker.rabbitmq.exchange is not for Rasa 1.x, which publishes to rasa-exchange: leave it out"
            )
        return present(
            type="pika",
            url=rabbitmq.host,
            port=rabbitmq.port or RABBITMQ_PORT,
            username=rabbitmq.username or RABBITMQ_USERNAME,
            password=reference("RABBITMQ_PASSWORD", rabbitmq.password),
            queues=rabbitmq.queues or [profile_of(context).queue(context)],
            exchange_name=rabbitmq.exchange,
        )
    if broker.kafka is not None:
        kafka = broker.kafka
        default_protocol = "SASL_PLAINTEXT" if kafka.username else "PLAINTEXT"
        return present(
            type="kafka",
            url=list(kafka.bootstrap_servers),
            topic=kafka.topic or "rasa_core_events",
            security_protocol=kafka.security_protocol or default_protocol,
            sasl_mechanism=(kafka.sasl_mechanism or "PLAIN") if kafka.username else None,
            sasl_username=kafka.username,
            sasl_password=reference("KAFKA_PASSWORD", kafka.password),
        )
    return events_database(context, broker.sql) if broker.sql is not None else {}


def events_database(context: Context, database: Database) -> JsonObject:
    """A database of its own for the events: the tracker store has a table `events`, too, with other columns."""
    own = database.database or own_database(context.environment, "_events")
    return sql(database, own, "EVENT_BROKER_DB_PASSWORD")


def tracker_store(context: Context, store: TrackerStore) -> JsonObject:
    """Where conversations are kept: each environment in a database, or under a prefix, of its own."""
    if store.sql is not None:
        rules = profile_of(context)
        defaults = {"username": rules.database_user, "login_database": rules.login_database}
        unset = {name: value for name, value in defaults.items() if getattr(store.sql, name) is None}
        described = store.sql.model_copy(update=unset)
        database = described.database or context.database
        return {
            **sql(described, database, "DB_PASSWORD"),
            **present(login_db=described.login_database),
        }
    if store.redis is not None:
        return redis(context, store.redis, "TRACKER_STORE_PASSWORD", database=0, field="spec.trackerStore.redis")
    return {}


def lock_store(context: Context, store: LockStore) -> JsonObject:
    """The lock store."""
    if store.redis is not None:
        return redis(context, store.redis, "REDIS_PASSWORD", database=REDIS_DATABASE, field="spec.lockStore.redis")
    return {}


def sql(server: Database, database: str, variable: str) -> JsonObject:
    """An SQL database, whose password is in a variable."""
    dialect = server.dialect or "postgresql"
    return present(
        type="SQL",
        dialect=dialect,
        url=server.host,
        port=server.port or DATABASE_PORTS[dialect],
        db=database,
        username=server.username,
        password=reference(variable, server.password),
    )


def redis(context: Context, server: Redis, variable: str, *, database: int, field: str) -> JsonObject:
    """A Redis server, which `field` of the spec describes.

    Rasa takes only letters and digits in a key prefix; 1.x does not start with any.
    """
    prefix: str | None = server.key_prefix or re.sub(r"[^A-Za-z0-9]", "", context.environment.environment)
    if not profile_of(context).names_exchange_and_keys:
        if server.key_prefix is not None:
            raise SpecError(
                f"{field}.keyPrefix is not for Rasa 1.x, whose keys have no prefix: leave it out, and set "
                f"{field}.database to one of this environment's own"
            )
        prefix = None
    return present(
        type="redis",
        url=server.host,
        port=server.port or REDIS_PORT,
        db=database if server.database is None else server.database,
        password=reference(variable, server.password),
        key_prefix=prefix,
        use_ssl=server.use_ssl,
    )


def reference(variable: str, value: SecretValue | None) -> str | None:
    """`${VARIABLE}`, which Rasa expands when it reads the file; None where there is no value."""
    return None if value is None else f"${{{variable}}}"


def present(**entries: Any) -> JsonObject:
    """The entries that are set."""
    return {key: value for key, value in entries.items() if value is not None}


def as_yaml(document: Mapping[str, Any]) -> str:
    """`document` as YAML, in the order given."""
    return yaml.dump(
        dict(document), Dumper=_Dumper, sort_keys=False, default_flow_style=False, allow_unicode=True, width=10_000
    )


class _Dumper(yaml.CSafeDumper):
    """Writes a repeated value again instead of an anchor."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True
