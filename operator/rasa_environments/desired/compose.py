"""The variables of the compose fragments on the pages of Rasa X 0.2x and 0.32, by their names and defaults there."""

from __future__ import annotations

from rasa_environments.desired.context import Context
from rasa_environments.desired.secret_variables import MODEL_SERVER_TOKEN_VARIABLE

RABBITMQ_HOST = "rabbit"
RABBITMQ_USERNAME = "user"
DATABASE_HOST = "db"
DATABASE_PORT = 5432
DATABASE_USER = "admin"
LOGIN_DATABASE = "rasa"
USER_APP = "http://app:5055"
COMMON_QUEUE = "rasa_production_events"
"""The queue that Rasa X 0.32 and later read, whatever the environment."""

SECRET_VARIABLES = ("RABBITMQ_PASSWORD", "DB_PASSWORD", MODEL_SERVER_TOKEN_VARIABLE)
"""Variables of the page that stand for secrets, besides the two that every environment has."""

WEBHOOK_PATH = "/webhook"
ACTION_ENDPOINT = USER_APP + WEBHOOK_PATH


def compose_variables(context: Context, queue: str) -> dict[str, str]:
    """Every variable of the page that is no secret; `queue` is the default of RABBITMQ_QUEUE.

    The page spells RASA_MODEL_PULL_INTERVALL, Rasa X itself reads RASA_MODEL_PULL_INTERVAL: both are there. A secret
    that nobody gives is empty, as compose has it: Rasa refuses an endpoints.yml with a variable that is not set.
    """
    ungiven = {name: "" for name in SECRET_VARIABLES if name not in context.secret_values}
    broker = context.spec.event_broker.rabbitmq if context.spec.event_broker is not None else None
    database = context.spec.tracker_store.sql if context.spec.tracker_store is not None else None
    interval = str(context.pull_interval_seconds)
    return {
        **ungiven,
        "RABBITMQ_HOST": broker.host if broker else RABBITMQ_HOST,
        "RABBITMQ_USERNAME": (broker and broker.username) or RABBITMQ_USERNAME,
        "RABBITMQ_QUEUE": ((broker and broker.queues) or [queue])[0],
        "RASA_USER_APP": user_app(context),
        "RASA_MODEL_PULL_INTERVALL": interval,
        "RASA_MODEL_PULL_INTERVAL": interval,
        "DB_HOST": database.host if database else DATABASE_HOST,
        "DB_PORT": str((database and database.port) or DATABASE_PORT),
        "DB_USER": (database and database.username) or DATABASE_USER,
        "DB_LOGIN_DB": (database and database.login_database) or LOGIN_DATABASE,
        "DB_DATABASE": (database and database.database) or context.database,
    }


def user_app(context: Context) -> str:
    """The action server, without the /webhook that endpoints.yml of Rasa X adds."""
    endpoint = context.spec.action_endpoint
    return endpoint.url.removesuffix(WEBHOOK_PATH) if endpoint is not None else USER_APP
