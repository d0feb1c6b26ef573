"""event_broker of endpoints.yml: RabbitMQ, Kafka or an SQL database.

Source: rasa/core/brokers of the releases 1.10.26, 2.8.34, 3.6.21 and of Rasa Pro 3.13 and 3.21.
"""

from __future__ import annotations

from urllib.parse import quote, urlencode

from rasa_environments.api.base import JsonObject
from rasa_environments.api.connections import EventBroker, Kafka, RabbitMQ
from rasa_environments.desired.compose import RABBITMQ_PORT, RABBITMQ_USERNAME
from rasa_environments.desired.context import Context
from rasa_environments.desired.databases import events_database
from rasa_environments.desired.entries import present, reference
from rasa_environments.desired.errors import SpecError
from rasa_environments.desired.profiles import profile_of
from rasa_environments.desired.releases import release, want_release
from rasa_environments.desired.tls import EVENT_BROKER, certificate_paths, is_required

RABBITMQ_TLS_PORT = 5671
AMQPS_SINCE = (3, 6)
"""First release in which Rasa adds the user to a URL; before, the credentials had to be in `url`, which it logs."""
ONE_TEXT_SINCE = (3, 4)
"""First release in which Rasa passes Kafka's addresses to librdkafka, which accepts one string and no list."""


def event_broker(context: Context, broker: EventBroker) -> JsonObject:
    """Return the event broker; RASA_ENVIRONMENT distinguishes environments in a shared queue.

    Raises SpecError where the environment's Rasa does not support what the spec asks for.
    """
    if broker.rabbitmq is not None:
        return rabbitmq(context, broker.rabbitmq)
    if broker.kafka is not None:
        return kafka(context, broker.kafka)
    return events_database(context, broker.sql) if broker.sql is not None else {}


def rabbitmq(context: Context, broker: RabbitMQ) -> JsonObject:
    """Return RabbitMQ, in plain text or over TLS (amqps)."""
    if broker.exchange is not None and not profile_of(context).names_exchange_and_keys:
        raise SpecError(
            "spec.eventBroker.rabbitmq.exchange is not supported by Rasa 1.x, which publishes to rasa-exchange: "
            "leave it out"
        )
    username = broker.username or RABBITMQ_USERNAME
    described = present(
        type="pika",
        url=broker.host,
        port=broker.port or RABBITMQ_PORT,
        username=username,
        password=reference("RABBITMQ_PASSWORD", broker.password),
        queues=broker.queues or [profile_of(context).queue(context)],
        exchange_name=broker.exchange,
    )
    if not is_required(broker.tls):
        return described
    want_release(
        context,
        AMQPS_SINCE,
        "spec.eventBroker.rabbitmq.tls",
        "it takes an amqps address only with the password in it, and logs that address; use a newer Rasa, or write "
        "event_broker in spec.endpoints with the whole address as a secret value",
    )
    port = broker.port or RABBITMQ_TLS_PORT
    return {**described, "url": amqps(context, broker, port), "port": port, "username": quote(username, safe="")}


def amqps(context: Context, broker: RabbitMQ, port: int) -> str:
    """Return the URL without the user, whom Rasa inserts unescaped; user and password are therefore escaped elsewhere.

    aiormq reads the files from the query, and verifies certificate and host name (aiormq/connection.py).
    """
    paths = certificate_paths(context, EVENT_BROKER)
    files = present(cafile=paths.authorities, certfile=paths.certificate, keyfile=paths.key)
    host = broker.host or ""
    netloc = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return f"amqps://{netloc}" + (f"?{urlencode(files, safe='/')}" if files else "")


def kafka(context: Context, broker: Kafka) -> JsonObject:
    """Return Kafka; TLS and the user name decide the security protocol."""
    tls = is_required(broker.tls)
    paths = certificate_paths(context, EVENT_BROKER)
    addresses = list(broker.bootstrap_servers or ())
    protocol = ("SASL_SSL" if tls else "SASL_PLAINTEXT") if broker.username else ("SSL" if tls else "PLAINTEXT")
    return present(
        type="kafka",
        url=",".join(addresses) if release(context) >= ONE_TEXT_SINCE else addresses,
        topic=broker.topic or "rasa_core_events",
        security_protocol=protocol,
        sasl_mechanism=(broker.sasl_mechanism or "PLAIN") if broker.username else None,
        sasl_username=broker.username,
        sasl_password=reference("KAFKA_PASSWORD", broker.password),
        ssl_cafile=paths.authorities if tls else None,
        ssl_certfile=paths.certificate if tls else None,
        ssl_keyfile=paths.key if tls else None,
        ssl_check_hostname=True if tls else None,
    )
