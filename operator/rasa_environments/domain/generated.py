"""The values that the operator makes up for an environment where nobody gives them: made once, and kept."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rasa_environments.api.base import JsonObject
from rasa_environments.api.deployment_environment import ROTATE_TOKEN_ANNOTATION, DeploymentEnvironment
from rasa_environments.api.shapes import mapping, text
from rasa_environments.desired.context import ROTATED_AT_ANNOTATION, Context
from rasa_environments.desired.secret_variables import JWT_VARIABLE, SALT_KEY, TOKEN_KEY, TOKEN_VARIABLE, key_of
from rasa_environments.domain.secret_contents import decoded

NewToken = Callable[[], str]
"""Returns random text that nobody can guess."""


@dataclass(frozen=True)
class Generated:
    """What there is for an environment, whether it is used or not."""

    token: str = field(repr=False)
    jwt_secret: str = field(repr=False)
    salt: str = field(repr=False)
    token_rotated_at: str | None = None
    """The rotation that the token stands for."""


@dataclass(frozen=True)
class Issued:
    """What this process has put into an environment's Secret."""

    values: Mapping[str, str] = field(repr=False)
    """By variable."""
    token_rotated_at: str | None = None
    salt: str | None = field(default=None, repr=False)


def issued_in(context: Context) -> Issued:
    """Return what the environment's Secret holds once its children are as they should be."""
    values = context.secret_values
    issued = {name: values[name] for name in (TOKEN_VARIABLE, JWT_VARIABLE) if name in values}
    return Issued(issued, context.token_rotated_at, context.salt)


def generate(
    environment: DeploymentEnvironment, own: JsonObject | None, issued: Issued | None, new_token: NewToken
) -> Generated:
    """Return the generated values: those that the environment has, and new ones where it has none.

    `own` is the environment's Secret as it is now. The JWT secret is never that of the server: who reads it in the
    environment's Secret could sign the server's own logins.
    """
    token, rotated_at = _token(environment, own, issued, new_token)
    jwt_secret = (issued and issued.values.get(JWT_VARIABLE)) or _held(own, environment, key_of(JWT_VARIABLE))
    salt = (issued and issued.salt) or _held(own, environment, SALT_KEY)
    return Generated(token, jwt_secret or new_token(), salt or new_token(), rotated_at)


def _token(
    environment: DeploymentEnvironment, own: JsonObject | None, issued: Issued | None, new_token: NewToken
) -> tuple[str, str | None]:
    """Return the environment's own token, and the rotation that it stands for.

    The token in the environment's Secret counts, so that operators beside each other, and one after the other, agree.
    Where the Secret is gone, or its token was edited, it is the one that this process has issued. A new one is made
    where there is none, or where the annotation asks for a rotation that is not done.
    """
    asked = environment.metadata.annotations.get(ROTATE_TOKEN_ANNOTATION)
    token = _held(own, environment, TOKEN_KEY)
    done = (own["metadata"].get("annotations") or {}).get(ROTATED_AT_ANNOTATION) if own is not None and token else None
    rotated_elsewhere = done is not None and (issued is None or issued.token_rotated_at != done)
    if rotated_elsewhere and asked in (None, done):
        return token, done
    if issued is not None and asked in (None, issued.token_rotated_at):
        return issued.values[TOKEN_VARIABLE], issued.token_rotated_at
    if token and asked in (None, done):
        return token, done
    return new_token(), asked


def _held(own: JsonObject | None, environment: DeploymentEnvironment, key: str) -> str:
    """Return the value in the environment's Secret; empty where it holds none, or is somebody else's."""
    if own is None:
        return ""
    owners = own["metadata"].get("ownerReferences") or ()
    if all(owner.get("uid") != environment.metadata.uid for owner in owners):
        return ""
    try:
        return decoded(b64decode(text(mapping(own.get("data")).get(key)) or ""))
    except ValueError:  # not base64
        return ""
