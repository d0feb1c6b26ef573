"""Redis in endpoints.yml, as a tracker store and as a lock store.

Source: rasa/core/tracker_store.py and rasa/core/lock_store.py of the releases 1.10.26, 2.8.34 and 3.6.0 to 3.6.21, and
the same and redis_connection_factory.py and concurrent_lock_store.py of Rasa Pro 3.11 to 3.14 and 3.21.
"""

from __future__ import annotations

import re

from rasa_environments.api.base import JsonObject
from rasa_environments.api.connections import LockStore, Redis
from rasa_environments.desired.compose import REDIS_DATABASE, REDIS_PORT
from rasa_environments.desired.context import Context
from rasa_environments.desired.entries import present, reference
from rasa_environments.desired.errors import SpecError
from rasa_environments.desired.profiles import profile_of
from rasa_environments.desired.releases import is_rasa_pro, release, want_rasa_pro, want_release
from rasa_environments.desired.tls import LOCK_STORE, TRACKER_STORE, certificate_paths, is_required

USERS_SINCE = (3, 6, 7)
"""First release in which both stores accept a user name and certificates."""
SEVERAL_SINCE = (3, 14)
"""First release of Rasa Pro that accepts sentinels and clusters."""
HOST_SINCE = (3, 13)
"""First release of Rasa Pro in which the lock store redis has a schema of its own."""
LOCALHOST = "localhost"
DEFAULT_USER = "default"
"""The user that a password without a user name belongs to (https://redis.io/docs/latest/commands/auth/)."""


def redis_tracker_store(context: Context, store: Redis) -> JsonObject:
    """Return a Redis tracker store; each environment has a key prefix of its own."""
    field = "spec.trackerStore.redis"
    described = _redis(context, store, "TRACKER_STORE_PASSWORD", field, TRACKER_STORE, database=0)
    return {"type": "redis", "url": _host(store), **described}


def lock_store(context: Context, store: LockStore) -> JsonObject:
    """Return the lock store."""
    if store.concurrent_redis is not None:
        field = "spec.lockStore.concurrentRedis"
        want_rasa_pro(context, field)
        server, variable = store.concurrent_redis, "LOCK_STORE_PASSWORD"
        described = _redis(context, server, variable, field, LOCK_STORE, database=REDIS_DATABASE)
        return {"type": "concurrent_redis", "host": _host(server), **described}
    return redis_lock_store(context, store.redis) if store.redis is not None else {}


def redis_lock_store(context: Context, server: Redis) -> JsonObject:
    """Return a lock store of the type redis.

    Rasa Pro calls its address `host` and requires a user for each password.
    """
    field = "spec.lockStore.redis"
    described = _redis(context, server, "REDIS_PASSWORD", field, LOCK_STORE, database=REDIS_DATABASE)
    if not is_rasa_pro(context) or release(context) < HOST_SINCE:
        return {"type": "redis", "url": _host(server), **described}
    if release(context) < SEVERAL_SINCE and server.host != LOCALHOST:
        raise SpecError(
            f"{field}.host {server.host} is not supported by Rasa Pro 3.13, whose lock store redis takes only "
            "localhost: set spec.lockStore.concurrentRedis, or use Rasa Pro 3.14 or later"
        )
    user = {"username": DEFAULT_USER} if server.password is not None and server.username is None else {}
    return {"type": "redis", "host": _host(server), **described, **user}


def _redis(context: Context, server: Redis, variable: str, field: str, connection: str, *, database: int) -> JsonObject:
    """Return what both stores have in common; `field` is the path of the server in the spec."""
    _refuse_what_it_cannot(context, server, field)
    paths = certificate_paths(context, connection)
    tls = is_required(server.tls)
    endpoints = _endpoints(server)
    return present(
        port=None if endpoints else server.port or REDIS_PORT,
        deployment_mode="sentinel" if server.sentinel else "cluster" if server.cluster else None,
        endpoints=endpoints or None,
        sentinel_service=server.sentinel.master_name if server.sentinel else None,
        db=0 if server.cluster else database if server.database is None else server.database,
        username=server.username,
        password=reference(variable, server.password),
        key_prefix=_key_prefix(context, server, field),
        use_ssl=None if server.tls is None else tls,
        ssl_ca_certs=paths.authorities if tls else None,
        ssl_certfile=paths.certificate if tls else None,
        ssl_keyfile=paths.key if tls else None,
    )


def _endpoints(server: Redis) -> list[str]:
    several = server.sentinel or server.cluster
    return list(several.endpoints) if several is not None else []


def _host(server: Redis) -> str:
    """Return the host; of several servers the first one's, which Rasa requires but does not use."""
    return server.host or _endpoints(server)[0].rpartition(":")[0]


def _refuse_what_it_cannot(context: Context, server: Redis, field: str) -> None:
    """Check for fields that the environment's Rasa does not support. Raises SpecError."""
    if server.username is not None:
        want_release(context, USERS_SINCE, f"{field}.username", "it logs in to Redis only with a password")
    if server.tls is not None and is_required(server.tls) and server.tls.cert_secret_ref is not None:
        why = "it takes no certificates for Redis, and trusts only the authorities of its image"
        want_release(context, USERS_SINCE, f"{field}.tls.certSecretRef", why)
    if server.sentinel is not None:
        want_rasa_pro(context, f"{field}.sentinel", SEVERAL_SINCE)
    if server.cluster is not None:
        want_rasa_pro(context, f"{field}.cluster", SEVERAL_SINCE)
        if server.database:
            raise SpecError(f"{field}.database {server.database}: a Redis Cluster has only database 0: leave it out")


def _key_prefix(context: Context, server: Redis, field: str) -> str | None:
    """Return the key prefix, in which Rasa allows letters and digits only; 1.x does not start with any."""
    if profile_of(context).names_exchange_and_keys:
        return server.key_prefix or re.sub(r"[^A-Za-z0-9]", "", context.environment.environment)
    if server.key_prefix is not None:
        raise SpecError(
            f"{field}.keyPrefix is not supported by Rasa 1.x, whose keys have no prefix: leave it out, and set "
            f"{field}.database to one of this environment's own"
        )
    return None
