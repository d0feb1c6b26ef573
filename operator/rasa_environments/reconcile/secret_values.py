"""The secret values of an environment: the two tokens, and what the spec names."""

from __future__ import annotations

import re
import secrets
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import quote

from rasa_environments.api.base import JsonObject, ObjectKey, secret_of
from rasa_environments.api.conditions import Reason
from rasa_environments.api.deployment_environment import ROTATE_TOKEN_ANNOTATION, DeploymentEnvironment, EnvironmentSpec
from rasa_environments.api.model_server import ModelServer
from rasa_environments.api.shapes import mapping, text
from rasa_environments.cluster.secrets import Secrets
from rasa_environments.desired.context import ROTATED_AT_ANNOTATION
from rasa_environments.desired.errors import SecretElsewhere
from rasa_environments.desired.profiles import rules_of
from rasa_environments.desired.secret_variables import (
    JWT_VARIABLE,
    MODEL_SERVER_TOKEN_VARIABLE,
    SALT_KEY,
    TOKEN_KEY,
    TOKEN_VARIABLE,
    SecretVariable,
    key_of,
    secret_variables,
)
from rasa_environments.desired.tls import CertificateSource
from rasa_environments.domain.facts import Problem

TOKEN_BYTES = 32
GENERATED_VARIABLES = (TOKEN_VARIABLE, JWT_VARIABLE)
"""Variables whose value is generated where nobody gives one."""
LONGEST_VALUE = 64 * 1024
"""Bytes: Linux starts no process with a variable of more than 128 KiB."""
SERVICE_TOKEN_KEY = "token"
JWT_SECRET_KEY = "jwtSecret"
UNSAFE_IN_AN_ADDRESS = re.compile(r"[+&#%]|[^!-~]")
"""What means something else in the query of an address."""


@dataclass(frozen=True)
class SecretValues:
    """Values by variable, and which rotation the generated token stands for."""

    values: dict[str, str] = field(repr=False)
    token_rotated_at: str | None = None
    salt: str | None = field(default=None, repr=False)


def wanted_variables(
    environment: DeploymentEnvironment, server: ModelServer, spec: EnvironmentSpec
) -> list[SecretVariable]:
    """Every value that a person keeps in a Secret, the token among them where it is not generated.

    Of the Secrets in a ModelServer's namespace only the token to pull is for environments elsewhere: these generate
    their own token where the server's are to share one. Raises SpecError where a reference is not complete, and
    SecretElsewhere for a default of a server in another namespace.
    """
    namespace = environment.metadata.namespace
    variables = list(secret_variables(spec))
    for variable in variables:
        if variable.source.namespace != namespace:
            raise SecretElsewhere(variable.path, server.metadata.key, "secret values", namespace)
    if spec.auth_token is not None:
        variables.append(SecretVariable(TOKEN_VARIABLE, spec.auth_token.secret_key_ref, "spec.authToken"))
    elif server.spec.auth_token is not None and server.metadata.namespace == namespace:
        reference = server.spec.auth_token.secret_key_ref
        shared = reference.model_copy(update={"namespace": server.metadata.namespace})
        place = f"ModelServer {server.metadata.key}: spec.authToken"
        variables.append(SecretVariable(TOKEN_VARIABLE, shared, place))
    return variables


def credentials_secret(server: ModelServer) -> ObjectKey | None:
    """The Secret with the server's credentials."""
    reference = server.spec.credentials_secret_ref
    return None if reference is None else ObjectKey(server.metadata.namespace, reference.name)


def secrets_of(
    variables: Iterable[SecretVariable], certificates: Iterable[CertificateSource], server: ModelServer
) -> set[ObjectKey]:
    """The Secrets whose change concerns the environment."""
    named = {secret_of(variable.source) for variable in variables} | {secret_of(each.secret) for each in certificates}
    credentials = credentials_secret(server)
    return named | {credentials} if credentials is not None else named


async def gathered(
    reader: Secrets,
    environment: DeploymentEnvironment,
    server: ModelServer,
    variables: list[SecretVariable],
    *,
    own: JsonObject | None,
    settled: SecretValues | None,
) -> SecretValues | Problem:
    """All values, or the first that is missing.

    `own` is the environment's Secret as it is now, `settled` are the values that this process gave it last.
    """
    values: dict[str, str] = {}
    for variable in variables:
        value = await value_of(reader, variable)
        if isinstance(value, Problem):
            return value
        values[variable.name] = quote(value, safe="") if variable.in_address else value
    credentials = credentials_secret(server)
    data = {} if credentials is None else await reader.read(credentials)
    if credentials is not None and data is None:
        return missing_credentials(server, credentials)
    for name in (SERVICE_TOKEN_KEY, JWT_SECRET_KEY):
        if credentials is not None and len((data or {}).get(name, b"")) > LONGEST_VALUE:
            return too_long(f"ModelServer {server.metadata.key}: spec.credentialsSecretRef", credentials, name)
    shared = {name: decoded((data or {}).get(name, b"")) for name in (SERVICE_TOKEN_KEY, JWT_SECRET_KEY)}
    rules = rules_of(server)
    if pull_token := shared.get(SERVICE_TOKEN_KEY):
        if rules.token_in_address and UNSAFE_IN_AN_ADDRESS.search(pull_token):
            return unsafe_token(server)
        values[MODEL_SERVER_TOKEN_VARIABLE] = pull_token
    if JWT_VARIABLE not in values and rules.jwt:
        values[JWT_VARIABLE] = generated_jwt_secret(environment, own, settled)
    if TOKEN_VARIABLE in values:
        return SecretValues(values, salt=salt(environment, own, settled))
    token, rotated_at = generated_token(environment, own, settled)
    return SecretValues({**values, TOKEN_VARIABLE: token}, rotated_at, salt(environment, own, settled))


