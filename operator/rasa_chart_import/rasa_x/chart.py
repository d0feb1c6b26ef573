"""What the importer goes by of the chart rasa-x: its defaults and its names, by release.

Source: facts/rasa-x.json for all values and names; how templates use them is from templates of RasaHQ/rasa-x-helm
(_helpers.tpl, _postgresql.tpl, _rabbitmq.tpl, _redis.tpl, rasa-deployments.yaml, rasa-config-files-configmap.yaml).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rasa_chart_import.chart_facts import ChartFacts, Version, facts_of
from rasa_chart_import.findings import path_of
from rasa_environments.api.model_server import Profile

FACTS: ChartFacts = facts_of("rasa-x")
ASSUMED_RELEASE: Version = (4, 5, 23)
"""The last release before 5.0.0, which runs another image by default."""
CHANNELS = ("rasa", "additionalChannelCredentials")
ENDPOINTS = ("rasa", "additionalEndpoints")
VERSIONS = ("rasaProduction", "rasaWorker")
"""The Rasa servers that every release has."""
DEFAULTS = tuple(
    map(
        path_of,
        (
            "rasax.scheme",
            "rasax.port",
            "rasa.name",
            "rasa.tag",
            "rasa.version",
            "rasa.port",
            "rasa.rabbitQueue",
            "rasa.useLoginDatabase",
            "rasa.lockStoreDatabase",
            *(
                f"rasa.versions.{version}.{key}"
                for version in VERSIONS
                for key in ("enabled", "replicaCount", "serviceName", "modelTag", "trackerDatabase", "rasaEnvironment")
            ),
            "app.scheme",
            "app.port",
            "app.endpoints.actionEndpointUrl",
            "nginx.enabled",
            "duckling.enabled",
            "duckling.scheme",
            "duckling.port",
            "postgresql.install",
            "global.postgresql.postgresqlUsername",
            "global.postgresql.postgresqlDatabase",
            "global.postgresql.servicePort",
            "rabbitmq.install",
            "rabbitmq.enabled",
            "rabbitmq.auth.username",
            "rabbitmq.rabbitmq.username",
            "rabbitmq.service.port",
            "redis.install",
            "redis.redisPort",
            "redis.master.service.port",
            "ingress.enabled",
            "networkPolicy.enabled",
        ),
    )
)
"""Values whose default in the release counts where the file says nothing."""

HARMLESS: Mapping[str, tuple[Any, ...]] = {
    "rasa.scheme": ("http",),
    "rasa.jaegerSidecar": ("false", False),
    "rasa.rasaPlus.enabled": (False,),
    "rasa.rasaPro.enabled": (False,),
    "rasa.enable_selective_domain": (False,),
    "rasa.disableEndpointsModelServer": (False,),
    "rasa.customModelServer": (False, "false"),
    "rasa-bot.subchart": (False,),
    "hostNetwork": (False,),
}
"""Settings of the chart that require nothing as long as they have these values."""

MARKERS = tuple(
    map(
        path_of,
        (
            "rasax",
            "rasaSecret",
            "eventService",
            "dbMigrationService",
            "separateEventService",
            "separateDBMigrationService",
            *(f"rasa.{key}" for key in ("versions", "version", "tag", "name", "token", "rabbitQueue", "trackerStore")),
            *(
                f"rasa.{key}"
                for key in ("additionalChannelCredentials", "additionalEndpoints", "extraArgs", "extraEnvs")
            ),
        ),
    )
)
"""Values that no other chart of the vendor has."""

ALWAYS_RUN_BEFORE: Version = (2, 0, 0)
"""Release since which a Rasa server runs only if its `enabled` is true; before, there is no such value."""


def profile_of(rasa_x: Version) -> Profile:
    """Return the profile for a version of Rasa X; the pages cover 0.2x, 0.32 and 1.0 (docs/explanation/profiles.md)."""
    if rasa_x < (0, 32):
        return Profile.RASA_X_0_2
    return Profile.RASA_X_0_32 if rasa_x < (1, 0) else Profile.RASA_ENTERPRISE_1_0
