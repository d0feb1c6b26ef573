"""What the importer goes by of the chart rasa for Rasa Pro.

Source: facts/rasa-pro.json for values; how templates use them is from charts/rasa/templates (rasa/deployment.yaml,
rasa/configmap.yaml, rasa/ingress.yaml, helpers/) of RasaHQ/rasa-helm-charts, 1.3.2 and 2.4.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rasa_chart_import.chart_facts import ChartFacts, Version, facts_of
from rasa_chart_import.findings import Path, path_of

FACTS: ChartFacts = facts_of("rasa-pro")
RASA: Path = ("rasa",)
SETTINGS: Path = (*RASA, "settings")
ENDPOINTS: Path = (*SETTINGS, "endpoints")
CHANNELS: Path = (*SETTINGS, "credentials")
RAW_ENDPOINTS: Path = (*SETTINGS, "endpointsRaw")
RAW_CHANNELS: Path = (*SETTINGS, "credentialsRaw")
FREE_FORM_SINCE: Version = (2, 0, 0)
"""Release since which `settings.endpoints` and `settings.credentials` are the files themselves."""
DEFAULTS = tuple(
    map(
        path_of,
        (
            "rasa.enabled",
            "rasa.image.repository",
            "rasa.image.tag",
            "rasa.image.pullPolicy",
            "rasa.replicaCount",
            *(f"rasa.settings.{key}" for key in ("port", "debugMode", "enableApi", "cors", "jwtMethod", "environment")),
            *(
                f"rasa.settings.{secret}.{key}"
                for secret in ("authToken", "jwtSecret")
                for key in ("secretName", "secretKey")
            ),
            "rasaProLicense.secretName",
            "rasaProLicense.secretKey",
            "rasaProLicence.secretName",
            "rasaProLicence.secretKey",
            "rasa.settings.logging.logLevel",
            *(
                f"rasa.settings.endpoints.{key}.enabled"
                for key in ("models", "trackerStore", "lockStore", "eventBroker")
            ),
            "rasa.settings.endpoints.tracing.enabled",
            "rasa.settings.endpoints.lockStore.useConcurrent",
            "rasa.settings.credentials.enabled",
            "rasa.service.type",
            "rasa.service.port",
            "rasa.ingress.enabled",
            "rasa.autoscaling.enabled",
            "rasa.autoscaling.minReplicas",
            "rasa.autoscaling.maxReplicas",
            "rasa.autoscaling.targetCPUUtilizationPercentage",
            "hostNetwork",
            "actionServer.enabled",
            "actionServer.image.repository",
            "actionServer.image.tag",
            "actionServer.image.pullPolicy",
            "actionServer.service.port",
            "duckling.enabled",
            "duckling.settings.scheme",
            "duckling.service.port",
        ),
    )
)
"""Values whose default in the release counts where the file says nothing."""
MARKERS = (
    ("rasaProLicense",),
    ("rasaProLicence",),
    ("rasaProServices",),
    ("actionServer",),
    SETTINGS,
    (*RASA, "image"),
    (*RASA, "replicaCount"),
    (*RASA, "additionalEnv"),
    (*RASA, "overrideEnv"),
)
"""Values that no other chart of the vendor has."""
HARMLESS: Mapping[str, tuple[Any, ...]] = {
    "rasa.enabled": (True,),
    "rasa.deployOSS": (False,),
    "rasa.plus.enabled": (True,),
    "rasa.settings.scheme": ("http",),
    "rasa.settings.enableApi": (True,),
    "rasa.settings.useDefaultArgs": (True,),
    "rasa.settings.mountDefaultConfigmap": (True,),
    "rasa.settings.mountModelsVolume": (True,),
    "rasa.persistence.create": (False,),
    "rasa.persistence.hostPath.enabled": (False,),
    "rasa.service.externalTrafficPolicy": ("Cluster",),
    "rasa.service.targetPort": (5005,),
    "actionServer.service.type": ("ClusterIP",),
    "actionServer.service.externalTrafficPolicy": ("Cluster",),
    "networkPolicy.enabled": (False,),
    "networkPolicy.denyAll": (False,),
    "networkPolicy.nodeCIDR": ([],),
    "hostNetwork": (False,),
    "replicated.enabled": (False,),
}
"""Settings of the chart that require nothing as long as they have these values."""
