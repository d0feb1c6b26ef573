"""Provides a directory of the node's disk as a volume for each claim of the StorageClass `standard`, and removes it."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from local.api_server import ApiServer, RefusedError
from local.node.files import PROVISIONER
from local.node.machine import VOLUMES

CLAIMS = "/api/v1/persistentvolumeclaims"
VOLUME_LIST = "/api/v1/persistentvolumes"

Item = dict[str, Any]


class Provisioner:
    """A dynamic provisioner (kubernetes.io, "Dynamic Volume Provisioning") for the directory that the node mounts."""

    def __init__(self, api: ApiServer, disk: Path, node: str) -> None:
        self._api = api
        self._disk = disk
        self._node = node

    def provide(self) -> None:
        """Check all claims and volumes once, and do what is missing. Raises RefusedError."""
        volumes = self._api.get(VOLUME_LIST)["items"]
        for claim in unserved(self._api.get(CLAIMS)["items"], volumes):
            directory = self._disk / volume_name(claim)
            directory.mkdir(exist_ok=True)
            directory.chmod(0o777)
            self._api.post(VOLUME_LIST, volume_for(claim, self._node))
        for name in left_over(volumes):
            shutil.rmtree(self._disk / name, ignore_errors=True)
            self._remove(name)

    def _remove(self, name: str) -> None:
        try:
            self._api.delete(f"{VOLUME_LIST}/{name}")
        except RefusedError as error:
            if error.status != 404:
                raise


def unserved(claims: Sequence[Item], volumes: Sequence[Item]) -> list[Item]:
    """Return the claims that are left to this provisioner, for a pod that has a node, and that have no volume.

    The annotations are those of the contract with external provisioners
    (kubernetes-sigs/sig-storage-lib-external-provisioner, controller.go).
    """
    served = {volume["metadata"]["name"] for volume in volumes}
    found = []
    for claim in claims:
        annotations = claim["metadata"].get("annotations") or {}
        ours = annotations.get("volume.kubernetes.io/storage-provisioner") == PROVISIONER
        scheduled = "volume.kubernetes.io/selected-node" in annotations
        pending = claim["status"].get("phase") == "Pending" and "deletionTimestamp" not in claim["metadata"]
        if ours and scheduled and pending and volume_name(claim) not in served:
            found.append(claim)
    return found


def left_over(volumes: Sequence[Item]) -> list[str]:
    """Return the names of this provisioner's volumes whose claims are gone, and which are not to be retained."""
    return [
        volume["metadata"]["name"]
        for volume in volumes
        if (volume["metadata"].get("annotations") or {}).get("pv.kubernetes.io/provisioned-by") == PROVISIONER
        and volume["status"].get("phase") == "Released"
        and volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete"
        and "deletionTimestamp" not in volume["metadata"]
    ]


def volume_name(claim: Item) -> str:
    """Return the name of the claim's volume, and of its directory."""
    return f"pvc-{claim['metadata']['uid']}"


def volume_for(claim: Item, node: str) -> Item:
    """Return a volume for this claim only; a `local` one, since the kubelet applies a pod's fsGroup to it."""
    metadata, name = claim["metadata"], volume_name(claim)
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {"pv.kubernetes.io/provisioned-by": PROVISIONER}},
        "spec": {
            "accessModes": claim["spec"]["accessModes"],
            "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]},
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "name": metadata["name"],
                "namespace": metadata["namespace"],
                "uid": metadata["uid"],
            },
            "local": {"path": str(VOLUMES / name)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": claim["spec"]["storageClassName"],
        },
    }
