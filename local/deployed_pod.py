"""A pod of a Deployment, read back from the API server with everything that a kubelet would need to run it."""

from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from local.api_server import ApiServer
from local.processes import ProcessFailedError
from local.rasa import Pod


def deployed_pod(api: ApiServer, namespace: str, deployment: str) -> tuple[Pod, str]:
    """Return a ready pod of the Deployment, as the Deployment describes it, and the pod's address.

    Raises RefusedError if something is missing, and ProcessFailedError if no pod is ready.
    """
    return deployed_pods(api, namespace, deployment)[0]


def deployed_pods(api: ApiServer, namespace: str, deployment: str) -> list[tuple[Pod, str]]:
    """Return every ready pod of the Deployment, as the Deployment describes it, and the pod's address.

    Raises RefusedError if something is missing, and ProcessFailedError if no pod is ready.
    """
    template_of = api.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/{deployment}")["spec"]
    labels, spec = template_of["selector"]["matchLabels"], template_of["template"]["spec"]
    found = [
        (pod_of(api, namespace, spec, running), str(running["status"]["podIP"]))
        for running in pods_with(api, namespace, labels)
        if _is_ready(running)
    ]
    if not found:
        raise ProcessFailedError(f"no pod with the labels {labels} is ready in namespace {namespace}")
    return found


def pod_of(api: ApiServer, namespace: str, spec: Mapping[str, Any], running: Mapping[str, Any]) -> Pod:
    """Return the pod `running` with a spec, and the present ConfigMaps and Secrets that it refers to.

    Raises RefusedError.
    """
    core = f"/api/v1/namespaces/{namespace}"
    return Pod(
        spec=spec,
        config_maps={
            name: api.get(f"{core}/configmaps/{name}").get("data") or {} for name in _named(spec, "ConfigMap")
        },
        secrets={name: _decoded(api.get(f"{core}/secrets/{name}")) for name in _named(spec, "Secret")},
        fields=_fields(running),
    )


def pods_with(api: ApiServer, namespace: str, labels: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return all pods with the labels. Raises RefusedError."""
    selector = quote(",".join(f"{name}={value}" for name, value in labels.items()))
    return list(api.get(f"/api/v1/namespaces/{namespace}/pods?labelSelector={selector}")["items"])


def _is_ready(pod: Mapping[str, Any]) -> bool:
    conditions = pod["status"].get("conditions") or []
    return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)


def _decoded(secret: Mapping[str, Any]) -> dict[str, str]:
    return {key: b64decode(value).decode() for key, value in (secret.get("data") or {}).items()}


def _fields(pod: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields that a fieldRef can refer to (kubernetes.io, Downward API)."""
    metadata, status = pod["metadata"], pod["status"]
    return {
        "metadata.name": metadata["name"],
        "metadata.namespace": metadata["namespace"],
        "metadata.uid": metadata["uid"],
        "spec.nodeName": pod["spec"]["nodeName"],
        "spec.serviceAccountName": pod["spec"]["serviceAccountName"],
        "status.podIP": status["podIP"],
        "status.hostIP": status["hostIP"],
    }


def _named(spec: Mapping[str, Any], kind: str) -> set[str]:
    """Return the ConfigMaps or Secrets that volumes and variables of a pod refer to, except for optional ones."""
    volume, reference, variable, name = {
        "ConfigMap": ("configMap", "configMapRef", "configMapKeyRef", "name"),
        "Secret": ("secret", "secretRef", "secretKeyRef", "secretName"),
    }[kind]
    found = {source[name] for source in _each(spec.get("volumes"), volume) if not source.get("optional")}
    for container in spec["containers"]:
        sources = [entry.get("valueFrom") or {} for entry in container.get("env") or []]
        references = (*_each(container.get("envFrom"), reference), *_each(sources, variable))
        found |= {source["name"] for source in references if not source.get("optional")}
    return found


def _each(entries: list[dict[str, Any]] | None, key: str) -> Iterator[dict[str, Any]]:
    return (entry[key] for entry in entries or [] if key in entry)
