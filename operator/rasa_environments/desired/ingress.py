"""The Ingress for the channels of the environment."""

from __future__ import annotations

from collections.abc import Sequence

from rasa_environments.api.base import JsonObject
from rasa_environments.api.traffic import HttpPath, Ingress, IngressHost
from rasa_environments.desired.context import Context
from rasa_environments.desired.credentials import SOCKET_CHANNEL, channels
from rasa_environments.desired.service import PORT_NAME

WEBHOOKS = HttpPath(path="/webhooks")
SOCKETS = HttpPath(path="/socket.io")
"""Default path of the channel socketio (`socketio_path`, source: rasa/core/channels/socketio.py)."""


def ingress(context: Context, wanted: Ingress) -> JsonObject:
    """Return an Ingress for the paths of each host.

    By default these are the paths of the channels, so that the server's API stays internal.
    """
    spec: JsonObject = {"rules": [_rule(context, host) for host in wanted.hosts or ()]}
    if wanted.class_name is not None:
        spec["ingressClassName"] = wanted.class_name
    if wanted.tls:
        spec["tls"] = [entry.model_dump(by_alias=True, exclude_none=True) for entry in wanted.tls]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": context.metadata(annotations=wanted.annotations),
        "spec": spec,
    }


def _rule(context: Context, host: IngressHost) -> JsonObject:
    backend = {"service": {"name": context.key.name, "port": {"name": PORT_NAME}}}
    paths = [
        {"path": entry.path, "pathType": entry.path_type or "Prefix", "backend": backend}
        for entry in host.paths or _paths_of_channels(context)
    ]
    return {"host": host.host, "http": {"paths": paths}}


def _paths_of_channels(context: Context) -> Sequence[HttpPath]:
    return [WEBHOOKS, SOCKETS] if SOCKET_CHANNEL in channels(context) else [WEBHOOKS]
