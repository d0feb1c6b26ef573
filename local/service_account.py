"""A kubeconfig with which a process outside of the cluster acts as one of its ServiceAccounts."""

from pathlib import Path

import yaml

from local.api_server import ApiServer

HOURS = 24


def service_account_kubeconfig(admin_kubeconfig: Path, namespace: str, name: str, destination: Path) -> Path:
    """Write a kubeconfig of that ServiceAccount, valid for a day and readable by this user only; return its path.

    The token is what a pod of the ServiceAccount would get (kubernetes.io, TokenRequest API). Raises local.api_server's
    Refused if there is no such ServiceAccount.
    """
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
    request = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": HOURS * 3600},
    }
    with ApiServer(admin_kubeconfig) as api:
        token = api.post(path, request)["status"]["token"]
    cluster = yaml.safe_load(admin_kubeconfig.read_text())["clusters"][0]
    context = {"cluster": cluster["name"], "user": name, "namespace": namespace}
    configuration = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [cluster],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": name, "context": context}],
        "current-context": name,
    }
    destination.touch(mode=0o600)
    destination.write_text(yaml.safe_dump(configuration, sort_keys=False))
    return destination
