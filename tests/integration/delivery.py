"""A copy of the sample repository for the namespaces of a test, and the kubectl that delivers it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from local.installation import MANIFESTS
from rasa_environments.api.base import JsonObject
from tests.integration.space import OUR_KINDS, Space
from tests.manifests.kubectl import Kubectl, Output

MODEL_SERVER = "model-server"
ENVIRONMENTS = ("production", "worker", "staging")
PARTS = (MODEL_SERVER, *ENVIRONMENTS)
"""Folders of the repository, each with its own namespace and account: bots-<part> and <part>."""
MARKS = {
    "labels": {
        "app.kubernetes.io/instance": "bots-production",
        "argocd.argoproj.io/instance": "bots-production",
        "kustomize.toolkit.fluxcd.io/name": "bots-production",
    },
    "annotations": {"argocd.argoproj.io/tracking-id": "bots-production:rasa-environments.io/Kind:bots/name"},
}
"""What Argo CD (label or annotation) and Flux write on the objects that they apply."""


@dataclass(frozen=True)
class Delivery:
    """A copy of the sample repository, for namespaces of its own, and the kubectl that delivers it."""

    spaces: Mapping[str, Space]
    """The namespace of each of PARTS."""
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

    def part(self, name: str) -> str:
        """The folder of one of PARTS."""
        return str(self.repository / (name if name == MODEL_SERVER else f"overlays/{name}"))

    def renamed(self, text: str) -> str:
        """Return the text with the namespaces of this delivery in place of the sample's."""
        return renamed(text, self.spaces)

    def user(self, account: str) -> str:
        """Return who the API server takes an account for."""
        return f"system:serviceaccount:{self.renamed('bots-delivery')}:{account}"

    def promote(self, environment: str, model: str) -> None:
        """Change the line of a promotion."""
        file = Path(self.part(environment)) / "model.yaml"
        file.write_text("".join([*file.read_text().splitlines(keepends=True)[:-1], f"  model: {model}\n"]))

    def deliver(self, part: str, account: str) -> Output:
        """Apply one part's folder as one of the delivering accounts, as Argo CD and Flux do."""
        apply = ("apply", "--server-side", "--force-conflicts")
        return self.kubectl.attempt(*apply, "-k", self.part(part), "--as", self.user(account))

    def wait_until_ready(self) -> None:
        """Wait until all environments are Ready."""
        for environment in ENVIRONMENTS:
            self.spaces[environment].wait_until_ready(environment)

    def objects(self) -> list[JsonObject]:
        """Return the custom resources without their status, with who wrote what in them, and when."""
        return [without_status(obj) for kind in OUR_KINDS for space in self.spaces.values() for obj in space.list(kind)]

    def difference(self, *flags: str) -> Output:
        """Return the output of `kubectl diff`."""
        return self.kubectl.attempt("diff", *flags, "-k", self.whole)


def without_status(obj: JsonObject) -> JsonObject:
    """Return the object without its status, and without what changes with it."""
    metadata = {key: value for key, value in obj["metadata"].items() if key != "resourceVersion"}
    managers = [entry for entry in metadata["managedFields"] if entry.get("subresource") != "status"]
    kept = {key: value for key, value in obj.items() if key != "status"}
    return {**kept, "metadata": {**metadata, "managedFields": managers}}


def renamed(text: str, spaces: Mapping[str, Space]) -> str:
    """Return the text with the namespaces of the spaces in place of the sample's."""
    for part in PARTS:
        text = re.sub(rf"\bbots-{part}\b", spaces[part].namespace, text)
    return text.replace("bots-delivery", f"{spaces[MODEL_SERVER].namespace}-delivery")


def own_copy(folder: Path, spaces: Mapping[str, Space], url: str) -> None:
    """Copy the sample for namespaces and a model server; beside it, the whole with the marks of who applies it."""
    repository = shutil.copytree(MANIFESTS / "samples" / "gitops", folder / "repository")
    for file in repository.rglob("*.yaml"):
        file.write_text(renamed(file.read_text(), spaces).replace("http://model-server:5002", url))
    (folder / "marked").mkdir()
    marked = {
        "resources": ["../repository"],
        "labels": [{"pairs": MARKS["labels"]}],
        "commonAnnotations": MARKS["annotations"],
    }
    (folder / "marked" / "kustomization.yaml").write_text(yaml.safe_dump(marked))
