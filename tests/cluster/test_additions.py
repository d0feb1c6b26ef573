"""What the real API server fills in never counts as an addition of others."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from rasa_environments.api.base import JsonObject
from rasa_environments.cluster.resources import resource_of
from rasa_environments.desired.environment import children
from rasa_environments.judge.additions import additions
from rasa_environments.judge.drift import difference
from tests.cluster.line import RecordingConnection
from tests.desired.changes import CHANGES
from tests.desired.contexts import context
from tests.desired.test_changes import with_version

PROBE_KINDS: tuple[JsonObject, ...] = (
    {"httpGet": {"port": 80}},
    {"httpGet": {"port": 80, "httpHeaders": [{"name": "a", "value": "b"}]}, "initialDelaySeconds": 3},
    {"tcpSocket": {"port": 80}},
    {"grpc": {"port": 80}},
    {"exec": {"command": ["true"]}},
)
CPU = {"containerName": "rasa", "resource": "limits.cpu"}
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
PROJECTED = [
    {"serviceAccountToken": {"path": "token"}},
    {"configMap": {"name": "a"}},
    {"secret": {"name": "a"}},
    {"downwardAPI": {"items": [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]}},
]
VOLUMES: tuple[JsonObject, ...] = (
    {"configMap": {"name": "a"}},
    {"secret": {"secretName": "a"}},
    {"downwardAPI": {"items": [{"path": "cpu", "resourceFieldRef": CPU}]}},
    {"projected": {"sources": PROJECTED}},
    {"hostPath": {"path": "/a"}},
    {"nfs": {"server": "a", "path": "/"}},
    {"csi": {"driver": "a.example.com"}},
    {"iscsi": {"targetPortal": "a", "iqn": "iqn.2001-04.com.example:a", "lun": 0}},
    {"azureDisk": {"diskName": "a", "diskURI": "https://a.blob.core.windows.net/a/a.vhd"}},
    {"persistentVolumeClaim": {"claimName": "a"}},
    {"ephemeral": {"volumeClaimTemplate": {"spec": CLAIM}}},
    {"image": {"reference": "a:1"}},
    {"emptyDir": {"sizeLimit": "1Gi", "medium": "Memory"}},
)  # fmt: skip
VARIABLES: tuple[JsonObject, ...] = (
    {"value": ""},
    {"valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
    {"valueFrom": {"resourceFieldRef": {"resource": "limits.memory"}}},
    {"valueFrom": {"configMapKeyRef": {"name": "a", "key": "b", "optional": True}}},
)
POD_TEMPLATE: JsonObject = {
    "spec": {
        "containers": [
            {
                "name": "rasa",
                "env": [{"name": f"VARIABLE_{number}", **each} for number, each in enumerate(VARIABLES)],
                "envFrom": [{"secretRef": {"name": "a"}, "prefix": "A_"}],
                "lifecycle": {"postStart": {"httpGet": {"port": 80}}},
                "resources": {"limits": {"cpu": "1000m"}},
            },
            *({"name": f"probed-{n}", "image": "a", "livenessProbe": each} for n, each in enumerate(PROBE_KINDS)),
        ],
        "initContainers": [
            {"name": "proxy", "image": "a", "restartPolicy": "Always", "ports": [{"containerPort": 80}]},
            {"name": "prepare", "image": "a", "securityContext": {"runAsUser": 0, "privileged": False}},
        ],
        "volumes": [{"name": f"volume-{number}", **each} for number, each in enumerate(VOLUMES)],
        "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["db"]}],
        "dnsConfig": {"nameservers": ["10.0.0.1"], "options": [{"name": "ndots", "value": "2"}]},
        "hostNetwork": False,
        "tolerations": [{"operator": "Exists"}],
        "topologySpreadConstraints": [
            {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {}}
        ],
    }
}


def all_children() -> Iterator[JsonObject]:
    """Every child that a field of the spec changes, before and after."""
    for change in CHANGES:
        for value in (change.before, change.after):
            yield from children(context(with_version(change.spec(value))))
    yield from children(context({"rasa": {"version": "3.6.21"}, "podTemplate": POD_TEMPLATE}))


async def stored(connection: RecordingConnection, child: JsonObject) -> JsonObject:
    """Return the child as the API server would store it."""
    path = f"{resource_of(child['kind']).path(child['metadata']['namespace'])}?dryRun=All&fieldValidation=Strict"
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    answer: JsonObject = orjson.loads(await connection.request("POST", path, body=orjson.dumps(child), headers=headers))
    return answer


async def test_a_child_as_the_api_server_stores_it_holds_nothing_that_others_added(
    connection: RecordingConnection, namespace: str
) -> None:
    distinct = {orjson.dumps(child): child for child in all_children()}
    for child in distinct.values():
        child["metadata"]["namespace"] = namespace
        live = await stored(connection, child)
        assert difference(child, live) is None, child["kind"]
        assert additions(child, live) == (), child
