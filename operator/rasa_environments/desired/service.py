"""The Service in front of the Rasa servers."""

from __future__ import annotations

from rasa_environments.api.base import JsonObject
from rasa_environments.desired.context import Context

PORT_NAME = "http"


def service(context: Context) -> JsonObject:
    """Return the Service, the stable address of the environment."""
    wanted = context.spec.service
    port: JsonObject = {"name": PORT_NAME, "port": context.service_port, "protocol": "TCP", "targetPort": PORT_NAME}
    spec: JsonObject = {
        "type": (wanted and wanted.type) or "ClusterIP",
        "selector": context.selector,
        "ports": [port],
    }
    if wanted is not None and wanted.node_port is not None:
        port["nodePort"] = wanted.node_port
    if wanted is not None and wanted.load_balancer_class is not None:
        spec["loadBalancerClass"] = wanted.load_balancer_class
    if wanted is not None and wanted.session_affinity is not None:
        spec["sessionAffinity"] = wanted.session_affinity
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": context.metadata(
            labels=wanted.labels if wanted else None, annotations=wanted.annotations if wanted else None
        ),
        "spec": spec,
    }
