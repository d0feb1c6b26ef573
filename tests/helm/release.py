"""A release on a real API server, managed with Helm's commands."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from local.api_server import ApiServer
from local.helm import CHART, Version, helm
from local.progress import silent
from rasa_environments.api.base import JsonObject
from tests.helm.rendering import NAMESPACE, RELEASE


@dataclass(frozen=True)
class Release:
    """A release managed by one version of Helm, as the kubeconfig's user or an impersonated one."""

    version: Version
    kubeconfig: Path
    namespace: str = NAMESPACE
    user: str | None = None

    def install(self, chart: Path = CHART, values: Mapping[str, Any] | None = None, *flags: str) -> str:
        """Installs the release; returns its notes."""
        return self._deploy(["install", RELEASE, str(chart), *flags], values)

    def upgrade(self, chart: Path = CHART, values: Mapping[str, Any] | None = None, *flags: str) -> str:
        """Upgrades the release; returns its notes."""
        return self._deploy(["upgrade", RELEASE, str(chart), *flags], values)

    def rollback(self, revision: int) -> None:
        """Goes back to a revision."""
        self.run(["rollback", RELEASE, str(revision)])

    def uninstall(self) -> str:
        """Uninstalls the release, if it is there; returns what Helm says."""
        return self.run(["uninstall", RELEASE, "--ignore-not-found"])

    def objects(self) -> list[JsonObject]:
        """The objects of the present revision, as Helm sent them."""
        manifest = self.run(["get", "manifest", RELEASE])
        return [obj for obj in yaml.load_all(manifest, yaml.CSafeLoader) if obj]

    def run(self, arguments: list[str], text: str = "") -> str:
        """Return the output of a command; fail with its error."""
        home = self.kubeconfig.parent / f"helm-{self.version}"
        homes = {f"HELM_{kind}_HOME": str(home / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")}
        command: list[str | Path] = [helm(self.version, silent), *arguments, "--namespace", self.namespace]
        if self.user:
            command += ["--kube-as-user", self.user]
        environment = {**os.environ, **homes, "KUBECONFIG": str(self.kubeconfig)}
        ran = subprocess.run(command, input=text, env=environment, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, f"helm {' '.join(arguments)}: {ran.stdout}{ran.stderr}"
        return ran.stdout

    def _deploy(self, arguments: list[str], values: Mapping[str, Any] | None) -> str:
        answer = self.run([*arguments, "--values=-", "--output=json"], json.dumps(values or {}))
        return str(json.loads(answer)["info"].get("notes", ""))


def living(api: ApiServer, objects: list[JsonObject], namespace: str = NAMESPACE) -> dict[str, JsonObject]:
    """Return those of the objects that exist on the server, by kind and name."""
    found = {}
    for obj in objects:
        stored = api.find(api.path_of(obj, namespace))
        if stored is not None:
            found[f"{obj['kind']}/{obj['metadata']['name']}"] = stored
    return found
