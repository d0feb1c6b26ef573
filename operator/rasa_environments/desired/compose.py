"""The variables of the compose fragments on the pages of Rasa X 0.2x and 0.32, with their names and defaults."""

from __future__ import annotations

from collections.abc import Iterable

from rasa_environments.api.deployment_environment import EnvironmentSpec
from rasa_environments.desired.action_server import WEBHOOK_PATH, base_url
from rasa_environments.desired.context import Context
from rasa_environments.desired.errors import SpecError
from rasa_environments.desired.secret_variables import MODEL_SERVER_TOKEN_VARIABLE

RABBITMQ_HOST = "rabbit"
RABBITMQ_PORT = 5672
RABBITMQ_USERNAME = "user"
DATABASE_HOST = "db"
POSTGRESQL = "PostgreSQL"
DATABASE_PORTS = {POSTGRESQL: 5432, "MySQL": 3306}
"""Default port by SQL dialect."""
DATABASE_USER = "admin"
LOGIN_DATABASE = "rasa"
REDIS_PORT = 6379
REDIS_DATABASE = 1
USER_APP = "http://app:5055"
COMMON_QUEUE = "rasa_production_events"
"""The queue that Rasa X 0.32 and later read events from, for all environments."""

SECRET_VARIABLES = ("RABBITMQ_PASSWORD", "DB_PASSWORD", MODEL_SERVER_TOKEN_VARIABLE)
"""Variables of the pages that hold secrets, besides the two that every environment has."""

ACTION_ENDPOINT = USER_APP + WEBHOOK_PATH


def compose_variables(context: Context, queue: str) -> dict[str, str]:
    """Return all non-secret variables of the page; `queue` is the default of RABBITMQ_QUEUE.

    The page spells RASA_MODEL_PULL_INTERVALL, while Rasa X reads RASA_MODEL_PULL_INTERVAL, so both are set. Secrets
    without a value are empty, as in compose, since Rasa rejects an endpoints.yml that refers to an unset variable.
    RABBITMQ_PORT and REDIS_* are not on the page: Rasa X 0.32 writes endpoints.yml itself, and they convey what the
    spec says.
    """
    broker = context.spec.event_broker.rabbitmq if context.spec.event_broker is not None else None
    database = context.spec.tracker_store.sql if context.spec.tracker_store is not None else None
    interval = str(context.pull_period_seconds)
    return {
        **dict.fromkeys(ungiven(context, SECRET_VARIABLES), ""),
        "RABBITMQ_HOST": (broker and broker.host) or RABBITMQ_HOST,
        "RABBITMQ_PORT": str((broker and broker.port) or RABBITMQ_PORT),
        "RABBITMQ_USERNAME": (broker and broker.username) or RABBITMQ_USERNAME,
        "RABBITMQ_QUEUE": ((broker and broker.queues) or [queue])[0],
        "RASA_USER_APP": user_app(context),
        "RASA_MODEL_PULL_INTERVALL": interval,
        "RASA_MODEL_PULL_INTERVAL": interval,
        "DB_HOST": (database and database.host) or DATABASE_HOST,
        "DB_PORT": str((database and database.port) or DATABASE_PORTS[(database and database.dialect) or POSTGRESQL]),
        "DB_USER": (database and database.username) or DATABASE_USER,
        "DB_LOGIN_DB": (database and database.login_database) or LOGIN_DATABASE,
        "DB_DATABASE": (database and database.database) or context.database,
        **lock_store_variables(context),
    }


def lock_store_variables(context: Context) -> dict[str, str]:
    """Return the variables of the lock store, named as in endpoints.yml of Rasa X; none without a lock store."""
    redis = context.spec.lock_store.redis if context.spec.lock_store is not None else None
    if redis is None:
        return {}
    return {
        **dict.fromkeys(ungiven(context, ["REDIS_PASSWORD"]), ""),
        "REDIS_HOST": redis.host or "",
        "REDIS_PORT": str(redis.port or REDIS_PORT),
        "REDIS_DB": str(REDIS_DATABASE if redis.database is None else redis.database),
    }


def ungiven(context: Context, secrets: Iterable[str]) -> list[str]:
    """Return those of the variables that have no value."""
    return [name for name in secrets if name not in context.secret_values]


def user_app(context: Context) -> str:
    """Return the URL of the action server without /webhook, which endpoints.yml of Rasa X adds."""
    if context.spec.action_server is not None:
        return base_url(context, context.spec.action_server)
    endpoint = context.spec.action_endpoint
    return (endpoint.url or "").removesuffix(WEBHOOK_PATH) if endpoint is not None else USER_APP


def refuse_for_rasa_x_0_32(spec: EnvironmentSpec) -> None:
    """Check for what Rasa X 0.32 leaves out of the endpoints.yml that it writes for its servers. Raises SpecError."""
    broker, tracker, lock = spec.event_broker, spec.tracker_store, spec.lock_store
    connections = {
        "spec.eventBroker.rabbitmq": broker and broker.rabbitmq,
        "spec.eventBroker.kafka": broker and broker.kafka,
        "spec.eventBroker.sql": broker and broker.sql,
        "spec.trackerStore.sql": tracker and tracker.sql,
        "spec.trackerStore.redis": tracker and tracker.redis,
        "spec.lockStore.redis": lock and lock.redis,
    }
    refused = [f"{path}.tls" for path, each in connections.items() if each and each.tls and each.tls.mode == "Required"]
    if tracker is not None and tracker.sql is not None and tracker.sql.query:
        refused.append("spec.trackerStore.sql.query")
    if refused:
        raise SpecError(
            f"{', '.join(refused)}: not supported with the profile RasaX-0.32, whose servers get endpoints.yml from "
            "Rasa X, where there is no such thing: leave it out, or move to a later generation"
        )
