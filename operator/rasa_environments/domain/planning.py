"""From what an environment refers to, and the content of its Secrets, to what its children are made from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from rasa_environments.api.model_server import ModelServer
from rasa_environments.desired.context import Context, OperatorPods
from rasa_environments.desired.profiles import rules_of
from rasa_environments.desired.secret_variables import (
    JWT_VARIABLE,
    MODEL_SERVER_TOKEN_VARIABLE,
    TOKEN_VARIABLE,
    SecretVariable,
)
from rasa_environments.desired.tls import CertificateSource, key_in_secret
from rasa_environments.domain.facts import Problem
from rasa_environments.domain.generated import Generated
from rasa_environments.domain.resolving import Resolved


class SecretLookup(Protocol):
    """The content of Secrets: what was read in the operator, placeholders in `render`."""

    def value(self, variable: SecretVariable, /) -> str | Problem:
        """Return the value as its variable holds it, or why there is none."""

    def pull_token(self, server: ModelServer, /) -> str | Problem | None:
        """Return the token that Rasa servers pull with, None where there is none, or what is wrong with it."""

    def certificates(self, source: CertificateSource, /) -> Mapping[str, str] | Problem:
        """Return the files of a connection by their keys in the Secret, or what is wrong with one."""


def plan(
    resolved: Resolved,
    secrets: SecretLookup,
    generated: Generated,
    *,
    model_hash: str | None = None,
    operator_pods: OperatorPods | None = None,
    tested_by_job: bool = False,
) -> Context | Problem:
    """Return what the children are made from, or the first thing that is missing or wrong."""
    values = _values(resolved, secrets)
    if isinstance(values, Problem):
        return values
    certificates = _certificates(resolved, secrets)
    if isinstance(certificates, Problem):
        return certificates
    rotated_at = generated.token_rotated_at if TOKEN_VARIABLE not in values else None
    values.setdefault(TOKEN_VARIABLE, generated.token)
    if rules_of(resolved.server).jwt:
        values.setdefault(JWT_VARIABLE, generated.jwt_secret)
    return Context(
        environment=resolved.environment,
        server=resolved.server,
        spec=resolved.spec,
        secret_values=values,
        certificates=certificates,
        token_rotated_at=rotated_at,
        salt=generated.salt,
        model_hash=model_hash,
        operator_pods=operator_pods,
        tested_by_job=tested_by_job,
    )


def _values(resolved: Resolved, secrets: SecretLookup) -> dict[str, str] | Problem:
    values: dict[str, str] = {}
    for variable in resolved.values:
        value = secrets.value(variable)
        if isinstance(value, Problem):
            return value
        values[variable.name] = value
    pull_token = secrets.pull_token(resolved.server)
    if isinstance(pull_token, Problem):
        return pull_token
    return values if pull_token is None else {**values, MODEL_SERVER_TOKEN_VARIABLE: pull_token}


def _certificates(resolved: Resolved, secrets: SecretLookup) -> dict[str, str] | Problem:
    files: dict[str, str] = {}
    for source in resolved.certificates:
        found = secrets.certificates(source)
        if isinstance(found, Problem):
            return found
        files |= {key_in_secret(source.connection, key): text for key, text in found.items()}
    return files
