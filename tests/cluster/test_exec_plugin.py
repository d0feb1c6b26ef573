"""Exec plugins: their input, their output, and how their failures are reported."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rasa_environments.api.base import JsonObject
from rasa_environments.cluster.credentials import CredentialSource
from rasa_environments.cluster.errors import ConfigurationError
from rasa_environments.cluster.exec_plugin import ExecPlugin
from tests.cluster.line import kubeconfig_with

if TYPE_CHECKING:
    from local.cluster import ClusterFacts

VERSION = "client.authentication.k8s.io/v1"
CLUSTER: JsonObject = {
    "server": "https://api.example",
    "certificate-authority": "ca.pem",
    "extensions": [{"name": "client.authentication.k8s.io/exec", "extension": {"audience": "bots"}}],
}


def plugin(folder: Path, *lines: str, **settings: object) -> ExecPlugin:
    """A plugin in the folder of its kubeconfig, as a script of Python."""
    path = folder / "plugin"
    path.write_text("\n".join([f"#!{sys.executable}", "import json, os, sys", *lines]))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    (folder / "ca.pem").write_text("authority")
    return ExecPlugin({"apiVersion": VERSION, "command": "./plugin", **settings}, folder, CLUSTER)


def prints(status: str, version: str = VERSION) -> str:
    """A line that prints an ExecCredential."""
    return f"print(json.dumps({{'apiVersion': {version!r}, 'kind': 'ExecCredential', 'status': {status}}}))"


def content(file: str | None) -> str:
    """What the file holds."""
    assert file is not None
    return Path(file).read_text()


async def test_its_path_is_relative_to_the_kubeconfig_and_its_token_is_taken(tmp_path: Path) -> None:
    given = plugin(tmp_path, prints("{'token': sys.argv[1] + os.environ['SUFFIX']}"))
    given.settings.update({"args": ["a"], "env": [{"name": "SUFFIX", "value": "b"}]})

    assert await given.credentials() == {"token": "ab"}


async def test_a_certificate_is_taken_as_well_as_a_token(cluster: ClusterFacts, tmp_path: Path) -> None:
    status = "{'token': 't', 'clientCertificateData': 'CERT', 'clientKeyData': 'KEY'}"
    settings = plugin(tmp_path, prints(status)).settings
    path = kubeconfig_with(cluster.kubeconfig, tmp_path / "config", user={"exec": settings})

    configuration = (await CredentialSource(path).load()).configuration

    assert configuration.api_key == {"BearerToken": "Bearer t"}
    assert content(configuration.cert_file) == "CERT"
    assert content(configuration.key_file) == "KEY"


async def test_it_is_told_of_the_cluster_where_it_asks_to(tmp_path: Path) -> None:
    echo = prints("{'token': os.environ['KUBERNETES_EXEC_INFO']}")

    told = json.loads((await plugin(tmp_path, echo, provideClusterInfo=True).credentials())["token"])
    silent = json.loads((await plugin(tmp_path, echo).credentials())["token"])

    assert told["spec"]["cluster"] == {
        "server": "https://api.example",
        "certificate-authority-data": "YXV0aG9yaXR5",
        "config": {"audience": "bots"},
    }
    assert silent == {"apiVersion": VERSION, "kind": "ExecCredential", "spec": {"interactive": False}}


@pytest.mark.parametrize(
    ("line", "settings", "told"),
    [
        ("sys.exit(3)", {}, "ends with exit code 3; run it by hand, or log in again"),
        ("print('hunter2')", {}, "does not print an ExecCredential with apiVersion and status"),
        ("print('[1]')", {}, "does not print an ExecCredential"),
        (prints("{'expirationTimestamp': 'hunter2'}"), {}, "prints neither a token nor clientCertificateData"),
        (prints("{'clientCertificateData': 'hunter2'}"), {}, "prints neither a token nor clientCertificateData"),
        (
            prints("{'token': 'hunter2'}", f"{VERSION}beta1"),
            {},
            f"prints apiVersion {VERSION}beta1, and the kubeconfig",
        ),
        ("", {"command": "./none", "installHint": "apt install none"}, "cannot be run: .*; apt install none"),
        ("", {"command": "no-such-program"}, "cannot be run: .*; install it, or choose another --context"),
        ("", {"apiVersion": "v1"}, "needs `command` and an `apiVersion` of client.authentication.k8s.io"),
        ("", {"interactiveMode": "Always"}, "requires user input .* but there is no terminal"),
    ],
)
async def test_a_plugin_that_fails_is_reported_by_name_and_without_what_it_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, settings: dict[str, object], told: str
) -> None:
    with (tmp_path / "no-terminal").open("w+") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        with pytest.raises(ConfigurationError, match=f"the exec plugin .* of the kubeconfig {told}") as caught:
            await plugin(tmp_path, line, **settings).credentials()

    assert "hunter2" not in str(caught.value)


async def test_where_a_plugin_fails_nothing_is_asked_without_credentials(cluster: ClusterFacts, tmp_path: Path) -> None:
    settings = plugin(tmp_path, "sys.exit(1)").settings
    path = kubeconfig_with(cluster.kubeconfig, tmp_path / "config", user={"exec": settings})

    with pytest.raises(ConfigurationError, match=r"config cannot be used: the exec plugin \./plugin"):
        await CredentialSource(path).load()
