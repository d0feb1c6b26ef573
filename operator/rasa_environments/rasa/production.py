"""Why Rasa X rejects tags and models: it first asks its production server, which is missing or does not answer.

It then fails with 500, or with 404 as for an unknown model. Other endpoints reveal the cause: `GET /api/environments`
(a list from 1.0 on, before that environments.yml), `/api/version` (`rasa`: a version for each environment, 0.0.0 for
one that does not answer) and `/api/health` (a `status` for each).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel, Field, JsonValue, TypeAdapter

from rasa_environments.rasa.address import ModelServerAddress
from rasa_environments.rasa.answers import decoded
from rasa_environments.rasa.authentication import Authenticator
from rasa_environments.rasa.environments import EnvironmentRegistry
from rasa_environments.rasa.errors import EnvironmentMissingError, EnvironmentNeededError, RasaError
from rasa_environments.rasa.peers import Peer
from rasa_environments.rasa.transport import Request

PRODUCTION, WORKER = "production", "worker"
NO_VERSION = "0.0.0"
"""Version of an environment that does not answer (rasax.community.constants, INVALID_RASA_VERSION)."""


class _Versions(BaseModel):
    """The response of Rasa X to `GET /api/version`."""

    rasa: dict[str, JsonValue]
    rasa_x: JsonValue = Field(alias="rasa-x")
    """A field that no other server returns."""


class _Health(BaseModel):
    """The entry of an environment in `GET /api/health`."""

    status: JsonValue = None


_VERSIONS = TypeAdapter(_Versions)
_HEALTH = TypeAdapter(dict[str, JsonValue])


@dataclass(frozen=True)
class KnownEnvironments:
    """What a Rasa X reports about its environments."""

    names: frozenset[str] | None = None
    """The registered ones; None if unknown."""
    silent: frozenset[str] = field(default_factory=frozenset)
    """Those that do not answer Rasa X."""


async def known_environments(
    authenticator: Authenticator, address: ModelServerAddress, registry: EnvironmentRegistry
) -> KnownEnvironments:
    """Return what the model server reports about its environments; anything missing or unexpected counts as unknown."""
    try:
        names = await registry.names()
    except RasaError:
        names = None
    versions = await _versions(authenticator, address)
    if names is None and versions is not None:
        names = frozenset(versions)
    silent = {name for name, version in (versions or {}).items() if version == NO_VERSION}
    return KnownEnvironments(names, frozenset(silent | await _unwell(authenticator, address)))


async def _versions(authenticator: Authenticator, address: ModelServerAddress) -> Mapping[str, JsonValue] | None:
    try:
        answer = await authenticator.write(Request("GET", address.version_url))
        return decoded(answer, _VERSIONS, "its version").rasa if answer.status == 200 else None
    except RasaError:
        return None


async def _unwell(authenticator: Authenticator, address: ModelServerAddress) -> frozenset[str]:
    """Return the environments whose status in /health is not 200."""
    try:
        answer = await authenticator.write(Request("GET", address.health_url))
        told = decoded(answer, _HEALTH, "its health") if answer.status == 200 else {}
    except RasaError:
        return frozenset()
    statuses = {name: entry.get("status") for name, entry in told.items() if isinstance(entry, dict)}
    return frozenset(name for name, status in statuses.items() if isinstance(status, int) and status != 200)


def trouble(known: KnownEnvironments, url: str) -> EnvironmentNeededError | None:
    """Return the error that a required environment is missing or unavailable; None if none is known to be.

    Tags and uploads depend on production; the worker is reported only if production is available. `url` is that of the
    registry.
    """
    if known.names is None:
        return None
    for name, why in (
        (PRODUCTION, "Rasa X asks it for its version before it takes a tag or a model"),
        (WORKER, "Rasa X needs it beside production"),
    ):
        if name not in known.names:
            problem = f"no environment {name} is registered with it, and {why}"
            return EnvironmentMissingError(Peer.MODEL_SERVER, url, problem)
        if name in known.silent:
            problem = f"the environment {name} that is registered with it does not answer it, and {why}"
            return EnvironmentNeededError(Peer.MODEL_SERVER, url, problem)
    return None
