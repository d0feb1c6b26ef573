"""The content of the Secrets that people name: a value each, or what is wrong, with place and remedy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from rasa_environments.api.base import ObjectKey, SecretData, secret_of
from rasa_environments.api.conditions import Reason
from rasa_environments.api.model_server import ModelServer
from rasa_environments.desired.profiles import rules_of
from rasa_environments.desired.secret_variables import SecretVariable
from rasa_environments.desired.tls import CertificateSource
from rasa_environments.domain.certificates import certificates_of
from rasa_environments.domain.facts import Problem
from rasa_environments.domain.secret_values import SERVICE_TOKEN_KEY, credentials_secret

LONGEST_VALUE = 64 * 1024
"""Bytes: Linux starts no process with a variable of more than 128 KiB."""
UNSAFE_IN_AN_ADDRESS = re.compile(r"[+&#%]|[^!-~]")
"""What means something else in the query of an address."""


class SecretContents:
    """The Secrets that were read, None for each that is not there: the operator's `SecretLookup`."""

    def __init__(self, contents: Mapping[ObjectKey, SecretData | None]) -> None:
        self._contents = contents

    def value(self, variable: SecretVariable) -> str | Problem:
        """Return the value, percent-encoded where it becomes a part of an address; or why there is none."""
        secret, key = secret_of(variable.source), variable.source.key
        data = self._contents.get(secret)
        if data is None:
            message = f"{variable.path}: Secret {secret} not found: create it with key {key}"
            return Problem(Reason.SECRET_NOT_FOUND, message, stalled=False, field=variable.path)
        if len(data.get(key, b"")) > LONGEST_VALUE:
            return too_long(variable.path, secret, key)
        value = decoded(data.get(key, b""))
        if value:
            return quote(value, safe="") if variable.in_address else value
        what = "is empty" if key in data else f"is missing (it holds {', '.join(sorted(data)) or 'nothing'})"
        message = f"{variable.path}: key {key} of Secret {secret} {what}: set it, or refer to another key"
        return Problem(Reason.SECRET_KEY_NOT_FOUND, message, stalled=False, field=variable.path)

    def pull_token(self, server: ModelServer) -> str | Problem | None:
        """Return the token that Rasa servers pull with, None where there is none; or what is wrong with it."""
        secret = credentials_secret(server)
        if secret is None:
            return None
        data = self._contents.get(secret)
        if data is None:
            return missing_credentials(server, secret)
        if len(data.get(SERVICE_TOKEN_KEY, b"")) > LONGEST_VALUE:
            return too_long(f"ModelServer {server.metadata.key}: spec.credentialsSecretRef", secret, SERVICE_TOKEN_KEY)
        token = decoded(data.get(SERVICE_TOKEN_KEY, b""))
        if rules_of(server).token_in_address and UNSAFE_IN_AN_ADDRESS.search(token):
            return unsafe_token(server)
        return token or None

    def certificates(self, source: CertificateSource) -> Mapping[str, str] | Problem:
        """Return the files of a connection by their keys in the Secret; or what is wrong with one."""
        return certificates_of(self._contents.get(secret_of(source.secret)), source)


def missing_credentials(server: ModelServer, secret: ObjectKey) -> Problem:
    """Say that the Secret with the server's credentials is not there."""
    return Problem(
        Reason.SECRET_NOT_FOUND,
        f"ModelServer {server.metadata.key}: spec.credentialsSecretRef: Secret {secret} not found: "
        "create it with keys token and apiToken",
        stalled=False,
    )


def unsafe_token(server: ModelServer) -> Problem:
    """Say that Rasa would send another token than this to Rasa X."""
    return Problem(
        Reason.INVALID_SPEC,
        f"the key token in the Secret of spec.credentialsSecretRef of ModelServer {server.metadata.key} has a "
        f"character that must be escaped in a URL, such as + or &, but with the profile {server.spec.profile} Rasa "
        "does not escape it: use letters and digits",
    )


def too_long(path: str, secret: ObjectKey, key: str) -> Problem:
    """Say that no process could be started with this value."""
    return Problem(
        Reason.INVALID_SPEC,
        f"{path}: key {key} of Secret {secret} is longer than {LONGEST_VALUE} bytes, too long for an environment "
        "variable: use a shorter value, or refer to another key",
        stalled=False,
    )


def decoded(value: bytes) -> str:
    """Return a secret value as text, without the newline that `echo` leaves at its end; empty where it is no text."""
    try:
        return value.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        return ""
