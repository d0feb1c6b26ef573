"""The services that a Rasa server of docker-compose connects to."""

from __future__ import annotations

from urllib.parse import urlsplit

from rasa_chart_import import kinds
from rasa_chart_import.compose.command import Command
from rasa_chart_import.compose.texts import fitting, option, secret
from rasa_chart_import.findings import Path
from rasa_chart_import.reader import Reader
from rasa_chart_import.secret_values import SecretValues
from rasa_environments.api.base import JsonObject
from rasa_environments.desired.entries import present

HS256 = "HS256"
"""The method for JWTs unless another is given."""


def pulls(reader: Reader, place: Path) -> JsonObject | None:
    """Return `model`, if the file says how often to pull."""
    names = ("RASA_MODEL_PULL_INTERVAL", "RASA_MODEL_PULL_INTERVALL")
    seconds = reader.first([(*place, name) for name in names], kinds.SECONDS)
    return {"pullPeriodSeconds": seconds} if seconds is not None else None


def jwt(reader: Reader, secrets: SecretValues, place: Path, command: Command) -> JsonObject | None:
    """Return `jwt`, by the variable or else by the command line."""
    found = secret(reader, secrets, (*place, "JWT_SECRET")) or option(secrets, command.jwt_secret, "JWT_SECRET")
    if found is None:
        return None
    try:
        method = kinds.JWT_METHOD.validate_python(command.jwt_method or HS256)
    except ValueError:
        reader.remarks.append("--jwt-method is none that Rasa has: set spec.jwt.method")
        method = HS256
    return present(key=found, method=method if method != HS256 else None)


def database(reader: Reader, secrets: SecretValues, place: Path) -> JsonObject | None:
    """Return `trackerStore.sql`; None without a host."""
    host = fitting(reader, (*place, "DB_HOST"), kinds.HOST)
    if host is None:
        _hostless(reader, place, "DB", "trackerStore.sql")
        return None
    name = fitting(reader, (*place, "DB_DATABASE"), kinds.DATABASE)
    login = fitting(reader, (*place, "DB_LOGIN_DB"), kinds.DATABASE)
    if login is not None and name is not None and not name.replace("_", "a").isalnum():
        reader.by_hand(
            (*place, "DB_LOGIN_DB"),
            f"left out: Rasa creates a database without quoting its name, and {name} is no plain word; create it",
        )
        login = None
    return present(
        host=host,
        port=fitting(reader, (*place, "DB_PORT"), kinds.PORT),
        username=fitting(reader, (*place, "DB_USER"), kinds.TEXT),
        password=secret(reader, secrets, (*place, "DB_PASSWORD")),
        database=name,
        loginDatabase=login,
    )


def broker(reader: Reader, secrets: SecretValues, place: Path) -> JsonObject | None:
    """Return `eventBroker.rabbitmq`; None without a host."""
    host = fitting(reader, (*place, "RABBITMQ_HOST"), kinds.HOST)
    if host is None:
        _hostless(reader, place, "RABBITMQ", "eventBroker.rabbitmq")
        return None
    queue = fitting(reader, (*place, "RABBITMQ_QUEUE"), kinds.TEXT)
    return present(
        host=host,
        port=fitting(reader, (*place, "RABBITMQ_PORT"), kinds.PORT),
        username=fitting(reader, (*place, "RABBITMQ_USERNAME"), kinds.TEXT),
        password=secret(reader, secrets, (*place, "RABBITMQ_PASSWORD")),
        queues=[queue] if queue is not None else None,
    )


def redis(reader: Reader, secrets: SecretValues, place: Path) -> JsonObject | None:
    """Return `lockStore.redis`; None without a host."""
    host = fitting(reader, (*place, "REDIS_HOST"), kinds.HOST)
    if host is None:
        _hostless(reader, place, "REDIS", "lockStore.redis")
        return None
    return present(
        host=host,
        port=fitting(reader, (*place, "REDIS_PORT"), kinds.PORT),
        database=fitting(reader, (*place, "REDIS_DB"), kinds.REDIS_DATABASE),
        password=secret(reader, secrets, (*place, "REDIS_PASSWORD")),
    )


def _hostless(reader: Reader, place: Path, prefix: str, field: str) -> None:
    """Note the variables of a connection that is left out since nothing names its host."""
    given = [name for name in reader.mapping(place) if name.startswith(f"{prefix}_")]
    for name in given:
        if name != f"{prefix}_HOST":
            reader.by_hand((*place, name), f"left out: no {prefix}_HOST names a host; write spec.{field}")


def actions(reader: Reader, place: Path) -> JsonObject | None:
    """Return `actionEndpoint`: the server without its path, to which Rasa X adds /webhook."""
    url = fitting(reader, (*place, "RASA_USER_APP"), kinds.URL)
    if url is None:
        return None
    return {"url": url if urlsplit(url).path.strip("/") else f"{url.rstrip('/')}/webhook"}
