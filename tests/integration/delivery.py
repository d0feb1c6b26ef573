"""A copy of the sample repository for one namespace, and the kubectl that delivers it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import yaml

from local.installation import MANIFESTS
from rasa_environments.api.base import JsonObject
from tests.integration.space import OUR_KINDS, Space
from tests.manifests.kubectl import Kubectl, Output

MARKS = {
    "labels": {
        "app.kubernetes.io/instance": "bots-production",
        "argocd.argoproj.io/instance": "bots-production",
        "kustomize.toolkit.fluxcd.io/name": "bots-production",
    },
    "annotations": {"argocd.argoproj.io/tracking-id": "bots-production:rasa-environments.io/Kind:bots/name"},
}
"""What Argo CD, by label or by annotation, and Flux write on the objects that they apply."""


@dataclass(frozen=True)
class Delivery:
    """A copy of the sample repository, for one namespace, and the kubectl that delivers it."""

    space: Space
    kubectl: Kubectl
    folder: Path

    @property
    def repository(self) -> Path:
        """The repository."""
        return self.folder / "repository"

    @property
    def whole(self) -> str:
        """The folder with all of it."""
        return str(self.folder / "marked")

    def part(self, environment: str) -> str:
        """The folder of one environment."""
        return str(self.repository / "overlays" / environment)

    def promote(self, environment: str, model: str) -> None:
        """Changes the line of a promotion."""
        file = Path(self.part(environment)) / "model.yaml"
        file.write_text("".join([*file.read_text().splitlines(keepends=True)[:-1], f"  model: {model}\n"]))

    def deliver(self, environment: str, account: str) -> Output:
        """Applies one environment's folder as one of the accounts that deliver, as Argo CD and Flux do."""
        user = f"system:serviceaccount:{self.space.namespace}-delivery:{account}"
        apply = ("apply", "--server-side", "--force-conflicts")
        return self.kubectl.attempt(*apply, "-k", self.part(environment), "--as", user)

    def objects(self) -> list[JsonObject]:
        """Our objects but their status, with who wrote what of them, and when."""
        return [without_status(obj) for kind in OUR_KINDS for obj in self.space.list(kind)]

    def difference(self, *flags: str) -> Output:
        """What `kubectl diff` says."""
        return self.kubectl.attempt("diff", *flags, "-k", self.whole)


def without_status(obj: JsonObject) -> JsonObject:
    """The object without its status, and what changes with it."""
    metadata = {key: value for key, value in obj["metadata"].items() if key != "resourceVersion"}
    managers = [entry for entry in metadata["managedFields"] if entry.get("subresource") != "status"]
    kept = {key: value for key, value in obj.items() if key != "status"}
    return {**kept, "metadata": {**metadata, "managedFields": managers}}


def own_copy(folder: Path, namespace: str, url: str) -> None:
    """Copies the sample for a namespace and a model server; beside it, the whole with the marks of who applies it."""
    repository = shutil.copytree(MANIFESTS / "samples" / "gitops", folder / "repository")
    for file in repository.glob("*/**/kustomization.yaml"):
        file.write_text(file.read_text().replace("namespace: bots", f"namespace: {namespace}"))
    server = repository / "model-server" / "model-server.yaml"
    server.write_text(server.read_text().replace("http://model-server:5002", url))
    (folder / "marked").mkdir()
    marked = {
        "resources": ["../repository"],
        "labels": [{"pairs": MARKS["labels"]}],
        "commonAnnotations": MARKS["annotations"],
    }
    (folder / "marked" / "kustomization.yaml").write_text(yaml.safe_dump(marked))
