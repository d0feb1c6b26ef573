"""Rendering of the chart by Helm, without a cluster."""

from __future__ import annotations

import functools
import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from local.helm import CHART, Version, helm
from local.progress import silent
from rasa_environments.api.base import API_VERSION, JsonObject

RELEASE = "rasa-environments"
NAMESPACE = "rasa-environments"
STAMP = "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy"
SERVED = (API_VERSION, STAMP)
"""APIs of a Kubernetes 1.36 cluster with the CRDs installed."""


class RefusedError(Exception):
    """Raised if Helm does not render the chart, with its message."""


@dataclass(frozen=True)
class Rendered:
    """The objects of a release."""

    objects: tuple[JsonObject, ...]

    def names(self, kind: str) -> set[str]:
        """The names of all objects of a kind."""
        return {obj["metadata"]["name"] for obj in self.objects if obj["kind"] == kind}

    def kinds(self) -> set[str]:
        """Return all kinds that occur."""
        return {obj["kind"] for obj in self.objects}

    def one(self, kind: str, name: str = RELEASE) -> JsonObject:
        """The object of that kind and name."""
        found = [obj for obj in self.objects if (obj["kind"], obj["metadata"]["name"]) == (kind, name)]
        assert len(found) == 1, f"{len(found)} objects are {kind} {name}"
        return found[0]

    def pod(self, deployment: str = RELEASE) -> JsonObject:
        """The spec of a Deployment's pods."""
        spec: JsonObject = self.one("Deployment", deployment)["spec"]["template"]["spec"]
        return spec

    def container(self, deployment: str = RELEASE) -> JsonObject:
        """The one container of a Deployment's pods."""
        (container,) = self.pod(deployment)["containers"]
        return dict(container)

    def variables(self, deployment: str = RELEASE) -> dict[str, str]:
        """The variables of that container."""
        return {variable["name"]: variable.get("value", "") for variable in self.container(deployment).get("env", [])}


def render(
    values: Mapping[str, Any] | None = None,
    *,
    version: Version = 4,
    served: Sequence[str] = SERVED,
    namespace: str = NAMESPACE,
    upgrade: bool = False,
) -> Rendered:
    """The objects of a release with these values. Raises RefusedError."""
    return _rendered(json.dumps(values or {}), version, tuple(served), namespace, upgrade)


@functools.lru_cache(maxsize=64)
def _rendered(values: str, version: Version, served: tuple[str, ...], namespace: str, upgrade: bool) -> Rendered:
    flags = [f"--namespace={namespace}", *(f"--api-versions={name}" for name in served)]
    command = ["template", RELEASE, str(CHART), "--values=-", *flags, *(["--is-upgrade"] if upgrade else [])]
    objects = yaml.load_all(run(version, command, values), yaml.CSafeLoader)
    return Rendered(tuple(obj for obj in objects if obj))


def run(version: Version, arguments: Sequence[str | Path], values: str = "") -> str:
    """What a command of Helm prints. Raises RefusedError."""
    ran = subprocess.run([helm(version, silent), *arguments], input=values, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        raise RefusedError(ran.stderr)
    return ran.stdout
