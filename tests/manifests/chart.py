"""The chart rendered for a release of Kubernetes, without a cluster."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping

import yaml

from local.helm import CHART, Version, helm
from local.installation import NAMESPACE
from local.progress import silent
from rasa_environments.api.base import API_VERSION, JsonObject

RELEASE = "rasa-environments"
STAMP = "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy"
"""What a cluster serves from Kubernetes 1.36 on."""
EVERYTHING: JsonObject = {
    "replicas": 2,
    "modelServer": {"enabled": True, "tokens": {"existingSecret": "tokens"}},
    "productionAndWorker": True,
    "environments": {"staging": {}},
    "modelTags": {"staging": "20260101-120000"},
    "podDisruptionBudget": {"enabled": True},
    "metrics": {"podMonitor": {"enabled": True}, "rules": {"enabled": True}, "dashboard": {"enabled": True}},
}
"""Values that enable everything in the chart."""
OF_PROMETHEUS = ("PodMonitor", "PrometheusRule")
"""Kinds of the Prometheus operator, which Kubernetes itself does not know."""


def rendered(version: Version, values: Mapping[str, object], kubernetes: str = "1.36") -> list[JsonObject]:
    """Return the chart rendered by that Helm for a cluster of that release with the CRDs installed."""
    served = [API_VERSION, *([STAMP] if kubernetes == "1.36" else [])]
    cluster = [f"--kube-version={kubernetes}.0", *(f"--api-versions={api}" for api in served)]
    ran = subprocess.run(
        [helm(version, silent), "template", RELEASE, CHART, f"--namespace={NAMESPACE}", "--values=-", *cluster],
        input=yaml.safe_dump(dict(values)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return [obj for obj in yaml.load_all(ran.stdout, yaml.CSafeLoader) if obj]


def without_tests(objects: list[JsonObject]) -> list[JsonObject]:
    """The objects that are installed: without the pods of `helm test`."""
    return [obj for obj in objects if "helm.sh/hook" not in (obj["metadata"].get("annotations") or {})]
