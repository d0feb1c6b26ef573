"""Event broker, tracker store, lock store and action server, as the chart configures them."""

from __future__ import annotations

from collections.abc import Sequence

from rasa_chart_import import kinds
from rasa_chart_import.chart_facts import Version
from rasa_chart_import.names import Names
from rasa_chart_import.passwords import Password, password
from rasa_chart_import.rasa_x.chart import FACTS
from rasa_chart_import.reader import Kind, Reader
from rasa_chart_import.secret_values import SecretValues, looks_secret
from rasa_environments.api.base import JsonObject
from rasa_environments.desired.entries import present

AMQPS_SINCE: Version = (3, 6)
"""Release of Rasa since which `eventBroker.rabbitmq.tls` can be used (docs/how-to/connect-over-tls.md)."""
SCHEME, WEBHOOK = "http", "/webhook"
"""Parts of the action server's address, in the chart's templates before 1.7.9 and 1.1.5, by default since."""
BROKER_ADDRESS = "rabbitmq.existingHost"
ADDRESS_KEY = "event-broker-url"
QUERY = ("rasa", "trackerStore", "query")


def _host(reader: Reader, section: str, *, installed: bool, own: str, kind: Kind[str] = kinds.HOST) -> str | None:
    """Return the host that the chart installs, or the one in the file."""
    path = f"{section}.existingHost"
    if installed:
        reader.unused(path, f"{section}.install is true, so the chart's own {own} is used")
        return own
    host = reader.take(path, kind)
    if host is None:
        reader.remarks.append(f"{section}.install is false and {path} names no host, so the connection is left out")
    return host


def event_broker(
    reader: Reader, names: Names, secrets: SecretValues, chart: Version, queues: list[str] | None
) -> JsonObject | None:
    """Return the `eventBroker` of an environment; None if the chart has none."""
    if reader.take("rabbitmq.enabled", kinds.FLAG) is False:
        for path in ("rabbitmq", "rasa.rabbitQueue", "rasa.additionalRabbitQueues"):
            reader.unused(path, "rabbitmq.enabled is false")
        reader.mapped("rabbitmq.enabled", "no spec.defaults.eventBroker: the chart's servers have none either")
        return None
    installed = reader.take("rabbitmq.install", kinds.FLAG) is not False
    own = FACTS.name("rabbitmq.fullname", chart, names.release)
    parts = None if installed else kinds.parts_of_amqp(reader.given(BROKER_ADDRESS))
    whole = parts is not None and kinds.needs_whole(parts)
    host = None if whole else _host(reader, "rabbitmq", installed=installed, own=own, kind=kinds.BROKER)
    username = reader.first(["rabbitmq.rabbitmq.username", "rabbitmq.auth.username"], kinds.TEXT)
    port = reader.take("rabbitmq.service.port", kinds.PORT)
    if parts is not None and parts.port is not None:
        reader.unused("rabbitmq.service.port", f"{BROKER_ADDRESS} has the port")
        port = parts.port
    found = password(
        reader,
        secrets,
        Password(
            installed,
            own,
            "rabbitmq-password",
            ["rabbitmq.rabbitmq.existingPasswordSecret", "rabbitmq.auth.existingPasswordSecret"],
            [] if installed else ["rabbitmq.existingPasswordSecretKey"],
            ["rabbitmq.rabbitmq.password", "rabbitmq.auth.password"],
        ),
    )
    if installed:
        reader.unused("rabbitmq.existingPasswordSecretKey", "the chart's own RabbitMQ has the key rabbitmq-password")
    if host is None and not whole:
        return None
    tls = None if whole else _broker_tls(reader, installed=installed)
    return {"rabbitmq": present(host=host, port=port, username=username, password=found, queues=queues, tls=tls)}


def _broker_tls(reader: Reader, *, installed: bool) -> JsonObject | None:
    """Return the TLS settings if the broker's URL requires TLS: the chart passes the URL to Rasa unchanged."""
    address = reader.given(BROKER_ADDRESS)
    if installed or not isinstance(address, str) or not address.startswith(kinds.AMQPS):
        return None
    target = "spec.defaults.eventBroker.rabbitmq"
    reader.mapped(
        BROKER_ADDRESS, f"{target}.host, and tls.mode: Required; authorities of your own go into tls.certSecretRef"
    )
    return {"mode": "Required"}


def free_form_broker(
    reader: Reader, secrets: SecretValues, broker: JsonObject, release: Version, queues: list[str]
) -> JsonObject | None:
    """Return the `event_broker` of endpoints.yml where the typed field cannot have the address of RabbitMQ.

    These are an address with a user, a virtual host or parameters, and amqps for a Rasa before AMQPS_SINCE.
    """
    given = reader.given(BROKER_ADDRESS)
    parts = kinds.parts_of_amqp(given) if reader.take("rabbitmq.install", kinds.FLAG) is False else None
    if parts is not None and kinds.needs_whole(parts):
        reader.mapped(BROKER_ADDRESS, f"spec.defaults.endpoints.event_broker.url, key {ADDRESS_KEY} of a Secret")
        url = secrets.keep(secrets.names.imported, ADDRESS_KEY, str(given))
    elif "tls" in broker and release < AMQPS_SINCE:
        address = f"amqps://USER:PASSWORD@{broker['host']}:{broker.get('port', 5671)}"
        reader.by_hand(
            BROKER_ADDRESS,
            "this release of Rasa takes an amqps address only with the password in it: put it into key "
            f"{ADDRESS_KEY} of Secret {secrets.names.imported}, as {address}; spec.defaults.endpoints.event_broker "
            "refers to it",
        )
        url = secrets.want(secrets.names.imported, ADDRESS_KEY)
    else:
        return None
    rest: JsonObject = {key: broker[key] for key in ("port", "username", "password") if key in broker}
    return {"type": "pika", "url": url, **rest, "queues": queues}


