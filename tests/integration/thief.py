"""Somebody with the operator's token, and the objects that a thief would write."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from local.installation import NAMESPACE, SERVICE_ACCOUNT
from rasa_environments.api.base import API_VERSION, JsonObject, ModelReference
from rasa_environments.cluster.events import CONTROLLER
from rasa_environments.cluster.resources import EVENTS, LEASES, resource_of
from rasa_environments.desired.candidate import candidate_children
from tests.api.api_server import Answer, ApiServer
from tests.desired.contexts import children_by_kind, context
from tests.integration.conftest import Installation
from tests.integration.manifests import environment
from tests.integration.people import MERGE_PATCH, Person
from tests.integration.space import Objects

USER = f"system:serviceaccount:{NAMESPACE}:{SERVICE_ACCOUNT}"
JSON = "application/json"
VICTIM = "support"
"""An environment whose children are there."""
FORGED = "forged"
"""An environment that does not exist, although a thief may name it as an owner."""
CHILD = f"{VICTIM}-rasa"
ACTIONS = f"{VICTIM}-actions"
OWN = "own-rasa"
"""A tenant's own object with the name that a child would have."""
EVERYTHING: JsonObject = {
    "rasa": {"version": "3.6.21"},
    "ingress": {
        "hosts": [{"host": "support.example.com"}, {"host": "help.example.com", "paths": [{"path": "/webhooks/rest"}]}],
        "tls": [{"hosts": ["support.example.com"], "secretName": "support-tls"}],
    },
    "serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/support"}},
    "networkPolicy": {"from": "SameNamespace"},
    "podDisruptionBudget": {"maxUnavailable": 1},
    "autoscaling": {"maxReplicas": 2},
    "actionServer": {"image": "registry.example.com/actions:1", "podDisruptionBudget": {"maxUnavailable": 1}},
}
"""A spec with which an environment has children of every kind."""
OF_ACTION_SERVER = "actions "
"""What precedes the kind of a child of an action server."""


@dataclass(frozen=True)
class Attempt:
    """One request of a thief."""

    method: str
    path: str
    """`{ns}` stands for the namespace of a tenant."""
    body: object = None
    content_type: str = JSON
    query: Mapping[str, str] = field(default_factory=dict)
    connects: bool = False
    """Whether it opens a connection, which has no dry run."""

    def by(self, person: Person) -> Answer:
        """Return the API server's answer. Nothing is written, even if it accepts the request."""
        path = self.path.replace("{ns}", person.namespace)
        dry = {} if self.method == "GET" or self.connects else {"dryRun": "All"}
        return person.send(self.method, path, self.body, self.content_type, **dry, **self.query)


class Thief(Person):
    """Has the operator's token, and nothing else."""

    def send(self, method: str, path: str, body: object = None, content_type: str = JSON, **query: str) -> Answer:
        """One request with the token."""
        headers = {"Content-Type": content_type}
        return self.api.request(method, path, body, headers=headers, params=query)


@contextmanager
def thief_of(installation: Installation, namespace: str) -> Iterator[Thief]:
    """Somebody with the token of the installed operator."""
    with closing(ApiServer(installation.kubeconfig)) as api:
        yield Thief(api, "thief", namespace)


def bound_to_everything(installation: Installation, namespace: str) -> Person:
    """The operator's account as if somebody had made it an administrator of the cluster."""
    return Person(installation.api, USER, namespace, "system:masters")


def family(name: str = FORGED, uid: str = "00000000-0000-0000-0000-000000000001") -> dict[str, JsonObject]:
    """The children of an environment as the operator creates them, by kind; no namespace is named.

    Those of its action server are called `actions <kind>`.
    """
    made = children_by_kind(context(EVERYTHING, name=name))
    for child in made.values():
        del child["metadata"]["namespace"]
        child["metadata"]["ownerReferences"][0]["uid"] = uid
    return made


def family_of_candidate(name: str = FORGED, uid: str = "00000000-0000-0000-0000-000000000001") -> list[JsonObject]:
    """The children of an environment's candidate as the operator creates them; no namespace is named."""
    made = list(candidate_children(context(EVERYTHING, name=name), ModelReference(name="model", hash="hash")))
    for child in made:
        child["metadata"] = {key: value for key, value in child["metadata"].items() if key != "namespace"}
        child["metadata"]["ownerReferences"][0]["uid"] = uid
    return made


