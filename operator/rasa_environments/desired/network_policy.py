"""The NetworkPolicy that closes the environment's port."""

from __future__ import annotations

from rasa_environments.api.base import JsonObject
from rasa_environments.api.workload import NetworkPolicy, Peer
from rasa_environments.desired.context import MANAGED_BY, Context
from rasa_environments.desired.service import PORT_NAME


def network_policy(context: Context, wanted: NetworkPolicy) -> JsonObject:
    """Lets in whom the spec names (by default the pods of the namespace) and the operator, which asks `/status`."""
    operator = {
        "namespaceSelector": {},
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": MANAGED_BY}},
    }
    peers = [{"podSelector": {}}] if wanted.allow_from is None else [_peer(peer) for peer in wanted.allow_from]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": context.metadata(),
        "spec": {
            "podSelector": {"matchLabels": context.selector},
            "policyTypes": ["Ingress"],
            "ingress": [{"from": [*peers, operator], "ports": [{"port": PORT_NAME, "protocol": "TCP"}]}],
        },
    }


def _peer(peer: Peer) -> JsonObject:
    return peer.model_dump(by_alias=True, exclude_none=True)
