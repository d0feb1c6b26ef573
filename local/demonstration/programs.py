"""The programs of this project as processes: the model server, the operator, and commands as users type them."""

import os
import re
import secrets
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from local.flavour import Flavour
from local.processes import Child, Leash, ProcessFailedError
from local.progress import Progress

START_SECONDS = 60.0
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class ModelServerProgram:
    """A running model server, its URL, and the two tokens that it accepts."""

    child: Child
    url: str
    token: str = field(repr=False)
    api_token: str = field(repr=False)

    def model_of_tag(self, tag: str) -> str | None:
        """Return the model with the tag, by the server's own list. Raises httpx.HTTPError."""
        with httpx.Client(trust_env=False) as client:
            answer = client.get(f"{self.url}/api/projects/default/models", params={"tag": tag, "token": self.token})
        answer.raise_for_status()
        return next((str(model["model"]) for model in answer.json()), None)


@dataclass(frozen=True)
class OperatorProgram:
    """A running operator, and the URL of its health checks."""

    child: Child
    url: str

    def is_ready(self) -> bool:
        """Return whether the operator is ready."""
        try:
            return httpx.get(f"{self.url}/readyz", trust_env=False).is_success
        except httpx.TransportError:
            return False


def start_model_server(workspace: Path, leash: Leash, host: str = LOOPBACK) -> ModelServerProgram:
    """Start it on an empty directory with random tokens; return once it serves. Raises ProcessFailedError."""
    token, api_token = secrets.token_hex(32), secrets.token_hex(32)
    child = Child(
        "the model server",
        [sys.executable, "-m", "rasa_model_server", "--storage", workspace / "models", "--host", host, "--port", "0"],
        workspace / "model-server.log",
        leash,
        program_environment(workspace, RASA_MODEL_SERVER_TOKEN=token, RASA_MODEL_SERVER_API_TOKEN=api_token),
    )
    url = said(child, r" on (http://\S+:\d+)")
    return ModelServerProgram(child, url, token, api_token)


def start_operator(workspace: Path, leash: Leash, kubeconfig: Path, *, simulated: bool) -> OperatorProgram:
    """Start it with that kubeconfig; return once it is ready. Raises ProcessFailedError.

    Nothing listens in simulated pods, so they count as serving the desired model.
    """
    options = ["--served-interval", "5s", *(["--accept-unchecked"] if simulated else [])]
    child = Child(
        "the operator",
        [
            *(sys.executable, "-m", "rasa_environments", "run", "--kubeconfig", kubeconfig),
            *("--address", LOOPBACK, "--port", "0", *options),
        ],
        workspace / "operator.log",
        leash,
        program_environment(workspace),
    )
    port = said(child, r"served at port (\d+)")
    operator = OperatorProgram(child, f"http://{LOOPBACK}:{port}")
    child.wait_until(operator.is_ready, START_SECONDS, "ready")
    return operator


def run_command(arguments: list[str], kubeconfig: Path, progress: Progress, *, exit_code: int = 0) -> None:
    """Run `rasa-environments` with these arguments and show its output.

    Raises ProcessFailedError if it ends with another exit code.
    """
    progress(f"   $ rasa-environments {' '.join(arguments)}")
    result = subprocess.run(
        [sys.executable, "-m", "rasa_environments", *arguments],
        env={**os.environ, "KUBECONFIG": str(kubeconfig), "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    for line in result.stdout.splitlines():
        progress(f"     {line}")
    if result.returncode != exit_code:
        raise ProcessFailedError(f"`rasa-environments {arguments[0]}` ended with exit code {result.returncode}")


def program_environment(home: Path, **variables: str) -> Mapping[str, str]:
    """Return the few variables that a program needs: neither proxies nor another cluster."""
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "TMPDIR": str(home), **variables}


def host_for_pods(flavour: Flavour) -> str:
    """Return the address of this machine that pods can reach.

    That of kind's network, or loopback for simulated pods.
    """
    if flavour != "kind":
        return LOOPBACK
    command = ["docker", "network", "inspect", "kind", "--format", "{{range .IPAM.Config}}{{.Gateway}} {{end}}"]
    gateways = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return next(gateway for gateway in gateways if ":" not in gateway)


def said(child: Child, pattern: str) -> str:
    """Wait until the program's log matches the pattern, and return the first group."""
    found: list[str] = []

    def look() -> bool:
        found.extend(re.findall(pattern, child.log.read_text(errors="replace")))
        return bool(found)

    child.wait_until(look, START_SECONDS, "serving")
    return found[0]
