"""The Ingress to the environment's channels."""

from __future__ import annotations

from rasa_environments.api.base import JsonObject
from rasa_environments.api.workload import Ingress
from rasa_environments.desired.context import Context
from rasa_environments.desired.service import PORT_NAME


def ingress(context: Context, wanted: Ingress) -> JsonObject:
    """Opens one path, by default the webhooks: the server's own API stays inside the cluster."""
    backend = {"service": {"name": context.key.name, "port": {"name": PORT_NAME}}}
    path = {"path": wanted.path or "/webhooks", "pathType": "Prefix", "backend": backend}
    spec: JsonObject = {"rules": [{"host": wanted.host, "http": {"paths": [path]}}]}
    if wanted.class_name is not None:
        spec["ingressClassName"] = wanted.class_name
    if wanted.tls_secret_name is not None:
        spec["tls"] = [{"hosts": [wanted.host], "secretName": wanted.tls_secret_name}]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": context.metadata(annotations=wanted.annotations),
        "spec": spec,
    }
