"""The state of the cluster for a failed test: conditions, pods, events, ends of logs; no tokens."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator

from rasa_environments.api.base import JsonObject
from tests.e2e.cluster import Cluster
from tests.integration.secrecy import forms
from tests.integration.space import Objects

LINES = 25


def evidence(cluster: Cluster, namespaces: Iterable[Objects]) -> str:
    """Return everything useful about the namespaces, with `<secret>` in place of every secret value."""
    spaces = [space for space in namespaces if cluster.api.request("GET", home(space)).accepted]
    text = "\n\n".join(part for space in spaces for part in _of(cluster, space))
    secrets = {value for space in spaces for value in tokens(space)}
    for form in sorted({form for secret in secrets for form in forms(secret)}, key=len, reverse=True):
        text = text.replace(form, "<secret>")
    return text


def home(space: Objects) -> str:
    """The path of the namespace itself."""
    return f"/api/v1/namespaces/{space.namespace}"


def tokens(space: Objects) -> set[str]:
    """Return the secret values in a namespace; Helm's own Secrets contain the chart, and no secret of the tests."""
    return {
        base64.b64decode(value).decode()
        for item in space.list("Secret")
        if item["type"] == "Opaque"
        for value in (item.get("data") or {}).values()
    }


def _of(cluster: Cluster, space: Objects) -> Iterator[str]:
    yield f"===== {space.described()}"
    pods = space.list("Pod")
    yield "\n".join(["pods:", *map(_pod, pods)])
    found = cluster.api.request("GET", f"{home(space)}/events").body["items"]
    events = sorted(found, key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime")))
    yield "\n".join(["events:", *map(_event, events[-LINES:])])
    for pod in pods:
        for previous in (True, False):
            text = cluster.log(space.namespace, pod["metadata"]["name"], previous=previous)
            if text:
                which = " (the container before)" if previous else ""
                yield f"log of pod {pod['metadata']['name']}{which} ends:\n" + "\n".join(text.splitlines()[-LINES:])


def _pod(pod: JsonObject) -> str:
    status = pod["status"]
    conditions = ", ".join(f"{entry['type']}={entry['status']}" for entry in status.get("conditions", ()))
    states = [
        f"{item['name']} {item['state']}, restarts {item['restartCount']}"
        for item in status.get("containerStatuses", ())
    ]
    ends = " (ends)" if "deletionTimestamp" in pod["metadata"] else ""
    return f"  {pod['metadata']['name']}{ends}: {status['phase']}; {conditions}; {'; '.join(states)}"


def _event(event: JsonObject) -> str:
    about, when = event["involvedObject"], event.get("lastTimestamp") or event.get("eventTime")
    return f"  {when} {about['kind']} {about['name']}: {event['reason']}: {event.get('message', '')}"
