"""`upload` and `models` from outside of the cluster: through the API server, by the rights of the user."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.api.api_server import wait_until

from .conftest import Team
from .model_servers import API_TOKEN, behind_service, model_file, model_server

NO_NETWORK = ("192.0.2.1", 9)
"""An address of TEST-NET-1 (RFC 5737): nothing is sent to it, it only selects an interface."""


def own_address() -> str:
    """Return an address of this machine that Endpoints may have, unlike loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(NO_NETWORK)
        return str(probe.getsockname()[0])


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """Where a model server listens that only the API server is to reach."""
    with model_server(tmp_path_factory.mktemp("models"), own_address()) as url:
        found = urlsplit(url)
        assert found.hostname is not None
        assert found.port is not None
        yield found.hostname, found.port


@pytest.fixture
def inside(team: Team, address: tuple[str, int]) -> Team:
    """A team whose model server is the Service `models`."""
    for path, manifest in behind_service(team.namespace, *address):
        answer = team.api.apply(path, manifest)
        assert answer.accepted, answer.body["message"]
    team.create("ModelServer", "default", {"url": "http://models", "credentialsSecretRef": {"name": "credentials"}})
    team.create_secret("credentials", {"token": "pull", "apiToken": API_TOKEN})
    proxy = f"/api/v1/namespaces/{team.namespace}/services/http:models:80/proxy/healthz"
    wait_until(lambda: team.api.request("GET", proxy).accepted, "the API server to know where the Service leads")
    return team


def test_a_model_is_uploaded_to_a_service_and_listed(inside: Team, tmp_path: Path) -> None:
    uploaded = inside.run(f"upload {model_file(tmp_path, 'first')}")
    listed = inside.run("models -o json")

    assert uploaded.exit_code == 0, uploaded.errors
    assert listed.exit_code == 0, listed.errors
    (model,) = [each for each in json.loads(listed.output) if each["name"] == "first"]
    assert model["size"] == (tmp_path / "first.tar.gz").stat().st_size


def test_with_a_token_of_ones_own_the_secret_is_not_read(inside: Team, tmp_path: Path) -> None:
    inside.api.request("DELETE", f"/api/v1/namespaces/{inside.namespace}/secrets/credentials")
    (tmp_path / "token").write_text(f"{API_TOKEN}\n")

    uploaded = inside.run(f"upload {model_file(tmp_path, 'second')} --token-file {tmp_path / 'token'}")
    listed = inside.run(f"models -o name --token-file {tmp_path / 'token'}")

    assert uploaded.exit_code == 0, uploaded.errors
    assert "second" in listed.output.splitlines()


@pytest.mark.parametrize("content", ["", "two words", "two\nlines"])
def test_a_file_that_is_not_one_token_is_refused(inside: Team, tmp_path: Path, content: str) -> None:
    (tmp_path / "token").write_text(content)

    ran = inside.run(f"models --token-file {tmp_path / 'token'}")

    assert ran.exit_code == 1
    assert f"--token-file {tmp_path / 'token'} does not hold one token on one line" in ran.errors


def test_a_token_that_no_header_carries_is_refused_and_not_shown(inside: Team, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("tökén", encoding="utf-8")

    ran = inside.run(f"models --token-file {tmp_path / 'token'}")

    assert ran.exit_code == 1
    assert "a token has characters other than ASCII, which no header carries through the API server" in ran.errors
    assert "tökén" not in ran.errors + ran.output


def test_who_may_not_use_the_proxy_learns_which_right_is_missing(inside: Team, tmp_path: Path) -> None:
    rights = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "reader"},
        "rules": [
            {"apiGroups": ["rasa-environments.io"], "resources": ["modelservers"], "verbs": ["get"]},
            {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]},
        ],
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "reader"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
        "subjects": [{"kind": "User", "name": "rita", "apiGroup": "rbac.authorization.k8s.io"}],
    }
    path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{inside.namespace}"
    for plural, manifest in (("roles", rights), ("rolebindings", binding)):
        answer = inside.api.request("POST", f"{path}/{plural}", manifest)
        assert answer.accepted, answer.body["message"]

    ran = inside.run(f"upload {model_file(tmp_path, 'third')} --as rita")

    assert ran.exit_code == 3
    assert "the Kubernetes API server answers 403 Forbidden in its place" in ran.errors
    assert "that you may `create` and `get` its `services/proxy`" in ran.errors
    assert API_TOKEN not in ran.errors


def test_a_service_without_pods_says_so(inside: Team) -> None:
    empty = {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "models"}, "subsets": []}
    inside.api.apply(f"/api/v1/namespaces/{inside.namespace}/endpoints/models", empty)
    proxy = f"/api/v1/namespaces/{inside.namespace}/services/http:models:80/proxy/healthz"
    wait_until(lambda: not inside.api.request("GET", proxy).accepted, "the API server to know that nothing is there")

    ran = inside.run("models")

    assert ran.exit_code == 1
    assert "the Kubernetes API server answers 503 ServiceUnavailable in its place" in ran.errors
    assert "has ready pods" in ran.errors


def test_a_login_alone_is_not_passed_on(inside: Team, tmp_path: Path) -> None:
    inside.api.request("DELETE", f"/api/v1/namespaces/{inside.namespace}/secrets/credentials")
    inside.create_secret("credentials", {"username": "me", "password": "my-password"})

    ran = inside.run(f"upload {model_file(tmp_path, 'fourth')}")

    assert ran.exit_code == 1
    assert "takes no login through the API server" in ran.errors
    assert "add `apiToken` to the Secret of credentialsSecretRef, or name an address" in ran.errors