def missing_credentials(server: ModelServer, secret: ObjectKey) -> Problem:
    """The Secret with the server's credentials is not there."""
    return Problem(
        Reason.SECRET_NOT_FOUND,
        f"ModelServer {server.metadata.key}: spec.credentialsSecretRef: Secret {secret} is not there: "
        "create it with the keys token and apiToken",
        stalled=False,
    )


def unsafe_token(server: ModelServer) -> Problem:
    """Rasa would send another token than this to Rasa X."""
    return Problem(
        Reason.INVALID_SPEC,
        f"the key token in the Secret of spec.credentialsSecretRef of ModelServer {server.metadata.key} has a "
        f"character that an address must escape, such as + or &; with the profile {server.spec.profile} Rasa puts the "
        "token there as it is, so use letters and digits",
    )


async def value_of(reader: Secrets, variable: SecretVariable) -> str | Problem:
    """The value, or why there is none."""
    secret, key = secret_of(variable.source), variable.source.key
    data = await reader.read(secret)
    if data is None:
        message = f"{variable.path}: Secret {secret} is not there: create it with the key {key}"
        return Problem(Reason.SECRET_NOT_FOUND, message, stalled=False)
    if len(data.get(key, b"")) > LONGEST_VALUE:
        return too_long(variable.path, secret, key)
    value = decoded(data.get(key, b""))
    if value:
        return value
    what = "is empty" if key in data else f"is not in it (it holds {', '.join(sorted(data)) or 'nothing'})"
    message = f"{variable.path}: key {key} of Secret {secret} {what}: put the value there, or name another key"
    return Problem(Reason.SECRET_KEY_NOT_FOUND, message, stalled=False)


def too_long(path: str, secret: ObjectKey, key: str) -> Problem:
    """No process could be started with this value."""
    return Problem(
        Reason.INVALID_SPEC,
        f"{path}: key {key} of Secret {secret} is longer than {LONGEST_VALUE} bytes, too long for a variable of a "
        "process: put a shorter value there, or name another key",
        stalled=False,
    )


def generated_token(
    environment: DeploymentEnvironment, own: JsonObject | None, settled: SecretValues | None
) -> tuple[str, str | None]:
    """The environment's own token, and the rotation that it stands for.

    The token in the environment's Secret counts, so that operators beside each other, and one after the other, agree.
    Where the Secret is gone, or its token was edited, it is the one that this process has settled. A new one is made
    where there is none, or where the annotation asks for a rotation that is not done.
    """
    asked = environment.metadata.annotations.get(ROTATE_TOKEN_ANNOTATION)
    token = kept(own, environment, TOKEN_KEY)
    done = (own["metadata"].get("annotations") or {}).get(ROTATED_AT_ANNOTATION) if own is not None and token else None
    rotated_elsewhere = done is not None and (settled is None or settled.token_rotated_at != done)
    if rotated_elsewhere and asked in (None, done):
        return token, done
    if settled is not None and asked in (None, settled.token_rotated_at):
        return settled.values[TOKEN_VARIABLE], settled.token_rotated_at
    if token and asked in (None, done):
        return token, done
    return secrets.token_hex(TOKEN_BYTES), asked


def generated_jwt_secret(
    environment: DeploymentEnvironment, own: JsonObject | None, settled: SecretValues | None
) -> str:
    """The JWT secret of an environment whose command line wants one that nobody gives: made once, for it alone.

    It is never that of the server: who reads it in the environment's Secret could sign the server's own logins.
    """
    known = settled.values.get(JWT_VARIABLE) if settled is not None else None
    return known or kept(own, environment, key_of(JWT_VARIABLE)) or secrets.token_hex(TOKEN_BYTES)


def salt(environment: DeploymentEnvironment, own: JsonObject | None, settled: SecretValues | None) -> str:
    """The salt of the environment's Secret: made once."""
    known = settled.salt if settled is not None else None
    return known or kept(own, environment, SALT_KEY) or secrets.token_hex(TOKEN_BYTES)


def kept(own: JsonObject | None, environment: DeploymentEnvironment, key: str) -> str:
    """The value in the environment's Secret `own`; empty where it is not there, or the Secret is somebody else's."""
    if own is None:
        return ""
    owners = own["metadata"].get("ownerReferences") or ()
    if all(owner.get("uid") != environment.metadata.uid for owner in owners):
        return ""
    try:
        return decoded(b64decode(text(mapping(own.get("data")).get(key)) or ""))
    except ValueError:  # not base64
        return ""


def decoded(value: bytes) -> str:
    """A secret value as text, without the newline that `echo` leaves at its end; empty where it is no text."""
    try:
        return value.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        return ""
