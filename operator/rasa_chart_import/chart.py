"""The chart's defaults, and the names of what it creates.

Source: RasaHQ/rasa-x-helm, charts/rasa-x: values.yaml of 1.2, 2.0 and 4.5, and templates/_helpers.tpl, _postgresql.tpl,
_rabbitmq.tpl, _redis.tpl, rasa-deployments.yaml, rasa-services.yaml and rasa-config-files-configmap.yaml.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from rasa_environments.api.model_server import Profile

Version: TypeAlias = tuple[int, ...]

DEFAULTS: Mapping[str, Any] = {
    "rasax": {"scheme": "http", "port": 5002},
    "rasa": {
        "name": "rasa/rasa",
        "port": 5005,
        "rabbitQueue": "rasa_production_events",
        "useLoginDatabase": True,
        "lockStoreDatabase": "1",
        "versions": {
            "rasaProduction": {
                "replicaCount": 1,
                "modelTag": "production",
                "trackerDatabase": "tracker",
                "rasaEnvironment": "production",
            },
            "rasaWorker": {
                "replicaCount": 1,
                "modelTag": "production",
                "trackerDatabase": "worker_tracker",
                "rasaEnvironment": "worker",
            },
        },
    },
    "app": {"scheme": "http", "port": 5055, "endpoints": {"actionEndpointUrl": "/webhook"}},
    "nginx": {"enabled": True},
    "duckling": {"enabled": True, "scheme": "http", "port": 8000},
    "postgresql": {"install": True},
    "rabbitmq": {"install": True, "enabled": True, "auth": {"username": "user"}, "service": {"port": 5672}},
    "redis": {"install": True, "redisPort": 6379},
    "networkPolicy": {"enabled": False},
    "global": {
        "postgresql": {"postgresqlUsername": "postgres", "postgresqlDatabase": "rasa", "servicePort": 5432},
    },
}
"""Defaults of the chart that affect the result. `ingress.enabled` and the version of Rasa differ by release."""

HARMLESS: Mapping[str, tuple[Any, ...]] = {
    "rasa.scheme": ("http",),
    "rasa.jaegerSidecar": ("false", False),
    "rasa.rasaPlus.enabled": (False,),
    "rasa.enable_selective_domain": (False,),
    "rasa.disableEndpointsModelServer": (False,),
    "rasa.customModelServer": (False,),
    "rasa-bot.subchart": (False,),
}
"""Settings of the chart that require nothing as long as they have these values."""

LAST_RELEASE = "4.5.23"
NOT_ALL_BY_DEFAULT: Version = (3, 0, 0)
"""Release since which the Ingress and rasa-production exist only if a file enables them (docs, "from 2 to 3")."""


@dataclass(frozen=True)
class Release:
    """A release of the chart, and what it installed by default."""

    chart: Version
    rasa_x: str
    rasa: str | None = None
    """Version of Rasa, if values.yaml of this release is known."""


RELEASES = (
    Release((1, 0, 0), "0.25.1"),
    Release((1, 1, 6), "0.26.0", "1.8.1"),
    Release((1, 2, 4), "0.27.4"),
    Release((1, 3, 0), "0.30.1"),
    Release((1, 7, 0), "0.33.0"),
    Release((2, 0, 0), "0.41.1", "2.7.1"),
    Release((2, 11, 0), "0.42.6", "2.8.15"),
    Release((3, 0, 0), "1.0.0"),
    Release((4, 5, 8), "1.2.2"),
    Release((4, 5, 23), "1.2.11"),
)
"""Releases that changed the version of Rasa X (index.yaml, Chart.yaml), the oldest first; releases in between belong to
the same generation."""


def version_of(text: str) -> Version | None:
    """Return the numbers of a version such as 0.42.6 or v1.0.1-rc1; None if it does not begin with two numbers."""
    parts = text.removeprefix("v").split("-")[0].split("+")[0].split(".")
    numbers = tuple(int(part) for part in parts if part.isascii() and part.isdigit() and len(part) < 10)
    return numbers if len(numbers) >= 2 and parts[0].isdigit() and parts[1].isdigit() else None


def release_of(chart: Version) -> Release:
    """Return the last known release that is not newer."""
    return next((release for release in reversed(RELEASES) if release.chart <= chart), RELEASES[0])


def profile_of(rasa_x: Version) -> Profile:
    """Return the profile for a version of Rasa X; the pages cover 0.2x, 0.32 and 1.0 (docs/explanation/profiles.md)."""
    if rasa_x < (0, 32):
        return Profile.RASA_X_0_2
    return Profile.RASA_X_0_32 if rasa_x < (1, 0) else Profile.RASA_ENTERPRISE_1_0


@dataclass(frozen=True)
class Names:
    """Names of what the chart creates in a release, and of what is created for it here."""

    release: str
    namespace: str
    full_name: str
    """`rasa-x.fullname`: the first part of its Services' names."""
    secret: str
    """The Secret with rasaToken, rasaXToken and jwtSecret."""

    def service(self, component: str) -> str:
        """Return the cluster-internal host name of a Service of the chart."""
        return f"{self.full_name}-{component}.{self.namespace}.svc"

    @property
    def deployment(self) -> str:
        """The Deployment of Rasa X."""
        return f"{self.release}-rasa-x"

    @property
    def credentials(self) -> str:
        """The Secret that the ModelServer refers to: its keys differ from those of the chart's Secret."""
        return f"{self.release}-model-server"

    @property
    def imported(self) -> str:
        """The Secret for secret values from the values file itself."""
        return f"{self.release}-imported"


def full_name(release: str, name: str | None, override: str | None) -> str:
    """Return `rasa-x.fullname`, from the release, `nameOverride` and `fullnameOverride`."""
    if override:
        return override[:63].removesuffix("-")
    chart = name or "rasa-x"
    whole = release if chart in release else f"{release}-{chart}"
    return whole[:63].removesuffix("-")
