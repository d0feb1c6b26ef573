"""The files that the control plane reads."""

import base64
import stat
from pathlib import Path

import pytest
import yaml

from local.cluster import ClusterFacts
from local.control_plane_files import AUDIT_POLICY, kubeconfig, new_signing_key, tokens


def test_the_kubeconfig_needs_no_other_file() -> None:
    config = yaml.safe_load(kubeconfig("https://127.0.0.1:6443", b"certificate", "secret"))

    cluster = config["clusters"][0]["cluster"]
    assert cluster["server"] == "https://127.0.0.1:6443"
    assert base64.b64decode(cluster["certificate-authority-data"]) == b"certificate"
    assert "insecure-skip-tls-verify" not in cluster
    assert config["users"][0]["user"] == {"token": "secret"}
    assert config["current-context"] == config["contexts"][0]["name"]


def test_the_audit_policy_cannot_be_taken_for_json() -> None:
    assert not AUDIT_POLICY.lstrip().startswith("{")
    assert yaml.safe_load(AUDIT_POLICY)["rules"] == [{"level": "Metadata"}]


def test_the_administrator_is_in_the_group_that_may_do_everything() -> None:
    assert tokens("secret") == 'secret,admin,admin,"system:masters"\n'


def test_each_signing_key_is_new() -> None:
    assert new_signing_key() != new_signing_key()


def test_nobody_else_may_read_the_secrets_of_a_running_cluster(cluster: ClusterFacts) -> None:
    if cluster.flavour == "kind":
        pytest.skip("kind keeps its secrets in its container")

    def mode(path: Path) -> int:
        return stat.S_IMODE(path.stat().st_mode)

    assert mode(cluster.directory) == 0o700
    assert [mode(cluster.directory / name) for name in ("kubeconfig", "tokens.csv", "signing.key")] == [0o600] * 3
