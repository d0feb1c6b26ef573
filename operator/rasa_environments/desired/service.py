"""The Service in front of the Rasa servers."""

from __future__ import annotations

from rasa_environments.api.base import JsonObject
from rasa_environments.desired.context import Context

PORT_NAME = "http"


def service(context: Context) -> JsonObject:
    """The environment's stable address."""
    wanted = context.spec.service
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": context.metadata(
            labels=wanted.labels if wanted else None, annotations=wanted.annotations if wanted else None
        ),
        "spec": {
            "type": (wanted and wanted.type) or "ClusterIP",
            "selector": context.selector,
            "ports": [{"name": PORT_NAME, "port": context.service_port, "protocol": "TCP", "targetPort": PORT_NAME}],
        },
    }
