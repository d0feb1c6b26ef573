"""Installs what the operator needs into a cluster: its resources, namespace and permissions."""

import itertools
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from local.api_server import ApiServer, RefusedError
from local.processes import ProcessFailedError
from local.progress import Progress, silent

ROOT = Path(__file__).parent.parent

MANIFESTS = ROOT / "manifests"
PROMOTION = MANIFESTS / "promotion"
"""Roles, and the policies that make promotion a permission."""

ACCOUNT = MANIFESTS / "account"
"""The policies that restrict the operator's ServiceAccount to its own work."""

OPERATOR = (
    ROOT / "crds",
    MANIFESTS / "overlays" / "cluster" / "namespace.yaml",
    MANIFESTS / "base" / "rbac.yaml",
    ACCOUNT,
    PROMOTION,
)
"""Everything of the operator except its Deployment, which a process replaces."""

KUSTOMIZATION = "kustomization.yaml"

STAMP = "MutatingAdmissionPolicyBinding"
"""The binding that makes admission record who promotes."""

OPTIONAL_KINDS = frozenset({"MutatingAdmissionPolicy", STAMP})
"""Kinds that clusters before Kubernetes 1.36 do not serve as v1, and that the operator can do without (docs:
Security)."""

NAMESPACE = "rasa-environments"
"""Namespace of the operator in manifests/."""

SERVICE_ACCOUNT = "rasa-environments"
"""Its name in manifests/base/rbac.yaml."""

ESTABLISHED_SECONDS = 30.0
SERVICE_UNAVAILABLE = 503


def install(
    kubeconfig: Path, sources: Iterable[Path] = OPERATOR, namespace: str = "default", progress: Progress = silent
) -> list[dict[str, Any]]:
    """Apply the files, and those in the folders; return the objects as stored, once all new kinds are served.

    `namespace` is the default for namespaced objects. Raises RefusedError with the API server's message, or
    ProcessFailedError.
    """
    with ApiServer(kubeconfig) as api:
        return apply(api, documents(sources), namespace, progress)


def apply(
    api: ApiServer, wanted: Iterable[dict[str, Any]], namespace: str = "default", progress: Progress = silent
) -> list[dict[str, Any]]:
    """Apply the documents in order; wait until new kinds are served, and until the stamp works.

    Documents of OPTIONAL_KINDS are left out if the cluster does not serve them.
    """
    stored = []
    for _, alike in itertools.groupby(wanted, key=lambda document: str(document["kind"])):
        applied = [obj for document in alike for obj in _apply_one(api, document, namespace, progress)]
        for obj in applied:
            if obj["kind"] == "CustomResourceDefinition":
                wait_until_served(api, obj)
            if obj["kind"] == STAMP:
                wait_until_stamped(api)
        stored += applied
    return stored


def _apply_one(
    api: ApiServer, document: dict[str, Any], namespace: str, progress: Progress
) -> Iterator[dict[str, Any]]:
    """Yield the document as stored, or nothing if it is left out."""
    what = f"{document['kind']} {document['metadata']['name']}"
    try:
        yield api.apply(document, namespace)
    except RefusedError as error:
        if error.status != 404 or document["kind"] not in OPTIONAL_KINDS:
            raise
        progress(f"left out {what}: {error}")
    else:
        progress(f"applied {what}")


def documents(sources: Iterable[Path]) -> Iterator[dict[str, Any]]:
    """Yield the documents of files and folders.

    Files of a folder come in the order of its kustomization, or by name.
    """
    for source in sources:
        for file in files_of(source) if source.is_dir() else [source]:
            yield from filter(None, yaml.load_all(file.read_text(), yaml.CSafeLoader))


def files_of(folder: Path) -> list[Path]:
    """Return the files of a folder in the order in which they are applied."""
    kustomization = folder / KUSTOMIZATION
    if not kustomization.exists():
        return sorted(folder.glob("*.yaml"))
    return [folder / name for name in yaml.safe_load(kustomization.read_text())["resources"]]


def wait_until_served(api: ApiServer, definition: dict[str, Any]) -> None:
    """Wait until the kind is established and can be listed. Raises ProcessFailedError if that takes too long."""
    name, spec = definition["metadata"]["name"], definition["spec"]
    collections = [f"/apis/{spec['group']}/{version['name']}/{spec['names']['plural']}" for version in spec["versions"]]
    deadline = time.monotonic() + ESTABLISHED_SECONDS
    while not (_established(api, name) and all(api.find(f"{path}?limit=1") for path in collections)):
        if time.monotonic() > deadline:
            raise ProcessFailedError(f"the API server does not serve {name} after {ESTABLISHED_SECONDS:.0f} s")
        time.sleep(0.05)


def wait_until_stamped(api: ApiServer) -> None:
    """Wait until admission records who promotes. Raises ProcessFailedError if that takes too long.

    With such a policy, the API server answers 503 until it has published the schema of a new kind.
    """
    tag = {
        "apiVersion": "rasa-environments.io/v1alpha1",
        "kind": "ModelTag",
        "metadata": {"name": "stamped"},
        "spec": {"model": "any"},
    }
    deadline = time.monotonic() + ESTABLISHED_SECONDS
    answer = ""
    while time.monotonic() < deadline:
        try:
            created = api.post("/apis/rasa-environments.io/v1alpha1/namespaces/default/modeltags?dryRun=All", tag)
        except RefusedError as error:
            if error.status != SERVICE_UNAVAILABLE:
                raise
            answer = f"; it answers: {error}"
        else:
            if created["metadata"].get("annotations"):
                return
        time.sleep(0.05)
    raise ProcessFailedError(
        f"the API server writes down nobody who promotes after {ESTABLISHED_SECONDS:.0f} s{answer}"
    )


def _established(api: ApiServer, name: str) -> bool:
    definition = api.get(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}")
    conditions = definition.get("status", {}).get("conditions") or []
    return any(item["type"] == "Established" and item["status"] == "True" for item in conditions)
