"""Why Rasa X takes no tag and no model: it asks its production server first, which is missing or does not answer.

It then fails (500), or says 404 as for an unknown model. What it says of its environments elsewhere tells the cause:
`GET /api/environments` (from 1.0 on a list, before that environments.yml), `/api/version` (`rasa`: a version for each
environment, 0.0.0 for one that does not answer) and `/api/health` (a `status` for each).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel, Field, JsonValue, TypeAdapter

from rasa_environments.rasa.address import ModelServerAddress
from rasa_environments.rasa.answers import decoded
from rasa_environments.rasa.authentication import Authenticator
from rasa_environments.rasa.environments import EnvironmentRegistry
from rasa_environments.rasa.errors import RasaError
from rasa_environments.rasa.transport import MODEL_SERVER, Request

PRODUCTION, WORKER = "production", "worker"
NO_VERSION = "0.0.0"
"""Version of an environment that does not answer (rasax.community.constants, INVALID_RASA_VERSION)."""


class _Versions(BaseModel):
    """`GET /api/version` of Rasa X."""

    rasa: dict[str, JsonValue]
    rasa_x: JsonValue = Field(alias="rasa-x")
    """What no other server has in its answer."""


class _Health(BaseModel):
    """What `GET /api/health` says of an environment."""

    status: JsonValue = None


_VERSIONS = TypeAdapter(_Versions)
_HEALTH = TypeAdapter(dict[str, JsonValue])


@dataclass(frozen=True)
class KnownEnvironments:
    """What a Rasa X says of its environments."""

    names: frozenset[str] | None = None
    """Those that are registered; None: it does not say."""
    silent: frozenset[str] = field(default_factory=frozenset)
    """Those that do not answer it."""


async def known_environments(
    authenticator: Authenticator, address: ModelServerAddress, registry: EnvironmentRegistry
) -> KnownEnvironments:
    """What the model server says of its environments; what it does not say, or not as Rasa X does, is not known."""
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
        return decoded(MODEL_SERVER, answer, _VERSIONS, "its version").rasa if answer.status == 200 else None
    except RasaError:
        return None


async def _unwell(authenticator: Authenticator, address: ModelServerAddress) -> frozenset[str]:
    """The environments of which /health says another status than 200."""
    try:
        answer = await authenticator.write(Request("GET", address.health_url))
        told = decoded(MODEL_SERVER, answer, _HEALTH, "its health") if answer.status == 200 else {}
    except RasaError:
        return frozenset()
    statuses = {name: entry.get("status") for name, entry in told.items() if isinstance(entry, dict)}
    return frozenset(name for name, status in statuses.items() if isinstance(status, int) and status != 200)


def trouble(known: KnownEnvironments) -> str | None:
    """Which of the environments that Rasa X needs is missing or silent, and what to do; None where none is known to be.

    Production is what tags and uploads ask; the worker is told where production is well.
    """
    if known.names is None:
        return None
    for name, why in (
        (PRODUCTION, "Rasa X asks it for its version before it takes a tag or a model"),
        (WORKER, "Rasa X needs it beside production"),
    ):
        if name not in known.names:
            return (
                f"no environment {name} is registered with it, and {why}: create a DeploymentEnvironment called {name} "
                f"that refers to this ModelServer (with spec.external where its server runs elsewhere), or register "
                f"{name} at Rasa X yourself"
            )
        if name in known.silent:
            return (
                f"the environment {name} that is registered with it does not answer it, and {why}: see that the Rasa "
                f"server of {name} runs, that Rasa X reaches it at the registered address, and that the registered "
                "token is its own"
            )
    return None
