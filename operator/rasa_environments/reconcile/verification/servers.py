"""Rasa servers to hold conversations with, and what is needed to talk to those of an environment."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.deployment_environment import DeploymentEnvironment, EnvironmentSpec
from rasa_environments.api.shapes import mapping, text
from rasa_environments.cluster.resources import SECRETS
from rasa_environments.desired.context import child_key, port_of, url_of_service
from rasa_environments.desired.errors import SpecError
from rasa_environments.desired.merging import merged_spec
from rasa_environments.desired.secret_variables import TOKEN_KEY
from rasa_environments.domain.lister import Lister, server_of_environment
from rasa_environments.reconcile.ports import ChildApplier

SHORTEST_SECRET: Final = 6
"""Characters from which on a value of the Secret is looked for in what a bot says: of a shorter one, every word may be
a part."""


@dataclass(frozen=True)
class ServerUnderTest:
    """A Rasa server that has loaded the model to be verified."""

    environment: ObjectKey
    url: str
    token: str = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """All values of the environment's Secret: whatever the bot says, none of them is published."""


def secret_of_servers(environment: ObjectKey, children: ChildApplier) -> dict[str, str]:
    """Return the texts in the Secret of an environment's servers, by key; empty if there is none yet."""
    secret = children.live(SECRETS, child_key(environment))
    data = {} if secret is None else mapping(secret.get("data"))
    decoded = ((key, _decoded(text(value))) for key, value in data.items())
    return {key: value for key, value in decoded if value is not None}


def _decoded(value: str | None) -> str | None:
    try:
        return None if value is None else b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def server_at(environment: ObjectKey, url: str | None, secret: Mapping[str, str]) -> ServerUnderTest | None:
    """Return the server at that address with the token in the Secret; None while one of them is missing."""
    token = secret.get(TOKEN_KEY)
    if url is None or token is None:
        return None
    return ServerUnderTest(environment, url, token, values_to_hide(secret))


def values_to_hide(secret: Mapping[str, str]) -> tuple[str, ...]:
    """Return the token in the Secret, whatever its length, and the other values that are not too short."""
    return tuple(value for key, value in secret.items() if key == TOKEN_KEY or len(value) >= SHORTEST_SECRET)


def url_of_environment(environment: DeploymentEnvironment, lister: Lister) -> str | None:
    """Return the URL of an environment's Service; None if its spec does not say."""
    spec = _valid_spec(environment, lister)
    return None if spec is None else url_of_service(environment.metadata.key, spec)


def port_of_servers(environment: DeploymentEnvironment, lister: Lister) -> int | None:
    """Return the port of an environment's servers; None if its spec does not say."""
    spec = _valid_spec(environment, lister)
    return None if spec is None else port_of(spec)


def has_network_policy(environment: DeploymentEnvironment, lister: Lister) -> bool:
    """Return whether an environment has a NetworkPolicy by its spec, as far as that is valid."""
    spec = _valid_spec(environment, lister)
    return spec is not None and spec.network_policy is not None


def _valid_spec(environment: DeploymentEnvironment, lister: Lister) -> EnvironmentSpec | None:
    """Return the spec merged with the defaults of its ModelServer; None if there is none, or it is not valid."""
    server = lister.servers.get(server_of_environment(environment))
    try:
        return None if server is None else merged_spec(environment, server)
    except SpecError:
        return None
