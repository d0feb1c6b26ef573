"""Kubeconfig files are read as kubectl reads them: several files, several contexts, relative paths."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from rasa_environments.api.base import JsonObject
from rasa_environments.cluster.client import Client
from rasa_environments.cluster.credentials import CredentialSource
from rasa_environments.cluster.errors import ConfigurationError
from rasa_environments.cluster.resources import SELF_SUBJECT_REVIEWS
from tests.cluster.kubectl import kubectl

if TYPE_CHECKING:
    from local.cluster import ClusterFacts


def section(kind: str, **entries: JsonObject) -> list[JsonObject]:
    """Clusters, users or contexts of these names."""
    return [{"name": name, kind: content} for name, content in entries.items()]


@pytest.fixture(autouse=True)
def no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove any kubeconfig from the environment of the tests."""
    monkeypatch.delenv("KUBECONFIG", raising=False)


@pytest.fixture
def parts(cluster: ClusterFacts) -> tuple[JsonObject, JsonObject]:
    """The cluster and the user of the administrator."""
    content = yaml.safe_load(cluster.kubeconfig.read_text())
    return content["clusters"][0]["cluster"], content["users"][0]["user"]


@pytest.fixture
def several(parts: tuple[JsonObject, JsonObject], tmp_path: Path) -> Path:
    """A kubeconfig of two clusters, of which one does not run, and two users."""
    there, administrator = parts
    content = {
        "clusters": section("cluster", here=there, gone={"server": "https://127.0.0.1:1"}),
        "users": section("user", root=administrator, pam={**administrator, "as": "pam"}),
        "contexts": section(
            "context",
            old={"cluster": "gone", "user": "root"},
            team={"cluster": "here", "user": "pam", "namespace": "bots"},
            anonymous={"cluster": "here"},
        ),
        "current-context": "old",
    }
    path = tmp_path / "several"
    path.write_text(yaml.safe_dump(content))
    return path


async def seen(source: CredentialSource) -> tuple[str, str]:
    """Return who the API server takes the client for, and the namespace that it works in."""
    async with await Client.by(source) as client:
        return (await client.review(SELF_SUBJECT_REVIEWS))["userInfo"]["username"], client.namespace


async def test_a_context_names_cluster_user_and_namespace(several: Path) -> None:
    assert await seen(CredentialSource(str(several), "team")) == ("pam", "bots")


async def test_cluster_and_user_may_be_others_than_those_of_the_context(several: Path) -> None:
    assert await seen(CredentialSource(str(several), "old", "here", "pam")) == ("pam", "default")


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (CredentialSource(context="moon"), r"context moon not found \(found: anonymous, old, team\); set another"),
        (CredentialSource(cluster="moon"), r"cluster moon not found \(found: gone, here\); set another --cluster"),
        (CredentialSource(user="moon"), r"user moon not found \(found: pam, root\); set another --user"),
    ],
)
async def test_a_missing_name_is_reported_with_those_that_exist(
    several: Path, monkeypatch: pytest.MonkeyPatch, source: CredentialSource, told: str
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(several))
    with pytest.raises(ConfigurationError, match=told):
        await source.load()


async def test_a_context_without_a_user_goes_without_credentials(several: Path) -> None:
    access = await CredentialSource(str(several), "anonymous").load()

    assert access.configuration.api_key == {}
    assert access.impersonation == ()


@pytest.fixture
def files(cluster: ClusterFacts, parts: tuple[JsonObject, JsonObject], tmp_path: Path) -> str:
    """Return files that complete each other; the second is the first with a current-context and a cluster `main`."""
    there, administrator = parts
    work, home = tmp_path / "work", tmp_path / "home"
    work.mkdir()
    home.mkdir()
    (work / "authority.pem").write_bytes(base64.b64decode(there["certificate-authority-data"]))
    main = {"server": cluster.server, "certificate-authority": "authority.pem"}
    (home / "empty").touch()
    (home / "users").write_text(yaml.safe_dump({"users": section("user", root=administrator), "current-context": ""}))
    (work / "first").write_text(
        yaml.safe_dump(
            {
                "clusters": section("cluster", main=main),
                "contexts": section("context", main={"cluster": "main", "user": "root", "namespace": "bots"}),
                "current-context": "main",
            }
        )
    )
    (home / "last").write_text(
        yaml.safe_dump(
            {
                "clusters": section("cluster", main={"server": "https://127.0.0.1:1"}, other={"server": "https://x"}),
                "contexts": section("context", other={"cluster": "other", "user": "root"}),
                "current-context": "other",
            }
        )
    )
    names = (home / "empty", home / "users", work / "first", home / "none", home / "last")
    return os.pathsep.join(str(name) for name in names)


async def test_of_several_files_the_first_that_says_something_counts(
    files: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", files)

    _, namespace = await seen(CredentialSource())

    assert namespace == "bots"


async def test_several_files_lead_where_they_lead_kubectl(
    cluster: ClusterFacts, files: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", files)
    theirs = kubectl(cluster, "config", "view", "--minify")

    access = await CredentialSource().load()

    assert access.configuration.host == theirs["clusters"][0]["cluster"]["server"]
    assert access.namespace == theirs["contexts"][0]["context"]["namespace"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("clusters: [1]", "clusters of .*/config must list `name` and `cluster`"),
        ("users: [{user: {}}]", "users of .*/config must list `name` and `user`"),
        ("a: [", "config is not YAML"),
        ("contexts: [{name: a, context: {}}]\ncurrent-context: a", "context a has no cluster"),
    ],
)
async def test_what_is_wrong_in_a_file_is_reported_with_its_name(tmp_path: Path, content: str, told: str) -> None:
    (tmp_path / "config").write_text(content)
    with pytest.raises(ConfigurationError, match=f"the kubeconfig .*/config cannot be used: .*{told}"):
        await CredentialSource(str(tmp_path / "config")).load()
