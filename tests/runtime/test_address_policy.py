"""Which addresses the operator may connect to: loopback only outside a cluster, unless allowed."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from rasa_environments.cluster.credentials import CredentialSource
from rasa_environments.runtime.assembly import address_policy
from rasa_environments.runtime.settings import Settings


@pytest.mark.parametrize(
    ("setting", "in_cluster", "allowed"),
    [(None, True, False), (None, False, True), (True, True, True), (False, False, False)],
)
def test_loopback_is_for_laptops_and_for_those_who_ask(setting: bool | None, in_cluster: bool, allowed: bool) -> None:
    policy = address_policy(Settings(allow_loopback=setting), in_cluster=in_cluster)

    assert (policy.refusal(ip_address("127.0.0.1")) is None) is allowed


@pytest.mark.parametrize("allowed", [True, False])
def test_link_local_addresses_are_for_those_who_ask(allowed: bool) -> None:
    policy = address_policy(Settings(allow_link_local=allowed, allow_loopback=True), in_cluster=False)

    assert (policy.refusal(ip_address("169.254.169.254")) is None) is allowed


@pytest.mark.parametrize(
    ("option", "variables", "in_cluster"),
    [
        (None, {"KUBERNETES_SERVICE_HOST": "10.96.0.1"}, True),
        (None, {}, False),
        ("/kubeconfig", {"KUBERNETES_SERVICE_HOST": "10.96.0.1"}, False),
        (None, {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBECONFIG": "/kubeconfig"}, False),
    ],
)
def test_in_a_cluster_is_who_uses_the_account_of_its_pod(
    monkeypatch: pytest.MonkeyPatch, option: str | None, variables: dict[str, str], in_cluster: bool
) -> None:
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert CredentialSource(option).in_cluster is in_cluster
