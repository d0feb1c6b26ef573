"""What the importer goes by of the chart rasa for open-source Rasa.

Source: facts/rasa.json for values and names; how templates use them is from charts/rasa/templates (config-map.yaml,
deployment.yaml, secret.yaml, _containers-env.yaml, helpers/) and charts/rasa-common/templates of RasaHQ/helm-charts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rasa_chart_import.chart_facts import ChartFacts, facts_of
from rasa_chart_import.findings import Path, path_of

FACTS: ChartFacts = facts_of("rasa")
SETTINGS: Path = ("applicationSettings",)
STORES: Path = (*SETTINGS, "endpoints")
CHANNELS: Path = (*SETTINGS, "credentials", "additionalChannelCredentials")
ENDPOINTS: Path = (*STORES, "additionalEndpoints")
ACTION_SERVER_PORT = 80
"""Port of the Service of the subchart rasa-action-server (its values.yaml, service.port)."""
DUCKLING_PORT = 8000
"""Port of the Service of the subchart duckling (its values.yaml, service.port)."""
DEFAULTS = tuple(
    map(
        path_of,
        (
            *(f"applicationSettings.{key}" for key in ("port", "cors", "enableAPI", "debugMode", "trainInitialModel")),
            *(f"applicationSettings.{key}.enabled" for key in ("rasaX", "credentials")),
            "applicationSettings.rasaX.useConfigEndpoint",
            *(f"applicationSettings.endpoints.{key}.enabled" for key in ("models", "trackerStore", "lockStore")),
            "applicationSettings.endpoints.eventBroker.enabled",
            "applicationSettings.endpoints.models.useRasaXasModelServer.enabled",
            "applicationSettings.endpoints.models.useRasaXasModelServer.tag",
            "applicationSettings.endpoints.models.waitTimeBetweenPulls",
            "applicationSettings.endpoints.trackerStore.type",
            "applicationSettings.endpoints.trackerStore.dialect",
            "applicationSettings.endpoints.lockStore.type",
            "applicationSettings.endpoints.lockStore.db",
            "applicationSettings.endpoints.eventBroker.type",
            "applicationSettings.endpoints.eventBroker.queues",
            "applicationSettings.endpoints.action.endpointURL",
            "registry",
            "image.name",
            "image.tag",
            "image.pullPolicy",
            "replicaCount",
            "autoscaling.enabled",
            "autoscaling.minReplicas",
            "autoscaling.maxReplicas",
            "autoscaling.targetCPUUtilizationPercentage",
            "service.type",
            "service.port",
            "ingress.enabled",
            "ingress.hostname",
            "ingress.path",
            "ingress.pathType",
            "postgresql.install",
            "postgresql.external.enabled",
            "postgresql.external.host",
            "rabbitmq.install",
            "rabbitmq.external.enabled",
            "rabbitmq.external.host",
            "rabbitmq.auth.username",
            "redis.install",
            "redis.external.enabled",
            "redis.external.host",
            "global.postgresql.postgresqlUsername",
            "global.postgresql.postgresqlDatabase",
            "global.postgresql.servicePort",
            "rasa-action-server.install",
            "rasa-action-server.external.enabled",
            "duckling.install",
            "duckling.external.enabled",
        ),
    )
)
"""Values whose default in the release counts where the file says nothing."""
MARKERS = (
    *((*SETTINGS, key) for key in ("initialModel", "trainInitialModel", "token", "cors", "enableAPI", "credentials")),
    *((*SETTINGS, key) for key in ("telemetry", "endpoints", "rasaX", "debugMode")),
    ("rasa-action-server",),
)
"""Values that no other chart of the vendor has: its charts duckling and rasa-action-server have applicationSettings,
too, with port and scheme."""
HARMLESS: Mapping[str, tuple[Any, ...]] = {
    "applicationSettings.scheme": ("http",),
    "applicationSettings.enableAPI": (True,),
    "applicationSettings.rasaX.useConfigEndpoint": (False,),
    "applicationSettings.trainInitialModel": (False,),
    "networkPolicy.enabled": (False,),
    "networkPolicy.denyAll": (False,),
    "nginx.tls.enabled": (False,),
    "service.externalTrafficPolicy": ("Cluster",),
}
"""Settings of the chart that require nothing as long as they have these values."""
