"""Where credentials come from, and what happens when they rotate or are invalid."""

from __future__ import annotations

import asyncio
import base64
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import yaml
from kubernetes.aio.config import incluster_config

from local.node.certificates import Authority
from rasa_environments.api.base import ObjectKey
from rasa_environments.cluster import connection, credentials
from rasa_environments.cluster.client import Client
from rasa_environments.cluster.credentials import CredentialSource
from rasa_environments.cluster.errors import ApiError, ConfigurationError
from rasa_environments.cluster.impersonation import Impersonation
from rasa_environments.cluster.resources import CONFIG_MAPS, SELF_SUBJECT_REVIEWS
from tests.cluster.line import kubeconfig_with

if TYPE_CHECKING:
    from local.cluster import ClusterFacts

PLUGIN = """#!{python}
import json, pathlib
status = {{"token": pathlib.Path("{token}").read_text()}}
print(json.dumps({{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}}))
"""


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A process that is in no pod and has no kubeconfig."""
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused credentials are reloaded each time."""
    monkeypatch.setattr(connection, "_RELOAD_SECONDS", 0.0)


@pytest.fixture
def token(cluster: ClusterFacts) -> str:
    """A token that the API server accepts."""
    user = yaml.safe_load(cluster.kubeconfig.read_text())["users"][0]["user"]
    if "token" not in user:
        pytest.skip("the administrator of this cluster has a certificate and no token")
    return str(user["token"])


async def is_accepted(client: Client) -> bool:
    """Return whether the API server knows who this is."""
    try:
        await client.get(CONFIG_MAPS, ObjectKey("default", "kube-root-ca.crt"))
    except ApiError as error:
        if error.status != 401:
            raise
        return False
    return True


async def test_a_named_kubeconfig_is_used(cluster: ClusterFacts) -> None:
    async with await Client.connect(str(cluster.kubeconfig)) as client:
        assert await is_accepted(client)


async def test_the_kubeconfig_of_the_environment_is_used(
    cluster: ClusterFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", f"/no/such/file:{cluster.kubeconfig}")
    async with await Client.connect() as client:
        assert await is_accepted(client)


async def test_the_kubeconfig_of_the_home_is_used(cluster: ClusterFacts, tmp_path: Path) -> None:
    home = tmp_path / "home" / ".kube"
    home.mkdir(parents=True)
    (home / "config").write_bytes(cluster.kubeconfig.read_bytes())
    async with await Client.connect() as client:
        assert await is_accepted(client)


async def test_where_there_is_nothing_it_says_what_to_do() -> None:
    with pytest.raises(ConfigurationError, match=r"neither --kubeconfig nor .KUBECONFIG is set.* set --kubeconfig"):
        await Client.connect()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "the kubeconfig .*/config cannot be used: no such file"),
        ("", "the kubeconfig .*/config cannot be used: it is not a kubeconfig"),
        ("just text", "the kubeconfig .*/config cannot be used: it is not a kubeconfig"),
        ("a: [", "the kubeconfig .*/config cannot be used: "),
        ("{apiVersion: v1, kind: Config}", "the kubeconfig .*/config cannot be used: .*current-context"),
    ],
)
async def test_a_kubeconfig_that_is_none_is_reported(tmp_path: Path, content: str | None, told: str) -> None:
    if content is not None:
        (tmp_path / "config").write_text(content)
    with pytest.raises(ConfigurationError, match=told):
        await Client.connect(str(tmp_path / "config"))


async def test_an_unknown_context_is_reported(cluster: ClusterFacts) -> None:
    with pytest.raises(ConfigurationError, match="moon"):
        await Client.connect(str(cluster.kubeconfig), context="moon")


async def test_a_token_file_that_rotates_is_read_again(cluster: ClusterFacts, token: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("expired")
    path = kubeconfig_with(cluster.kubeconfig, tmp_path / "config", user={"tokenFile": str(file)})
    async with await Client.connect(path) as client:
        assert not await is_accepted(client)
        file.write_text(f"{token}\n")
        assert await is_accepted(client)


async def test_an_exec_plugin_is_asked_again_when_its_token_is_refused(
    cluster: ClusterFacts, token: str, tmp_path: Path
) -> None:
    file, plugin = tmp_path / "token", tmp_path / "plugin"
    plugin.write_text(PLUGIN.format(python=sys.executable, token=file))
    plugin.chmod(plugin.stat().st_mode | stat.S_IXUSR)
    command = {"apiVersion": "client.authentication.k8s.io/v1", "command": str(plugin), "interactiveMode": "Never"}
    path = kubeconfig_with(cluster.kubeconfig, tmp_path / "config", user={"exec": command})
    file.write_text("expired")
    async with await Client.connect(path) as client:
        assert not await is_accepted(client)
        file.write_text(token)
        assert await is_accepted(client)


@pytest.fixture
def pod(cluster: ClusterFacts, token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make this process look as if it ran in a pod; return the folder of the ServiceAccount's files."""
    address = urlsplit(cluster.server)
    authority = yaml.safe_load(cluster.kubeconfig.read_text())["clusters"][0]["cluster"]["certificate-authority-data"]
    for name, content in (
        ("token", token),
        ("ca.crt", base64.b64decode(authority).decode()),
        ("namespace", "bots"),
    ):
        (tmp_path / name).write_text(content)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", str(address.hostname))
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(address.port))
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(tmp_path / "ca.crt"))
    monkeypatch.setattr(credentials, "_NAMESPACE_FILE", tmp_path / "namespace")
    return tmp_path


