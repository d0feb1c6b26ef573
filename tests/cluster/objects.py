"""Small objects for the tests of the cluster layer."""

from __future__ import annotations

from rasa_environments.api.base import JsonObject


def config_map(
    name: str, data: dict[str, str] | None = None, *, namespace: str = "bots", version: int = 0
) -> JsonObject:
    """A ConfigMap, in a version if it is one that was read."""
    metadata = {"name": name, "namespace": namespace}
    if version:
        metadata["resourceVersion"] = str(version)
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data or {}}


def secret(name: str, namespace: str, data: dict[str, str]) -> JsonObject:
    """A Secret; the API server encodes the data."""
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}


def owned(obj: JsonObject, owner: JsonObject) -> JsonObject:
    """The object as a child of `owner`."""
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    return {**obj, "metadata": {**obj["metadata"], "ownerReferences": [reference]}}


def environment_child(obj: JsonObject, environment: str = "support", *, uid: str = "uid-1", **owner: str) -> JsonObject:
    """The object as a child of an environment that need not exist."""
    reference = {
        "apiVersion": "rasa-environments.io/v1alpha1",
        "kind": "DeploymentEnvironment",
        "name": environment,
        "uid": uid,
        "controller": True,
    }
    return {**obj, "metadata": {**obj["metadata"], "ownerReferences": [{**reference, **owner}]}}


def deployment(name: str, namespace: str) -> JsonObject:
    """A Deployment with two variables and two arguments."""
    labels = {"app": name}
    container = {
        "name": "rasa",
        "image": "rasa/rasa:3.6.21",
        "args": ["run", "--enable-api"],
        "env": [{"name": "FIRST", "value": "1"}, {"name": "SECOND", "value": "2"}],
        "resources": {"limits": {"cpu": "1000m", "memory": "1024Mi"}},
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [container], "volumes": [{"name": "tmp", "emptyDir": {}}]},
            },
        },
    }


def container_of(obj: JsonObject) -> JsonObject:
    """The container of a Deployment."""
    container: JsonObject = obj["spec"]["template"]["spec"]["containers"][0]
    return container
