"""SQL databases in endpoints.yml: those of the tracker store and of the event broker.

Source: rasa/core/tracker_store.py and rasa/core/brokers/sql.py of the releases 1.10.26, 2.8.34 and 3.6.21, and those of
Rasa Pro 3.13 and 3.21.
"""

from __future__ import annotations

from collections.abc import Mapping

from rasa_environments.api.base import JsonObject
from rasa_environments.api.connections import Database, Sql
from rasa_environments.desired.compose import DATABASE_PORTS, POSTGRESQL
from rasa_environments.desired.context import Context, own_database
from rasa_environments.desired.entries import present, reference
from rasa_environments.desired.errors import SpecError
from rasa_environments.desired.profiles import profile_of
from rasa_environments.desired.tls import (
    AUTHORITIES_OF_THE_IMAGE,
    EVENT_BROKER,
    TRACKER_STORE,
    CertificatePaths,
    certificate_paths,
    is_required,
)

DIALECTS = {POSTGRESQL: "postgresql", "MySQL": "mysql+pymysql"}
"""SQLAlchemy's names of the dialects."""
VERIFYING = ("verify-full", "verify-ca")
"""Values of libpq's sslmode with which it verifies the server's certificate."""
PREFERRED = "prefer"
"""Default of libpq's sslmode."""


def sql_tracker_store(context: Context, store: Sql) -> JsonObject:
    """Return an SQL tracker store; each environment has a database of its own."""
    rules = profile_of(context)
    defaults = {"username": rules.database_user, "login_database": rules.login_database}
    unset = {name: value for name, value in defaults.items() if getattr(store, name) is None}
    described = store.model_copy(update=unset)
    return {
        **sql(described, described.database or context.database, "DB_PASSWORD"),
        **present(login_db=described.login_database),
        **present(query=query_of(context, described) or None),
    }


def events_database(context: Context, database: Database) -> JsonObject:
    """Return a separate database for events: the tracker store has a table `events`, too, with other columns.

    Raises SpecError for connection parameters, which Rasa does not support for this database.
    """
    if database.query:
        raise SpecError(
            "spec.eventBroker.sql.query: Rasa takes no parameters for the database of its events: leave it out"
        )
    if is_required(database.tls) and not is_postgresql(database):
        raise SpecError(
            "spec.eventBroker.sql.tls: Rasa takes no parameters for the database of its events, so TLS "
            "works only with PostgreSQL, which reads them from variables: use PostgreSQL, or another event broker"
        )
    own = database.database or own_database(context.environment, "_events")
    return sql(database, own, "EVENT_BROKER_DB_PASSWORD")


def sql(server: Database, database: str, variable: str) -> JsonObject:
    """Return an SQL database whose password is in a variable."""
    dialect = server.dialect or POSTGRESQL
    return present(
        type="SQL",
        dialect=DIALECTS[dialect],
        url=server.host,
        port=server.port or DATABASE_PORTS[dialect],
        db=database,
        username=server.username,
        password=reference(variable, server.password),
    )


def query_of(context: Context, store: Sql) -> dict[str, str]:
    """Return the connection parameters of the tracker store; those of spec.trackerStore.sql.query take precedence.

    Raises SpecError where one of them contradicts `tls`.
    """
    asked = dict(store.query or {})
    if store.tls is None:
        shared = is_postgresql(store) and variables_of_events_database(context)
        return {"sslmode": PREFERRED, **asked} if shared else asked
    contradiction = _contradiction(store, asked)
    if contradiction is not None:
        raise SpecError(
            f"spec.trackerStore.sql.query.{contradiction} contradicts spec.trackerStore.sql.tls.mode {store.tls.mode}: "
            "leave one of the two out"
        )
    paths = certificate_paths(context, TRACKER_STORE)
    required = is_required(store.tls)
    if is_postgresql(store):
        return {**(_of_libpq(paths) if required else {"sslmode": "disable"}), **asked}
    return {**(_of_pymysql(paths) if required else {}), **asked}


def _contradiction(store: Sql, asked: Mapping[str, str]) -> str | None:
    """Return the name of the parameter that contradicts `tls`, or None."""
    if not is_required(store.tls):
        plain = {"sslmode": "disable"}
        return next((name for name in asked if name.startswith("ssl") and asked[name] != plain.get(name)), None)
    weak = is_postgresql(store) and asked.get("sslmode", VERIFYING[0]) not in VERIFYING
    return "sslmode" if weak else None


def is_postgresql(server: Database) -> bool:
    """Return whether the driver of the database is libpq."""
    return server.dialect in (None, POSTGRESQL)


def _of_libpq(paths: CertificatePaths) -> dict[str, str]:
    """Return the parameters for TLS with libpq, which verifies nothing unless told what to verify with.

    Source: https://www.postgresql.org/docs/current/libpq-ssl.html
    """
    return present(
        sslmode="verify-full",
        sslrootcert=paths.authorities or AUTHORITIES_OF_THE_IMAGE,
        sslcert=paths.certificate,
        sslkey=paths.key,
    )


def _of_pymysql(paths: CertificatePaths) -> dict[str, str]:
    """Return the parameters for TLS with PyMySQL, which also verifies the host name if it has an authority.

    Source: https://docs.sqlalchemy.org/en/14/dialects/mysql.html
    """
    return present(ssl_ca=paths.authorities or AUTHORITIES_OF_THE_IMAGE, ssl_cert=paths.certificate, ssl_key=paths.key)


def variables_of_events_database(context: Context) -> dict[str, str]:
    """Return libpq's variables for the event broker's database, since Rasa passes it no parameters."""
    broker = context.spec.event_broker
    database = broker.sql if broker is not None else None
    if database is None or database.tls is None or not is_postgresql(database):
        return {}
    if not is_required(database.tls):
        return {"PGSSLMODE": "disable"}
    parameters = _of_libpq(certificate_paths(context, EVENT_BROKER))
    return {f"PG{name.upper()}": value for name, value in parameters.items()}
