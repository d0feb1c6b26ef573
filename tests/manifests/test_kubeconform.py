"""All manifests are valid in each supported release of Kubernetes, by its own schemas."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import yaml

from local.binaries import KUBECONFORM, find_kubectl, find_or_build_program
from local.installation import MANIFESTS, ROOT
from local.kustomize import kustomized
from local.progress import silent
from rasa_environments.api.base import JsonObject
from tests.desired.golden_cases import CASES, golden_file
from tests.integration import manifests
from tests.manifests.chart import EVERYTHING, OF_PROMETHEUS, rendered
from tests.manifests.kubeconform import VERSIONS, Kubeconform, Verdict

KINDS_OF_GITOPS = ("AppProject", "ApplicationSet", "GitRepository", "Kustomization")
"""Kinds of Argo CD and Flux, which Kubernetes itself does not know."""


@pytest.fixture(scope="module")
def kubeconform(tmp_path_factory: pytest.TempPathFactory) -> Kubeconform:
    return Kubeconform(find_or_build_program(KUBECONFORM, silent), tmp_path_factory.mktemp("schemas"))


@pytest.fixture(scope="module")
def overlays() -> dict[str, list[JsonObject]]:
    """What is installed, by overlay, and the CRDs."""
    kubectl = find_kubectl(silent)
    folders = [ROOT / "crds", *(MANIFESTS / "overlays").iterdir()]
    return {folder.name: kustomized(folder, kubectl) for folder in folders}


@pytest.fixture(scope="module")
def gitops() -> dict[str, list[JsonObject]]:
    """The sample repository, and its setup for Argo CD and Flux."""
    kubectl = find_kubectl(silent)
    folders = [MANIFESTS / "samples" / "gitops", MANIFESTS / "gitops" / "argocd", MANIFESTS / "gitops" / "flux"]
    return {folder.name: kustomized(folder, kubectl) for folder in folders}


def all_in(*files: Path) -> list[JsonObject]:
    return [obj for file in files for obj in yaml.load_all(file.read_text(), yaml.CSafeLoader) if obj]


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_installed_is_valid(
    kubeconform: Kubeconform, overlays: dict[str, list[JsonObject]], version: str
) -> None:
    cluster = overlays["cluster" if version == "1.36" else "cluster-before-1.36"]
    objects = [*overlays["crds"], *cluster, *overlays["namespaced"]]

    assert kubeconform.judge(version, objects) == Verdict(valid=len(objects))


@pytest.mark.parametrize("version", VERSIONS)
def test_all_that_the_chart_has_is_valid(kubeconform: Kubeconform, version: str) -> None:
    objects = rendered(4, EVERYTHING, version)

    verdict = kubeconform.judge(version, objects, skip=OF_PROMETHEUS)

    assert verdict == Verdict(valid=len(objects) - len(OF_PROMETHEUS), skipped=len(OF_PROMETHEUS))


@pytest.mark.parametrize("version", VERSIONS)
def test_the_samples_are_valid(kubeconform: Kubeconform, version: str) -> None:
    files = [*(MANIFESTS / "samples").glob("*.yaml"), *(MANIFESTS / "samples" / "profiles").glob("*.yaml")]
    objects = all_in(*files, MANIFESTS / "promotion" / "samples" / "staging_promoter.yaml")

    assert kubeconform.judge(version, objects) == Verdict(valid=len(objects))


@pytest.mark.parametrize("version", VERSIONS)
def test_what_goes_with_gitops_is_valid(
    kubeconform: Kubeconform, gitops: dict[str, list[JsonObject]], version: str
) -> None:
    objects = [obj for made in gitops.values() for obj in made]

    verdict = kubeconform.judge(version, objects, skip=KINDS_OF_GITOPS)

    assert verdict.problems == []
    assert verdict.valid == sum(obj["kind"] not in KINDS_OF_GITOPS for obj in objects) > 20


@pytest.mark.parametrize("version", VERSIONS)
def test_what_the_operator_makes_is_valid(kubeconform: Kubeconform, version: str) -> None:
    objects = all_in(*[golden_file(case) for case in CASES])

    assert kubeconform.judge(version, objects) == Verdict(valid=len(objects))


def test_the_stamp_is_not_known_before_1_36(kubeconform: Kubeconform, overlays: dict[str, list[JsonObject]]) -> None:
    verdict = kubeconform.judge("1.35", overlays["cluster"])

    assert sorted(verdict.problems) == [
        f"{kind} rasa-environments-promoted-by: could not find schema for {kind}"
        for kind in ("MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding")
    ]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_misspelt_field_is_found(
    kubeconform: Kubeconform, overlays: dict[str, list[JsonObject]], version: str
) -> None:
    (deployment,) = (copy.deepcopy(obj) for obj in overlays["namespaced"] if obj["kind"] == "Deployment")
    deployment["spec"]["template"]["spec"]["containers"][0]["imagePullPolice"] = "Never"
    environment = manifests.environment(resources={"request": {"cpu": "1"}})

    verdict = kubeconform.judge(version, [deployment, environment])

    assert verdict.valid == 0
    assert sorted(problem.partition(":")[0] for problem in verdict.problems) == [
        "Deployment rasa-environments",
        "DeploymentEnvironment production",
    ]
    assert all("additional properties" in problem for problem in verdict.problems)