OWNER: JsonObject = family()["Secret"]["metadata"]["ownerReferences"][0]
"""A nonexistent environment as an owner."""
OWN_POD: JsonObject = family(OWN.removesuffix("-rasa"))["Deployment"]["spec"]["template"]["spec"]
"""A pod that the policies would let an environment have."""


def furnish_tenant(space: Objects, thief: Thief) -> None:
    """A tenant with an environment and its children, and objects of the tenant's own."""
    space.apply(environment(VICTIM, suspend=True))
    uid = space.get("DeploymentEnvironment", VICTIM)["metadata"]["uid"]
    for child in family(VICTIM, uid).values():
        answer = thief.create(child)
        assert answer.accepted, answer.body["message"]
    space.apply(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": OWN}, "stringData": {"password": "secret"}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": OWN}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": OWN}},
        *own_objects(),
    )


def own_objects() -> tuple[JsonObject, ...]:
    """Create a Deployment, its Service and a NetworkPolicy that do not belong to the operator."""
    service = {"ports": [{"port": 53}]}
    policy: JsonObject = {"podSelector": {}}
    return (
        own_deployment(),
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": OWN}, "spec": service},
        {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": OWN}, "spec": policy},
    )


def own_deployment() -> JsonObject:
    """Return the tenant's own Deployment, for example a Rasa X; its pods resemble those of an environment."""
    labels = {"app": "own"}
    template = {"metadata": {"labels": labels, "annotations": {"kept": "yes"}}, "spec": OWN_POD}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": OWN},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
    }


def event(**fields: object) -> Attempt:
    """An Event as the operator writes it, but for some fields."""
    body = {
        "apiVersion": EVENTS.api_version,
        "kind": EVENTS.kind,
        "metadata": {"name": "loot", "namespace": "tenant"},
        "eventTime": "2026-01-01T00:00:00.000000Z",
        "reportingController": CONTROLLER,
        "reportingInstance": "operator-0",
        "type": "Normal",
        "reason": "ModelServed",
        "action": "CheckModel",
        "note": "serves model-1",
        "regarding": {
            "apiVersion": API_VERSION,
            "kind": "DeploymentEnvironment",
            "namespace": "tenant",
            "name": VICTIM,
        },
    }
    return Attempt("POST", EVENTS.path("{ns}"), {**body, **fields})


def merged(under: JsonObject, over: JsonObject) -> JsonObject:
    """Return a copy of an object with another merged over it, mappings key by key; null removes."""
    result = copy.deepcopy(under)
    for key, value in over.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result


def create(kind: str, change: JsonObject | None = None, namespace: str = "{ns}", **metadata: Any) -> Attempt:
    """Return the creation of a child for a nonexistent environment, with a change."""
    child = merged(family()[kind], change or {})
    resource = resource_of(kind.removeprefix(OF_ACTION_SERVER))
    return Attempt("POST", resource.path(namespace), merged(child, {"metadata": metadata}))


def delete(kind: str, name: str) -> Attempt:
    """The deletion of an object that is there."""
    return Attempt("DELETE", resource_of(kind).path("{ns}", name))


def change(kind: str, change: JsonObject, name: str = CHILD, namespace: str = "{ns}") -> Attempt:
    """A change of an object that is there."""
    return Attempt("PATCH", resource_of(kind).path(namespace, name), change, MERGE_PATCH)


def take_over(kind: str, name: str = OWN) -> Attempt:
    """Declare a tenant's object the child of an environment."""
    child = family(name.removesuffix("-rasa"))[kind]
    metadata = {field: child["metadata"][field] for field in ("labels", "ownerReferences")}
    return change(kind, {"metadata": metadata}, name)


def lease(name: str) -> JsonObject:
    """A Lease."""
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": LEASES.api_version, "kind": LEASES.kind, "metadata": metadata, "spec": {}}


def model_server_owner(name: str = "default") -> JsonObject:
    """A ModelServer as an owner, for metadata."""
    owner = {"apiVersion": API_VERSION, "kind": "ModelServer", "name": name, "uid": "2", "controller": True}
    return {"ownerReferences": [owner]}
