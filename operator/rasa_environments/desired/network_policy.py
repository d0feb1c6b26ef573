"""The NetworkPolicy that protects the environment's port."""

from __future__ import annotations

from typing import Final

from rasa_environments.api.base import JsonObject
from rasa_environments.api.shapes import mapping, mappings
from rasa_environments.api.traffic import NetworkPolicy, Peer
from rasa_environments.desired.context import VERIFICATION_LABEL, Context, OperatorPods
from rasa_environments.desired.service import PORT_NAME

NAMESPACE_LABEL = "kubernetes.io/metadata.name"
"""Label that the API server sets on every namespace (Kubernetes: Well-known labels)."""
SAME_NAMESPACE: Final[JsonObject] = {"podSelector": {}}
"""The peer that is all pods of the policy's own namespace."""


def network_policy(context: Context, wanted: NetworkPolicy) -> JsonObject:
    """Return a policy that allows the pods of the namespace, if wanted, the peers of the spec, and the operator.

    The operator polls `/status`. Pods of Jobs come in where a Job tests the environment.
    """
    peers: list[JsonObject] = [SAME_NAMESPACE] if wanted.from_ == "SameNamespace" else []
    peers += [_peer(peer) for peer in wanted.allow_from or ()]
    if context.tested_by_job and wanted.from_ != "SameNamespace":
        peers.append(_jobs(context.environment.metadata.name))
    if context.operator_pods is not None:
        peers.append(_operator(context.operator_pods))
    # A rule without peers would allow everyone.
    ingress = [{"from": peers, "ports": [{"port": PORT_NAME, "protocol": "TCP"}]}] if peers else []
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": context.metadata(),
        "spec": {
            "podSelector": {"matchLabels": context.selector},
            "policyTypes": ["Ingress"],
            "ingress": ingress,
        },
    }


def admits_jobs(policy: JsonObject, environment: str) -> bool:
    """Return whether a policy that `network_policy` wrote for an environment admits the pods of Jobs that test it."""
    rules = mappings(mapping(policy.get("spec")).get("ingress"))
    peers = [peer for rule in rules for peer in mappings(rule.get("from"))]
    return SAME_NAMESPACE in peers or _jobs(environment) in peers


def _jobs(environment: str) -> JsonObject:
    return {"podSelector": {"matchLabels": {VERIFICATION_LABEL: environment}}}


def _peer(peer: Peer) -> JsonObject:
    return peer.model_dump(by_alias=True, exclude_none=True)


def _operator(pods: OperatorPods) -> JsonObject:
    """Return the operator's pods as a peer; pods with the same labels in other namespaces do not match."""
    return {
        "namespaceSelector": {"matchLabels": {NAMESPACE_LABEL: pods.namespace}},
        "podSelector": {"matchLabels": dict(pods.labels)},
    }
