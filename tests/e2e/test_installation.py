"""`helm install`, and the state a moment later."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

import pytest

from rasa_environments.api.base import JsonObject
from tests.e2e.release import DEFINITIONS, NAME, Release

START_OF_PROCESS_1 = """
import os, time
ticks = float(open("/proc/1/stat").read().rpartition(")")[2].split()[19])
uptime = float(open("/proc/uptime").read().split()[0])
print(time.time() - uptime + ticks / os.sysconf("SC_CLK_TCK"))
"""
"""proc_pid_stat(5): starttime, in ticks since the machine was booted."""


@pytest.fixture(scope="module")
def pod(release: Release) -> JsonObject:
    """The operator's pod."""
    [name] = release.pods("operator")
    return release.get("Pod", name)


def test_the_operator_is_ready_when_helm_says_that_it_is_done(pod: JsonObject) -> None:
    ready = {entry["type"]: entry["status"] for entry in pod["status"]["conditions"]}

    assert ready["Ready"] == "True"
    assert [container["restartCount"] for container in pod["status"]["containerStatuses"]] == [0]


def test_the_operator_says_when_it_listens_and_when_it_works(
    release: Release, pod: JsonObject, measured: Callable[[str], None]
) -> None:
    name = pod["metadata"]["name"]
    where = ["--namespace", release.namespace, name, "--"]
    started = float(release.cluster.kubectl("exec", *where, "python", "-c", START_OF_PROCESS_1))

    lines = map(json.loads, release.cluster.log(release.namespace, name).splitlines())
    said = {str(line["message"]): datetime.fromisoformat(line["time"]).timestamp() for line in lines}
    listens = next(at for message, at in said.items() if message.startswith("health and metrics are served"))
    works = next(at for message, at in said.items() if message.startswith("everything is listed"))

    measured(
        f"operator: listens {listens - started:.1f} s after its start, has listed all after {works - started:.1f} s"
    )
    assert started < listens <= works


def test_pods_of_the_release_keep_to_the_level_restricted(release: Release) -> None:
    """The API server reports which existing pods it would refuse (kubernetes.io, "Pod Security Admission")."""
    label = "pod-security.kubernetes.io/enforce=restricted"

    said = release.cluster.kubectl("label", "--dry-run=server", "--overwrite", "namespace", release.namespace, label)

    assert "warning" not in said.lower()


def test_the_model_server_keeps_its_models_on_a_volume(release: Release) -> None:
    [name] = release.pods("model-server")
    volumes = release.get("Pod", name)["spec"]["volumes"]
    [claim] = [volume["persistentVolumeClaim"]["claimName"] for volume in volumes if "persistentVolumeClaim" in volume]

    bound = release.cluster.kubectl(
        "get", "pvc", claim, "--namespace", release.namespace, "--output=jsonpath={.status.phase}"
    )

    assert bound == "Bound"


def test_the_operator_has_asked_the_model_server(release: Release) -> None:
    release.wait_for_condition("ModelServer", "default", "Ready", status="True")


def test_the_definitions_are_those_of_the_release(release: Release) -> None:
    for plural in DEFINITIONS:
        path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{plural}.rasa-environments.io"
        metadata = release.api.request("GET", path).body["metadata"]
        assert metadata["annotations"]["meta.helm.sh/release-name"] == NAME
        assert metadata["annotations"]["helm.sh/resource-policy"] == "keep"


def test_helm_test_passes(release: Release) -> None:
    said = release.helm("test", NAME, "--timeout", "2m")

    assert "Succeeded" in said
