"""A model server for commands to talk to, and files to upload."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

from rasa_environments.api.base import JsonObject

READ_TOKEN = "pull"
API_TOKEN = "write"
POD: JsonObject = {
    "nodeName": "none",
    "automountServiceAccountToken": False,
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [
        {
            "name": "models",
            "image": "models",
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        }
    ],
}
"""A pod that nothing runs."""


@contextlib.contextmanager
def model_server(directory: Path, host: str = "127.0.0.1") -> Iterator[str]:
    """Yield the address of a model server on this directory."""
    tokens = {"RASA_MODEL_SERVER_TOKEN": READ_TOKEN, "RASA_MODEL_SERVER_API_TOKEN": API_TOKEN}
    command = [sys.executable, "-m", "rasa_model_server", "--storage", str(directory), "--host", host, "--port", "0"]
    with subprocess.Popen(command, env={**os.environ, **tokens}, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"on (http://\S+?)(?:,|$)", process.stdout.readline())
        assert found is not None
        yield found[1]
        process.terminate()


def model_file(directory: Path, name: str, version: str | None = None) -> Path:
    """Return an archive like one of `rasa train` of that version, as far as a model server checks."""
    file = directory / f"{name}.tar.gz"
    metadata = json.dumps({} if version is None else {"rasa_open_source_version": version}).encode()
    with tarfile.open(file, "w:gz") as archive:
        member = tarfile.TarInfo("metadata.json")
        member.size = len(metadata)
        archive.addfile(member, io.BytesIO(metadata))
    return file


def behind_service(namespace: str, host: str, port: int) -> Iterator[tuple[str, JsonObject]]:
    """Yield the objects with which the API server's proxy of the Service `models` leads to this address.

    It looks at Endpoints, and only at pods among them (pkg/registry/core/service/storage/storage.go).
    """
    core = f"/api/v1/namespaces/{namespace}"
    named = {"metadata": {"name": "models"}}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    yield f"{core}/serviceaccounts/default", account
    pod = {"apiVersion": "v1", "kind": "Pod", **named}
    yield f"{core}/pods/models", {**pod, "spec": POD}
    yield f"{core}/pods/models/status", {**pod, "status": {"podIP": host, "podIPs": [{"ip": host}]}}
    yield f"{core}/services/models", {"apiVersion": "v1", "kind": "Service", **named, "spec": {"ports": [{"port": 80}]}}
    target = {"kind": "Pod", "namespace": namespace, "name": "models"}
    subset = {"addresses": [{"ip": host, "targetRef": target}], "ports": [{"port": port}]}
    yield f"{core}/endpoints/models", {"apiVersion": "v1", "kind": "Endpoints", **named, "subsets": [subset]}