async def test_inside_a_pod_the_service_account_is_used_and_its_token_rotates(pod: Path, token: str) -> None:
    (pod / "token").write_text("expired")
    async with await Client.connect() as client:
        assert client.namespace == "bots"
        assert not await is_accepted(client)
        (pod / "token").write_text(token)
        assert await is_accepted(client)


async def test_inside_a_pod_one_may_act_as_another(pod: Path) -> None:
    async with await Client.by(CredentialSource(impersonation=Impersonation("pam"))) as client:
        assert (await client.review(SELF_SUBJECT_REVIEWS))["userInfo"]["username"] == "pam"


async def test_inside_a_pod_a_kubeconfig_of_the_home_goes_first(pod: Path, cluster: ClusterFacts) -> None:
    home = pod / "home" / ".kube"
    home.mkdir(parents=True)
    (home / "config").write_bytes(cluster.kubeconfig.read_bytes())

    async with await Client.connect() as client:
        assert client.namespace == "default"


@pytest.mark.parametrize("source", [CredentialSource(context="team"), CredentialSource(user="pam")])
async def test_inside_a_pod_there_are_no_contexts(pod: Path, source: CredentialSource) -> None:
    with pytest.raises(ConfigurationError, match="select entries of a kubeconfig, but this pod has none"):
        await source.load()


async def test_another_server_and_another_authority_in_the_kubeconfig_are_found(
    cluster: ClusterFacts, tmp_path: Path
) -> None:
    real = yaml.safe_load(cluster.kubeconfig.read_text())["clusters"][0]["cluster"]
    kubeconfig = tmp_path / "config"
    for wrong in (
        {"server": "https://127.0.0.1:1"},
        {"certificate-authority-data": base64.b64encode(Authority().certificate.encode()).decode()},
    ):
        content = yaml.safe_load(cluster.kubeconfig.read_text())
        content["clusters"][0]["cluster"] = {**real, **wrong}
        kubeconfig.write_text(yaml.safe_dump(content))
        async with await Client.connect(str(kubeconfig)) as client:
            with pytest.raises(ApiError, match="no answer from the API server"):
                await is_accepted(client)
            kubeconfig.write_bytes(cluster.kubeconfig.read_bytes())
            with pytest.raises(ApiError, match="no answer from the API server"):
                await is_accepted(client)
            assert await is_accepted(client)


@pytest.mark.parametrize("nonsense", ["none", "-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n"])
async def test_an_authority_that_is_no_certificate_is_reported_at_the_start_and_outlived_later(
    cluster: ClusterFacts, tmp_path: Path, nonsense: str
) -> None:
    content = yaml.safe_load(cluster.kubeconfig.read_text())
    content["clusters"][0]["cluster"]["certificate-authority-data"] = base64.b64encode(nonsense.encode()).decode()
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigurationError, match=r"the kubeconfig .*/config cannot be used: .*X509"):
        await Client.connect(str(kubeconfig))

    refused = kubeconfig_with(cluster.kubeconfig, kubeconfig, user={"token": "refused"})
    async with await Client.connect(refused) as client:
        kubeconfig.write_text(yaml.safe_dump(content))
        assert not await is_accepted(client)
        kubeconfig.write_bytes(cluster.kubeconfig.read_bytes())
        assert await is_accepted(client)


async def test_requests_under_way_are_not_broken_off_by_new_credentials(
    cluster: ClusterFacts, token: str, tmp_path: Path
) -> None:
    path = kubeconfig_with(cluster.kubeconfig, tmp_path / "config", user={"token": token})
    async with await Client.connect(path) as client:
        listing = await client.list(CONFIG_MAPS, "default")
        opened = asyncio.Event()
        watch = client.watch(CONFIG_MAPS, "default", resource_version=listing.resource_version, opened=opened.set)
        event = asyncio.ensure_future(anext(watch))
        await opened.wait()
        kubeconfig_with(cluster.kubeconfig, tmp_path / "config", user={"token": "refused"})
        await client._connection._reload(client._connection._require_session())
        assert not await is_accepted(client)
        assert not event.done()
        event.cancel()
        await asyncio.wait({event})
