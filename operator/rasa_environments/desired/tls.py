"""The certificates of connections: the Secrets they come from, and their paths in the Rasa server's container.

Like all secret values, they are copied to the environment's own Secret, so that a pod mounts no other Secret and a
changed certificate rolls the pods.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rasa_environments.api.base import JsonObject, SecretRef, Tls
from rasa_environments.api.deployment_environment import EnvironmentSpec
from rasa_environments.api.model_server import ModelServer
from rasa_environments.desired.context import Context

AUTHORITIES, CERTIFICATE, KEY = "ca.crt", "tls.crt", "tls.key"
"""Keys of a Secret that `certSecretRef` refers to."""
DIRECTORY = "/app/tls"
VOLUME = "tls"
AUTHORITIES_OF_THE_IMAGE = "/etc/ssl/certs/ca-certificates.crt"
"""Public certificate authorities on Debian and its derivatives, for drivers that need a path."""
READABLE = 0o444
READABLE_BY_THE_GROUP = 0o440
"""Mode of a private key: libpq accepts one that is owned by root and readable at most by root's group, which Rasa's
images run in (https://www.postgresql.org/docs/current/libpq-ssl.html)."""

EVENT_BROKER, TRACKER_STORE, LOCK_STORE = "event-broker", "tracker-store", "lock-store"
ACTION_ENDPOINT, MODEL_SERVER = "action-endpoint", "model-server"
"""Names of connections."""
AUTHORITIES_VARIABLE = "SSL_CERT_FILE"
"""OpenSSL's variable for an additional file of authorities: no release of Rasa has an option for its model pull."""


@dataclass(frozen=True)
class CertificateSource:
    """The Secret with the certificates of a connection."""

    connection: str
    secret: SecretRef
    path: str
    """Field that refers to it, for messages."""
    shows_certificate: bool = True
    """Whether Rasa can present a client certificate on this connection; otherwise only the authorities are used."""

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of the Secret that are used if present."""
        return (AUTHORITIES, CERTIFICATE, KEY) if self.shows_certificate else (AUTHORITIES,)


@dataclass(frozen=True)
class CertificatePaths:
    """Paths of a connection's files in the container; None if the file does not exist."""

    authorities: str | None = None
    certificate: str | None = None
    key: str | None = None


def certificate_sources(spec: EnvironmentSpec, server: ModelServer) -> tuple[CertificateSource, ...]:
    """Return the Secrets with certificates that the merged spec and the server refer to, in a stable order."""
    found = list(_of_spec(spec))
    reference = _reference(server.spec.tls)
    if reference is not None:
        bound = reference.model_copy(update={"namespace": server.metadata.namespace})
        place = f"ModelServer {server.metadata.key}: spec.tls.certSecretRef"
        found.append(CertificateSource(MODEL_SERVER, bound, place, shows_certificate=False))
    return tuple(found)


def is_required(tls: Tls | None) -> bool:
    """Return whether a connection must use TLS."""
    return tls is not None and tls.mode == "Required"


def agrees_with_scheme(tls: Tls | None, url: str) -> bool:
    """Return whether a URL has the scheme that `tls` requires; any scheme will do if `tls` is not set."""
    return tls is None or is_required(tls) == url.startswith("https://")


def _of_spec(spec: EnvironmentSpec) -> Iterator[CertificateSource]:
    broker, tracker, lock, action = spec.event_broker, spec.tracker_store, spec.lock_store, spec.action_endpoint
    connections = (
        (EVENT_BROKER, "spec.eventBroker.rabbitmq", broker and broker.rabbitmq),
        (EVENT_BROKER, "spec.eventBroker.kafka", broker and broker.kafka),
        (EVENT_BROKER, "spec.eventBroker.sql", broker and broker.sql),
        (TRACKER_STORE, "spec.trackerStore.sql", tracker and tracker.sql),
        (TRACKER_STORE, "spec.trackerStore.redis", tracker and tracker.redis),
        (LOCK_STORE, "spec.lockStore.redis", lock and lock.redis),
        (LOCK_STORE, "spec.lockStore.concurrentRedis", lock and lock.concurrent_redis),
        (ACTION_ENDPOINT, "spec.actionEndpoint", action),
    )
    for connection, path, described in connections:
        reference = _reference(described.tls) if described else None
        if reference is not None:
            shows_certificate = connection != ACTION_ENDPOINT
            yield CertificateSource(connection, reference, f"{path}.tls.certSecretRef", shows_certificate)


def _reference(tls: Tls | None) -> SecretRef | None:
    return tls.cert_secret_ref if tls is not None and is_required(tls) else None


def key_in_secret(connection: str, key: str) -> str:
    """Return the key of a file in the environment's own Secret, for example tracker-store-ca.crt."""
    return f"{connection}-{key}"


def certificate_paths(context: Context, connection: str) -> CertificatePaths:
    """Return the paths of a connection's files in the container."""

    def path(key: str) -> str | None:
        there = key_in_secret(connection, key) in context.certificates
        return f"{DIRECTORY}/{connection}/{key}" if there else None

    return CertificatePaths(path(AUTHORITIES), path(CERTIFICATE), path(KEY))


def certificate_volume(context: Context) -> JsonObject:
    """Return the volume with the files of all connections."""
    items = []
    for name in sorted(context.certificates):
        connection, _, _ = name.rpartition("-")
        key = name.removeprefix(f"{connection}-")
        mode = READABLE_BY_THE_GROUP if key == KEY else READABLE
        items.append({"key": name, "path": f"{connection}/{key}", "mode": mode})
    return {"name": VOLUME, "secret": {"secretName": context.key.name, "items": items}}


def certificate_mount() -> JsonObject:
    """Return the mount of that volume."""
    return {"name": VOLUME, "mountPath": DIRECTORY, "readOnly": True}


def variables_of_certificates(context: Context) -> Mapping[str, str]:
    """Return variables for connections whose certificates cannot be configured otherwise."""
    authorities = certificate_paths(context, MODEL_SERVER).authorities
    return {AUTHORITIES_VARIABLE: authorities} if authorities is not None else {}