def tracker_store(
    reader: Reader, names: Names, secrets: SecretValues, chart: Version, *, with_query: bool, creates: bool
) -> JsonObject | None:
    """Return the `trackerStore` that the environments share; each has a database of its own in it."""
    installed = reader.take("postgresql.install", kinds.FLAG) is not False
    own = FACTS.name("postgresql.fullname", chart, names.release)
    host = _host(reader, "postgresql", installed=installed, own=own)
    username = reader.take("global.postgresql.postgresqlUsername", kinds.TEXT)
    port = reader.take("global.postgresql.servicePort", kinds.PORT)
    own_key = "postgresql-password" if username == "postgres" else "postgresql-postgres-password"
    found = password(
        reader,
        secrets,
        Password(
            installed,
            own,
            own_key if installed else "postgresql-password",
            ["global.postgresql.existingSecret"],
            [] if installed else ["postgresql.existingSecretKey"],
            ["global.postgresql.postgresqlPassword"],
        ),
    )
    if installed:
        reader.unused("postgresql.existingSecretKey", f"the chart's own PostgreSQL has the key {own_key}")
    login = login_database(reader, creates=creates)
    parameters = query(reader) if host is not None and with_query else None
    if host is None:
        return None
    return {
        "sql": present(
            host=host,
            port=port,
            username=username or ("postgres" if found else None),
            password=found,
            loginDatabase=login,
            query=parameters,
        )
    }


def query(reader: Reader) -> JsonObject | None:
    """Return the `query` of the database: the parameters of its URL, except for those that look like secrets."""
    given = reader.take(QUERY, kinds.QUERY) or {}
    for name in (name for name, value in given.items() if looks_secret(name, value)):
        reader.refuse(
            (*QUERY, name),
            "it looks like a secret, and no query can refer to one: client certificates go into the Secret of "
            "spec.defaults.trackerStore.sql.tls.certSecretRef",
        )
    return {name: value for name, value in given.items() if not looks_secret(name, value)} or None


def login_database(reader: Reader, *, creates: bool) -> str | None:
    """Return the database that Rasa logs in to first, to create its own; None if it creates none."""
    names = ("rasax.databaseName", "global.postgresql.postgresqlDatabase")
    if reader.take("rasa.useLoginDatabase", kinds.FLAG) is False:
        text = "spec.defaults.trackerStore.sql has no loginDatabase"
        (reader.mapped if creates else reader.unused)("rasa.useLoginDatabase", text)
    elif not creates:
        reader.partly(
            "rasa.useLoginDatabase",
            "spec.defaults.trackerStore.sql has no loginDatabase: Rasa creates a database without quoting its name, "
            "and one of them is no plain word; create those that are not there",
        )
    else:
        return reader.first(names, kinds.DATABASE)
    for name in names:
        reader.unused(name, "the database of Rasa X itself: no Rasa server logs in to it")
    return None


def lock_store(reader: Reader, names: Names, secrets: SecretValues, chart: Version) -> JsonObject | None:
    """Return the `lockStore` of an environment; None if the chart has none."""
    installed = reader.take("redis.install", kinds.FLAG) is not False
    if not installed and reader.given("redis.existingHost") is None:
        for path in ("redis", "global.redis", "rasa.lockStoreDatabase"):
            reader.unused(path, "redis.install is false and there is no other Redis")
        reader.mapped("redis.install", "no spec.defaults.lockStore: set one before there is more than one replica")
        return None
    own = FACTS.name("redis.fullname", chart, names.release)
    host = _host(reader, "redis", installed=installed, own=f"{own}-master")
    port = reader.first(["redis.master.service.port", "redis.redisPort"], kinds.PORT)
    database = reader.take("rasa.lockStoreDatabase", kinds.REDIS_DATABASE)
    found = password(
        reader,
        secrets,
        Password(
            installed,
            own,
            "redis-password",
            ["redis.auth.existingSecret", "redis.existingSecret"],
            ["redis.auth.existingSecretPasswordKey", "redis.existingSecretPasswordKey"],
            ["global.redis.password", "redis.auth.password", "redis.password"],
        ),
    )
    return None if host is None else {"redis": present(host=host, port=port, database=database, password=found)}


def action_endpoint(reader: Reader, names: Names) -> JsonObject | None:
    """Return the `actionEndpoint` of an environment: the chart's own action server, or the one in the file."""
    own = ("app.scheme", "app.port", "app.endpoints.actionEndpointUrl")
    url = reader.take("app.existingUrl", kinds.URL)
    if url is not None:
        for path in own:
            reader.unused(path, "app.existingUrl is set and used")
        return {"url": url}
    scheme, port = reader.take(own[0], kinds.TEXT) or SCHEME, reader.take(own[1], kinds.PORT)
    webhook = reader.take(own[2], kinds.TEXT) or WEBHOOK
    if port is None:
        return None
    return address(reader, own, f"{scheme}://{names.service('app')}:{port}{webhook}", kinds.URL)


def address(reader: Reader, paths: Sequence[str], url: str, kind: Kind[str]) -> JsonObject | None:
    """Return a URL composed of the values at some paths, or None if they make no URL."""
    try:
        return {"url": kind.validate_python(url)}
    except ValueError:
        for path in paths:
            if reader.given(path) is not None:
                reader.refuse(path, f"{path.partition('.')[0]} has no address such as http://host:port/path then")
        return None
