"""Tracker store, lock store and event broker, as the chart configures them."""

from __future__ import annotations

from typing import Any

from rasa_chart_import import kinds
from rasa_chart_import.chart_facts import Version
from rasa_chart_import.names import Names
from rasa_chart_import.open_source.chart import FACTS, STORES
from rasa_chart_import.passwords import Password, password
from rasa_chart_import.reader import Reader
from rasa_chart_import.secret_values import SecretValues
from rasa_chart_import.stores import Store, typed_or_free_form
from rasa_environments.api.base import JsonObject

VARIABLES = ("extraEnv",)


def connections(reader: Reader, names: Names, secrets: SecretValues, chart: Version) -> tuple[JsonObject, JsonObject]:
    """Return the typed stores, and further entries of endpoints.yml."""
    typed: JsonObject = {}
    entries: JsonObject = {}
    for key, entry, target, own in (
        ("trackerStore", "tracker_store", "trackerStore", postgresql),
        ("lockStore", "lock_store", "lockStore", redis),
        ("eventBroker", "event_broker", "eventBroker", rabbitmq),
    ):
        place = (*STORES, key)
        if not reader.flag((*place, "enabled")):
            reader.unused(place, f"{'.'.join(place)}.enabled is false")
            reader.mapped((*place, "enabled"), f"no {target}")
            for section in SECTIONS[key]:
                reader.unused(section, f"{'.'.join(place)}.enabled is false: no Rasa server uses it")
            continue
        kind = reader.take((*place, "type"), kinds.TEXT)
        store = Store(reader, secrets, place, VARIABLES, own(reader, names, secrets, chart))
        made, free = typed_or_free_form(store, kind, entry)
        typed |= {target: made} if made is not None else {}
        entries |= {entry: free} if free is not None else {}
    return typed, entries


SECTIONS = {
    "trackerStore": ("postgresql", "global.postgresql"),
    "lockStore": ("redis", "global.redis"),
    "eventBroker": ("rabbitmq",),
}
"""Sections of the values that say where the chart's services are, by store."""
Own = dict[str, tuple[str, Any]]


def _host(reader: Reader, section: str, own: str) -> str | None:
    if reader.flag(f"{section}.install"):
        reader.unused(f"{section}.external", f"{section}.install is true, so the chart's own {own} is used")
        return own
    if reader.flag(f"{section}.external.enabled"):
        return reader.take(f"{section}.external.host", kinds.HOST)
    reader.remarks.append(f"{section} is neither installed nor external")
    return None


def postgresql(reader: Reader, names: Names, secrets: SecretValues, chart: Version) -> Own:
    """Return what the chart's variables for its database stand for."""
    own = FACTS.name("rasa-common.psql.fullname", chart, names.release)
    username = reader.take("global.postgresql.postgresqlUsername", kinds.TEXT)
    database = reader.take("global.postgresql.postgresqlDatabase", kinds.DATABASE)
    key = "postgresql-password" if username == "postgres" else "postgresql-postgres-password"
    found = password(
        reader,
        secrets,
        Password(
            reader.flag("postgresql.install"),
            own,
            key,
            ["global.postgresql.existingSecret"],
            ["postgresql.existingSecretKey"],
            ["global.postgresql.postgresqlPassword"],
        ),
    )
    return {
        "url": ("DB_HOST", _host(reader, "postgresql", own)),
        "port": ("DB_PORT", reader.take("global.postgresql.servicePort", kinds.PORT)),
        "username": ("DB_USER", username),
        "password": ("DB_PASSWORD", found),
        "db": ("DB_DATABASE", database),
        "login_db": ("DB_DATABASE", database),
    }


def redis(reader: Reader, names: Names, secrets: SecretValues, chart: Version) -> Own:
    """Return what the chart's variables for its Redis stand for."""
    own = FACTS.name("rasa-common.redis.fullname", chart, names.release)
    found = password(
        reader,
        secrets,
        Password(
            reader.flag("redis.install"),
            own,
            "redis-password",
            ["redis.existingSecret"],
            ["redis.existingSecretPasswordKey"],
            ["global.redis.password", "redis.auth.password"],
        ),
    )
    return {
        "url": ("REDIS_HOST", _host(reader, "redis", f"{own}-master" if reader.flag("redis.install") else own)),
        "port": ("REDIS_PORT", reader.take("redis.master.service.port", kinds.PORT) or 6379),
        "password": ("REDIS_PASSWORD", found),
        "db": ("", reader.take((*STORES, "lockStore", "db"), kinds.REDIS_DATABASE)),
    }


def rabbitmq(reader: Reader, names: Names, secrets: SecretValues, chart: Version) -> Own:
    """Return what the chart's variables for its RabbitMQ stand for."""
    own = FACTS.name("rasa-common.rabbitmq.fullname", chart, names.release)
    found = password(
        reader,
        secrets,
        Password(
            reader.flag("rabbitmq.install"),
            own,
            "rabbitmq-password",
            ["rabbitmq.auth.existingPasswordSecret"],
            [],
            ["rabbitmq.auth.password"],
        ),
    )
    return {
        "url": ("RABBITMQ_HOST", _host(reader, "rabbitmq", own)),
        "port": ("RABBITMQ_PORT", reader.take("rabbitmq.service.port", kinds.PORT) or 5672),
        "username": ("RABBITMQ_USERNAME", reader.take("rabbitmq.auth.username", kinds.TEXT)),
        "password": ("RABBITMQ_PASSWORD", found),
        "queues": ("", reader.take((*STORES, "eventBroker", "queues"), kinds.QUEUES)),
    }
