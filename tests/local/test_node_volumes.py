"""Claims of the StorageClass `standard` get a directory of the node, and only those."""

from collections.abc import Callable
from typing import Any

import pytest

from local.node.files import PROVISIONER
from local.node.volumes import left_over, unserved, volume_for, volume_name

Item = dict[str, Any]


def claim() -> Item:
    return {
        "metadata": {
            "name": "data",
            "namespace": "shop",
            "uid": "1-2",
            "annotations": {
                "volume.kubernetes.io/storage-provisioner": PROVISIONER,
                "volume.kubernetes.io/selected-node": "node",
            },
        },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
            "storageClassName": "standard",
        },
        "status": {"phase": "Pending"},
    }


def released() -> Item:
    return {**volume_for(claim(), "node"), "status": {"phase": "Released"}}


def test_a_claim_whose_pod_has_a_node_is_served() -> None:
    assert unserved([claim()], []) == [claim()]


def test_a_claim_is_served_once() -> None:
    assert unserved([claim()], [volume_for(claim(), "node")]) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda it: it["metadata"]["annotations"].update({"volume.kubernetes.io/storage-provisioner": "another"}),
        lambda it: it["metadata"]["annotations"].pop("volume.kubernetes.io/selected-node"),
        lambda it: it["metadata"].pop("annotations"),
        lambda it: it["metadata"].update(deletionTimestamp="2026-01-01T00:00:00Z"),
        lambda it: it["status"].update(phase="Bound"),
    ],
    ids=["of another provisioner", "without a node", "of no provisioner", "being deleted", "bound"],
)
def test_other_claims_are_left_alone(change: Callable[[Item], object]) -> None:
    other = claim()
    change(other)

    assert unserved([other], []) == []


def test_the_volume_is_for_that_claim_on_that_node() -> None:
    volume = volume_for(claim(), "node")

    assert volume["metadata"]["name"] == volume_name(claim()) == "pvc-1-2"
    assert volume["spec"]["claimRef"]["uid"] == "1-2"
    assert volume["spec"]["capacity"] == {"storage": "1Gi"}
    [term] = volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert term["matchExpressions"][0]["values"] == ["node"]


def test_the_volume_of_a_claim_that_is_gone_is_left_over() -> None:
    assert left_over([released()]) == ["pvc-1-2"]


@pytest.mark.parametrize(
    "change",
    [
        lambda it: it["status"].update(phase="Bound"),
        lambda it: it["spec"].update(persistentVolumeReclaimPolicy="Retain"),
        lambda it: it["metadata"].update(annotations={}),
    ],
    ids=["in use", "to be kept", "of somebody else"],
)
def test_other_volumes_stay(change: Callable[[Item], object]) -> None:
    volume = released()
    change(volume)

    assert left_over([volume]) == []
