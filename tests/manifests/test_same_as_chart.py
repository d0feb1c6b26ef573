"""Helm and kustomize install the same objects, except for Helm's own metadata."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import pytest
import yaml

from local.binaries import find_kubectl
from local.helm import VERSIONS, Version
from local.installation import NAMESPACE, ROOT, SERVICE_ACCOUNT
from local.kustomize import kustomized
from local.progress import silent
from rasa_environments.api.base import JsonObject
from tests.manifests.chart import rendered, without_tests

WRITTEN_BY_HELM = (
    "helm.sh/",
    "app.kubernetes.io/managed-by",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/version",
    "app.kubernetes.io/part-of",
)
"""Labels and annotations of the chart's objects that describe the release."""


def installed(*folders: str) -> list[JsonObject]:
    kubectl = find_kubectl(silent)
    return [obj for folder in folders for obj in kustomized(ROOT / folder, kubectl)]


def told(objects: Sequence[JsonObject]) -> list[str]:
    """Return the objects as sorted lines, each with its context, regardless of who rendered them."""
    lines = list[str]()
    for obj in sorted(objects, key=lambda obj: (str(obj["kind"]), str(obj["metadata"]["name"]))):
        for field in ("labels", "annotations"):
            entries = obj["metadata"].pop(field, None) or {}
            obj["metadata"][field] = {k: v for k, v in entries.items() if not k.startswith(WRITTEN_BY_HELM)}
        text = yaml.dump(obj, Dumper=yaml.CSafeDumper, width=1000)
        lines += [f"{obj['kind']} {obj['metadata']['name']}: {line}" for line in text.splitlines()]
    return lines


def differences(kustomize: Sequence[JsonObject], chart: Sequence[JsonObject]) -> str:
    """Return the lines that only one of the two has; nothing if they are the same."""
    return "\n".join(difflib.unified_diff(told(kustomize), told(chart), "kustomize", "chart", n=0, lineterm=""))


def in_its_namespace(objects: list[JsonObject]) -> list[JsonObject]:
    """Return the objects with the Deployment's namespace in place of the reference to it."""
    (deployment,) = (obj for obj in objects if obj["kind"] == "Deployment")
    for variable in deployment["spec"]["template"]["spec"]["containers"][0]["env"]:
        if variable["name"] == "RASA_ENVIRONMENTS_NAMESPACES" and variable.get("valueFrom") == {
            "fieldRef": {"fieldPath": "metadata.namespace"}
        }:
            del variable["valueFrom"]
            variable["value"] = deployment["metadata"]["namespace"]
    return objects


def with_its_account(objects: list[JsonObject]) -> list[JsonObject]:
    """Return the objects with the account named in the policies as in the chart, which knows its namespace."""
    for obj in objects:
        if obj["kind"] != "ValidatingAdmissionPolicy":
            continue
        for condition in obj["spec"].get("matchConditions", []):
            if condition["name"] == "operator":
                user = f"system:serviceaccount:{NAMESPACE}:{SERVICE_ACCOUNT}"
                condition["expression"] = f"request.userInfo.username == '{user}'"
    return objects


@pytest.mark.parametrize("helm", VERSIONS)
def test_for_the_cluster(helm: Version) -> None:
    of_kustomize = [obj for obj in installed("crds", "manifests/overlays/cluster") if obj["kind"] != "Namespace"]

    assert differences(with_its_account(of_kustomize), without_tests(rendered(helm, {}))) == ""


@pytest.mark.parametrize("helm", VERSIONS)
def test_for_a_cluster_before_1_36(helm: Version) -> None:
    objects = installed("crds", "manifests/overlays/cluster-before-1.36")
    of_kustomize = [obj for obj in objects if obj["kind"] != "Namespace"]

    assert differences(with_its_account(of_kustomize), without_tests(rendered(helm, {}, kubernetes="1.35"))) == ""


@pytest.mark.parametrize("helm", VERSIONS)
def test_for_a_namespace(helm: Version) -> None:
    of_kustomize = in_its_namespace(installed("manifests/overlays/namespaced"))

    assert differences(of_kustomize, without_tests(rendered(helm, {"namespaces": [NAMESPACE]}))) == ""


def test_a_difference_is_reported_with_what_it_belongs_to() -> None:
    kustomize, chart = installed("manifests/overlays/namespaced"), installed("manifests/overlays/namespaced")
    (deployment,) = (obj for obj in chart if obj["kind"] == "Deployment")
    deployment["spec"]["replicas"] = 3

    told = differences(kustomize, chart).splitlines()

    assert told[-2:] == [
        "-Deployment rasa-environments:   replicas: 1",
        "+Deployment rasa-environments:   replicas: 3",
    ]
