"""A pod of a Deployment, read back from the API server with all that a kubelet would need to run it."""

from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from local.api_server import ApiServer
from local.processes import ProcessFailed
from local.rasa import Pod


def deployed_pod(api: ApiServer, namespace: str, deployment: str) -> tuple[Pod, str]:
    """A ready pod of the Deployment, as the Deployment describes it, and the pod's address.

    Raises Refused where something is not there, ProcessFailed where no pod of it is ready.
    """
    template_of = api.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/{deployment}")["spec"]
    running = _ready_pod(api, namespace, template_of["selector"]["matchLabels"])
    spec = template_of["template"]["spec"]
    core = f"/api/v1/namespaces/{namespace}"
    pod = Pod(
        spec=spec,
        config_maps={
            name: api.get(f"{core}/configmaps/{name}").get("data") or {} for name in _named(spec, "ConfigMap")
        },
        secrets={
            name: {
                key: b64decode(value).decode()
                for key, value in (api.get(f"{core}/secrets/{name}").get("data") or {}).items()
            }
            for name in _named(spec, "Secret")
        },
        fields=_fields(running),
    )
    return pod, str(running["status"]["podIP"])


def _ready_pod(api: ApiServer, namespace: str, labels: Mapping[str, str]) -> dict[str, Any]:
    selector = quote(",".join(f"{name}={value}" for name, value in labels.items()))
    for pod in api.get(f"/api/v1/namespaces/{namespace}/pods?labelSelector={selector}")["items"]:
        conditions = pod["status"].get("conditions") or []
        if any(item["type"] == "Ready" and item["status"] == "True" for item in conditions):
            return dict(pod)
    raise ProcessFailed(f"no pod with the labels {labels} is ready in namespace {namespace}")


def _decoded(secret: Mapping[str, Any]) -> dict[str, str]:
    return {key: b64decode(value).decode() for key, value in (secret.get("data") or {}).items()}


def _fields(pod: Mapping[str, Any]) -> dict[str, str]:
    """What a fieldRef may ask for (kubernetes.io, Downward API)."""
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
    """The ConfigMaps or Secrets that the volumes and the variables of a pod refer to, but those it can do without."""
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
