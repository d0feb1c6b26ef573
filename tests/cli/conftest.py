"""Commands as users type them, and a namespace on a real API server where a script plays the operator."""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from rasa_environments.api.base import API_VERSION, GROUP, VERSION, JsonObject
from rasa_environments.api.crd import files
from rasa_environments.cli.application import application
from tests.api.api_server import PLURALS, ApiServer, wait_until
from tests.api.conftest import install, namespace

if TYPE_CHECKING:
    from local.cluster import ClusterFacts

NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Ran:
    """The output of a command, and its exit code."""

    exit_code: int
    output: str
    errors: str


def command(line: str, kubeconfig: Path | None = None, stdin: str | None = None) -> Ran:
    """Runs `rasa-environments <line>` in this process."""
    arguments = shlex.split(line) + (["--kubeconfig", str(kubeconfig)] if kubeconfig else [])
    result = CliRunner().invoke(application, arguments, input=stdin, prog_name="rasa-environments")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ran(result.exit_code, result.stdout, result.stderr)


@dataclass(frozen=True)
class Team:
    """A namespace with an administrator and a script that plays the operator."""

    api: ApiServer
    kubeconfig: Path
    namespace: str

    def run(self, line: str) -> Ran:
        """Runs a command in the namespace."""
        return command(f"{line} -n {self.namespace}", self.kubeconfig)

    def path(self, kind: str, name: str = "") -> str:
        """Where objects of a kind are."""
        path = f"/apis/{GROUP}/{VERSION}/namespaces/{self.namespace}/{PLURALS[kind]}"
        return f"{path}/{name}" if name else path

    def create(self, kind: str, name: str, spec: JsonObject) -> None:
        """Creates one of our objects."""
        manifest = {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}
        answer = self.api.request("POST", self.path(kind), manifest)
        assert answer.accepted, answer.body["message"]

    def create_secret(self, name: str, values: dict[str, str]) -> None:
        """Creates a Secret."""
        manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": values}
        answer = self.api.request("POST", f"/api/v1/namespaces/{self.namespace}/secrets", manifest)
        assert answer.accepted, answer.body["message"]

    def get(self, kind: str, name: str) -> JsonObject:
        """An object as it is."""
        answer = self.api.request("GET", self.path(kind, name))
        assert answer.accepted, answer.body["message"]
        return answer.body

    def report(self, kind: str, name: str, status: JsonObject, **conditions: tuple[str, str, str]) -> None:
        """Write a status for the object's current spec, as the operator does."""
        listed = [
            {
                "type": kind_of_condition,
                "status": truth,
                "reason": reason,
                "message": message,
                "lastTransitionTime": "2026-01-01T12:00:00Z",
            }
            for kind_of_condition, (truth, reason, message) in conditions.items()
        ]
        generation = self.get(kind, name)["metadata"]["generation"]
        body = {"status": {**status, "observedGeneration": generation, "conditions": listed}}
        content_type = {"Content-Type": "application/merge-patch+json"}
        answer = self.api.request("PATCH", f"{self.path(kind, name)}/status", body, headers=content_type)
        assert answer.accepted, answer.body["message"]

    def permit(self, user: str, *resources: str) -> None:
        """Let a user get and list these resources of ours in the namespace."""
        rules = [{"apiGroups": [GROUP], "resources": list(resources), "verbs": ["get", "list"]}]
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": user}
        subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}
        bodies = (("roles", {"rules": rules}), ("rolebindings", {"roleRef": reference, "subjects": [subject]}))
        for plural, body in bodies:
            path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{self.namespace}/{plural}"
            answer = self.api.request("POST", path, {"metadata": {"name": user}, **body})
            assert answer.accepted, answer.body["message"]

    def wait_for_promotion(self, tag: str, model: str) -> None:
        """Returns once the ModelTag is there and names the model."""

        def promoted() -> bool:
            answer = self.api.request("GET", self.path("ModelTag", tag))
            return answer.accepted and bool(answer.body["spec"]["model"] == model)

        wait_until(promoted, f"ModelTag {tag} to name {model}")


@pytest.fixture(scope="session")
def administrator(cluster: ClusterFacts) -> Iterator[ApiServer]:
    """The API server with our definitions, asked by its administrator."""
    server = ApiServer(cluster.kubeconfig)
    for text in files().values():
        install(server, text)
    yield server
    server.close()


@pytest.fixture
def team(administrator: ApiServer, cluster: ClusterFacts) -> Team:
    """A new namespace, with an environment `production` of ModelServer `default`."""
    name = f"cli-{next(NUMBERS)}"
    answer = administrator.apply(f"/api/v1/namespaces/{name}", namespace(name))
    assert answer.accepted, answer.body["message"]
    new = Team(administrator, cluster.kubeconfig, name)
    wait_until(lambda: administrator.request("GET", new.path("ModelTag")).accepted, "our kinds to be served")
    new.create("DeploymentEnvironment", "production", {"rasa": {"version": "3.6.21"}})
    return new


@pytest.fixture
def meanwhile() -> Iterator[Callable[[Callable[[], None]], None]]:
    """Run a script beside the command; an error in it fails the test."""
    with ThreadPoolExecutor() as pool:
        running = []

        def start(script: Callable[[], None]) -> None:
            running.append(pool.submit(script))

        yield start
        for future in running:
            future.result()
