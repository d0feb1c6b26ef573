"""The shipped files on the real API server: all accepted, without a warning, and well described."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from local.api_server import ApiServer as AnyKind
from local.api_server import kubeconfig_client
from local.installation import MANIFESTS, NAMESPACE, ROOT
from local.kustomize import kustomized
from rasa_environments.api.base import JsonObject
from tests.desired.golden_cases import CASES, golden_file
from tests.manifests.chart import EVERYTHING, OF_PROMETHEUS, rendered
from tests.manifests.kubectl import Kubectl, Output

TRIAL = "trial"
"""A namespace without an operator."""
SAMPLES = sorted(path for path in MANIFESTS.rglob("samples/**/*.yaml") if "gitops" not in path.parts)


@pytest.fixture(scope="module")
def trial(kubectl: Kubectl, installation: Output) -> Kubectl:
    """kubectl in that namespace; elsewhere the API server warns about pods below the level `restricted`."""
    kubectl("create", "namespace", TRIAL)
    kubectl("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/warn=restricted")
    return kubectl.within(TRIAL)


def warnings_of(kubectl: Kubectl, documents: list[JsonObject]) -> list[str]:
    """Return the API server's warnings in a dry run of the documents, which it has to accept."""
    said: list[str] = []
    with AnyKind(kubectl.kubeconfig) as api, kubeconfig_client(kubectl.kubeconfig) as client:
        for document in documents:
            answer = client.patch(
                api.path_of(document, TRIAL),
                params={"fieldManager": "trial", "force": "true", "dryRun": "All", "fieldValidation": "Strict"},
                headers={"Content-Type": "application/apply-patch+yaml"},
                content=yaml.safe_dump(document),
            )
            assert answer.is_success, f"{document['kind']}: {answer.text}"
            said += answer.headers.get_list("Warning")
    return said


def anywhere(objects: list[JsonObject]) -> list[JsonObject]:
    """The objects without a namespace of their own."""
    return [
        {**obj, "metadata": {key: value for key, value in obj["metadata"].items() if key != "namespace"}}
        for obj in objects
    ]


def documents_of(file: Path) -> list[JsonObject]:
    """The objects of a file, without a namespace of their own."""
    return anywhere([obj for obj in yaml.safe_load_all(file.read_text()) if obj])


def test_the_single_file_installs_everything_at_once(installation: Output) -> None:
    lines = installation.out.splitlines()

    assert installation.err == ""
    assert all(line.endswith(" serverside-applied") for line in lines)
    assert len(lines) == len(list(yaml.safe_load_all((MANIFESTS / "install.yaml").read_text())))


def test_the_folder_and_the_single_file_install_the_same(kubectl: Kubectl, installation: Output) -> None:
    applied = kubectl("apply", "--server-side", "--dry-run=server", "-f", str(ROOT / "crds"), "-o", "name")
    applied += kubectl("apply", "--server-side", "--dry-run=server", "-k", str(MANIFESTS), "-o", "name")

    assert sorted(applied.splitlines()) == sorted(line.split()[0] for line in installation.out.splitlines())
    assert kubectl("diff", "--server-side", "-k", str(MANIFESTS)) == ""


def test_without_the_stamp_it_is_the_same(kubectl: Kubectl) -> None:
    stamped, unstamped = (
        [
            (obj["kind"], obj["metadata"]["name"])
            for obj in kustomized(MANIFESTS / "overlays" / overlay, kubectl.program)
        ]
        for overlay in ("cluster", "cluster-before-1.36")
    )

    assert [thing for thing in stamped if thing not in unstamped] == [
        ("MutatingAdmissionPolicy", "rasa-environments-promoted-by"),
        ("MutatingAdmissionPolicyBinding", "rasa-environments-promoted-by"),
    ]
    assert [thing for thing in unstamped if thing not in stamped] == []


def test_nothing_of_the_namespaced_overlay_belongs_to_the_cluster(kubectl: Kubectl) -> None:
    objects = kustomized(MANIFESTS / "overlays" / "namespaced", kubectl.program)

    assert {obj["metadata"].get("namespace") for obj in objects} == {NAMESPACE}
    assert {obj["kind"] for obj in objects} == {
        "ServiceAccount",
        "Role",
        "RoleBinding",
        "Service",
        "NetworkPolicy",
        "Deployment",
    }


def test_a_namespace_or_the_whole_cluster_the_rights_are_the_same(kubectl: Kubectl) -> None:
    rules = {
        (obj["kind"], obj["metadata"]["name"]): obj["rules"]
        for overlay in ("cluster", "namespaced")
        for obj in kustomized(MANIFESTS / "overlays" / overlay, kubectl.program)
        if obj["kind"].endswith("Role")
    }

    name = "rasa-environments-operator"
    assert rules["Role", name] == rules["ClusterRole", name]


@pytest.mark.parametrize("overlay", ["../crds", "overlays/cluster", "overlays/namespaced"])
def test_the_api_server_warns_of_nothing_that_is_installed(trial: Kubectl, overlay: str) -> None:
    assert warnings_of(trial, kustomized(MANIFESTS / overlay, trial.program)) == []


def test_the_api_server_warns_of_nothing_in_the_chart(trial: Kubectl) -> None:
    known = [obj for obj in rendered(4, EVERYTHING) if obj["kind"] not in OF_PROMETHEUS]

    assert warnings_of(trial, known) == []


@pytest.mark.parametrize("file", SAMPLES, ids=lambda file: str(file.relative_to(MANIFESTS)))
def test_the_api_server_warns_of_no_sample(trial: Kubectl, file: Path) -> None:
    assert warnings_of(trial, documents_of(file)) == []


@pytest.mark.parametrize("folder", ["samples/gitops", "gitops/rights"])
def test_the_api_server_warns_of_nothing_that_goes_with_gitops(trial: Kubectl, folder: str) -> None:
    assert warnings_of(trial, anywhere(kustomized(MANIFESTS / folder, trial.program))) == []


@pytest.mark.parametrize("case", CASES)
def test_the_api_server_warns_of_nothing_that_the_operator_makes(trial: Kubectl, case: str) -> None:
    assert warnings_of(trial, documents_of(golden_file(case))) == []


def test_the_api_server_does_warn_of_what_is_deprecated(trial: Kubectl) -> None:
    endpoints = {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "old"}}

    (warning,) = warnings_of(trial, [endpoints])

    assert "deprecated" in warning
