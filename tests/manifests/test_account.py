"""The policies recognise the operator's account in any namespace, and affect no other account."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from local.installation import SERVICE_ACCOUNT
from local.service_account import service_account_kubeconfig
from rasa_environments.api.base import JsonObject
from rasa_environments.cluster.resources import SECRETS
from tests.api.api_server import ApiServer, wait_until
from tests.manifests.conftest import BOTS
from tests.manifests.kubectl import Kubectl

DENIED = "ValidatingAdmissionPolicy 'rasa-environments-operator-children'"
LOOT: JsonObject = {
    "apiVersion": "v1",
    "kind": "Secret",
    "type": "kubernetes.io/service-account-token",
    "metadata": {"name": "loot", "annotations": {"kubernetes.io/service-account.name": "default"}},
}


def account(kubectl: Kubectl, namespace: str, directory: Path) -> ApiServer:
    """The API server for the ServiceAccount rasa-environments of a namespace."""
    return ApiServer(
        service_account_kubeconfig(kubectl.kubeconfig, namespace, SERVICE_ACCOUNT, directory / "kubeconfig")
    )


@pytest.fixture(scope="module")
def editor(kubectl: Kubectl, bots: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """An account with the operator's name that is no operator: it may edit its own namespace."""
    del bots
    kubectl("create", "namespace", "delivery")
    kubectl("-n", "delivery", "create", "serviceaccount", SERVICE_ACCOUNT)
    subject = f"--serviceaccount=delivery:{SERVICE_ACCOUNT}"
    kubectl("-n", "delivery", "create", "rolebinding", "edit", "--clusterrole=edit", subject)
    with closing(account(kubectl, "delivery", tmp_path_factory.mktemp("editor"))) as api:
        yield api


def test_an_operator_of_one_namespace_is_held_to_its_own_work(bots: Kubectl, tmp_path: Path) -> None:
    with closing(account(bots, BOTS, tmp_path)) as api:
        answer = api.request("POST", SECRETS.path(BOTS), LOOT)

    assert answer.status == 403
    assert DENIED in answer.body["message"]


def test_an_account_of_the_same_name_that_is_no_operator_is_left_alone(editor: ApiServer) -> None:
    path = SECRETS.path("delivery")

    wait_until(lambda: editor.request("GET", path).accepted, "the binding to hold")

    assert editor.request("POST", path, LOOT, params={"dryRun": "All"}).accepted
