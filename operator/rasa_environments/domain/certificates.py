"""The certificates of connections, from the Secrets of `certSecretRef`."""

from __future__ import annotations

import re
import ssl

from rasa_environments.api.base import SecretData, secret_of
from rasa_environments.api.conditions import Reason
from rasa_environments.api.deployment_environment import DeploymentEnvironment, EnvironmentSpec
from rasa_environments.api.model_server import ModelServer
from rasa_environments.desired.errors import SecretElsewhereError
from rasa_environments.desired.tls import (
    AUTHORITIES,
    CERTIFICATE,
    KEY,
    MODEL_SERVER,
    CertificateSource,
    certificate_sources,
)
from rasa_environments.domain.facts import Problem

LONGEST_FILE = 64 * 1024
"""Bytes of a file; an environment's Secret holds several, and is limited to about a megabyte."""
PRIVATE_KEY = re.compile("-----BEGIN ([A-Z]+ )?PRIVATE KEY-----")
CERTIFICATE_BEGINS = "-----BEGIN CERTIFICATE-----"


def named_certificates(
    environment: DeploymentEnvironment, server: ModelServer, spec: EnvironmentSpec
) -> tuple[CertificateSource, ...]:
    """Return the Secrets with an environment's certificates.

    Of the Secrets in a ModelServer's namespace, environments elsewhere may use only the server's own authorities.
    Raises SecretElsewhereError for a default of a server in another namespace.
    """
    sources = certificate_sources(spec, server)
    namespace = environment.metadata.namespace
    for source in sources:
        if source.connection != MODEL_SERVER and source.secret.namespace != namespace:
            raise SecretElsewhereError(source.path, server.metadata.key, "certificates", namespace)
    return sources


def source_of_server(server: ModelServer) -> CertificateSource | None:
    """Return the Secret with the authorities that a model server's certificate is verified with, or None."""
    return next((each for each in certificate_sources(EnvironmentSpec(), server)), None)


def certificates_of(data: SecretData | None, source: CertificateSource) -> dict[str, str] | Problem:
    """Return the files of one connection, by their keys, from its Secret's content; or what is wrong with them."""
    secret = secret_of(source.secret)
    if data is None:
        message = f"{source.path}: Secret {secret} not found: create it with {_keys(source)}"
        return Problem(Reason.SECRET_NOT_FOUND, message, stalled=False)
    held = {key: data[key] for key in source.keys if data.get(key)}
    missing = _missing(source, held)
    if missing is not None:
        there = ", ".join(sorted(data)) or "nothing"
        return Problem(
            Reason.SECRET_KEY_NOT_FOUND,
            f"{source.path}: key {missing} of Secret {secret} is empty or missing (it holds {there}): add "
            f"{_keys(source)}",
            stalled=False,
        )
    for key, value in held.items():
        wrong = what_is_wrong(key, value)
        if wrong is not None:
            message = f"{source.path}: key {key} of Secret {secret} {wrong}"
            return Problem(Reason.INVALID_SPEC, message, stalled=False)
    return {key: value.decode() for key, value in held.items()}


def _keys(source: CertificateSource) -> str:
    pair = f", or {CERTIFICATE} and {KEY}, or all three" if source.shows_certificate else ""
    return f"{AUTHORITIES}{pair}"


def _missing(source: CertificateSource, held: SecretData) -> str | None:
    """Return a missing key: the other half of a pair, or the authorities if there is nothing else."""
    if source.shows_certificate and (CERTIFICATE in held) != (KEY in held):
        return KEY if CERTIFICATE in held else CERTIFICATE
    return None if held else AUTHORITIES


def what_is_wrong(key: str, value: bytes) -> str | None:
    """Return why a file cannot be used, with a remedy, or None."""
    if len(value) > LONGEST_FILE:
        return f"is longer than {LONGEST_FILE} bytes: keep only what this connection needs"
    try:
        text = value.decode("ascii")
    except UnicodeDecodeError:
        return "is not PEM: convert it with `openssl x509` or `openssl pkey`"
    if key == KEY:
        return _what_is_wrong_with_key(text)
    if key == CERTIFICATE:
        return None if CERTIFICATE_BEGINS in text else "holds no certificate in PEM: add one"
    return None if context_of(text) is not None else "holds no CA certificate in PEM: add one"


def _what_is_wrong_with_key(text: str) -> str | None:
    if "ENCRYPTED" in text:
        return "is encrypted, but Rasa takes no passphrase: decrypt it with `openssl pkey`"
    return None if PRIVATE_KEY.search(text) else "holds no private key in PEM: add one"


def context_of(authorities: str) -> ssl.SSLContext | None:
    """Return a client context that trusts only these authorities; None if the text contains none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cadata=authorities)
    except (ssl.SSLError, ValueError):
        return None
    return context
