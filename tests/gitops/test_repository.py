"""The sample repository and its delivery: built by kustomize, checked as its CI does, promoted by changing one line."""

from __future__ import annotations

import difflib
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from local.binaries import find_kubectl
from local.installation import MANIFESTS
from local.kustomize import kustomized
from local.progress import silent
from rasa_environments.api.base import JsonObject
from rasa_environments.runtime.assembly import CHILD_RESOURCES
from tests.api.objects import MODELS
from tests.gitops.checking import run_check

SAMPLE = MANIFESTS / "samples" / "gitops"
GITOPS = MANIFESTS / "gitops"
ENVIRONMENTS = ("production", "worker", "staging")
NEXT = "20260102-120000"
CHILDREN = tuple((resource.api_version.rpartition("/")[0], resource.kind) for resource in CHILD_RESOURCES)
Build = Callable[[Path], list[JsonObject]]
Check = Callable[[], subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def build() -> Build:
    """What kustomize makes of a folder."""
    kubectl = find_kubectl(silent)
    return lambda folder: kustomized(folder, kubectl)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Copy the repository, as a user of the sample does."""
    return shutil.copytree(SAMPLE, tmp_path / "repository")


@pytest.fixture
def check(repository: Path, tmp_path: Path) -> Check:
    """Runs what its CI runs."""
    return lambda: run_check(repository, tmp_path)


@pytest.fixture(scope="module")
def projects(build: Build) -> list[JsonObject]:
    """The projects of Argo CD."""
    return [obj for obj in build(GITOPS / "argocd") if obj["kind"] == "AppProject"]


def identities(objects: list[JsonObject]) -> list[tuple[str, str, str]]:
    """Kind, namespace and name."""
    return sorted((obj["kind"], obj["metadata"]["namespace"], obj["metadata"]["name"]) for obj in objects)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_overlay_is_an_environment_and_the_tag_that_it_pulls(environment: str, build: Build) -> None:
    objects = build(SAMPLE / "overlays" / environment)

    namespace = f"bots-{environment}"
    assert identities(objects) == [(kind, namespace, environment) for kind in ("DeploymentEnvironment", "ModelTag")]
    for obj in objects:
        MODELS[obj["kind"]].model_validate(obj)


def test_all_of_it_is_the_model_server_and_the_overlays(build: Build) -> None:
    parts = [SAMPLE / "model-server", *(SAMPLE / "overlays" / environment for environment in ENVIRONMENTS)]

    assert identities(build(SAMPLE)) == identities([obj for part in parts for obj in build(part)])


def test_the_model_server_is_apart_and_takes_the_namespaces_of_the_overlays(build: Build) -> None:
    (server,) = build(SAMPLE / "model-server")
    overlays = [obj for environment in ENVIRONMENTS for obj in build(SAMPLE / "overlays" / environment)]
    namespaces = {obj["metadata"]["namespace"] for obj in overlays}

    assert set(server["spec"]["accessFrom"]["namespaces"]) == namespaces
    assert len(namespaces) == len(ENVIRONMENTS)
    assert {obj["spec"]["modelServerRef"]["namespace"] for obj in overlays} == {server["metadata"]["namespace"]}
    assert server["metadata"]["namespace"] not in namespaces


def test_a_promotion_changes_one_line_of_one_file_and_one_field_of_one_object(repository: Path, build: Build) -> None:
    before = build(repository)
    file = repository / "overlays" / "production" / "model.yaml"
    lines = file.read_text().splitlines(keepends=True)

    file.write_text("".join([*lines[:-1], lines[-1].replace("20260101-120000", NEXT)]))

    old, new = (yaml.safe_dump(objects).splitlines() for objects in (before, build(repository)))
    changed = [line for line in difflib.unified_diff(old, new, n=0, lineterm="") if re.match("[-+] ", line)]
    assert changed == ["-    model: 20260101-120000", f"+    model: {NEXT}"]
    tag = next(obj for obj in build(repository / "overlays" / "production") if obj["kind"] == "ModelTag")
    assert tag["spec"]["model"] == NEXT


def test_the_check_takes_the_repository_as_it_stands(check: Check) -> None:
    checked = check()

    assert (checked.returncode, checked.stderr) == (0, "")
    assert checked.stdout == "the manifests are valid\n"


@pytest.mark.parametrize(
    ("file", "right", "wrong", "said"),
    [
        ("overlays/production/model.yaml", "model: 2026", "modle: 2026", "modle"),
        ("overlays/staging/environment.yaml", "updateStrategy: Rolling", "updateStrategy: Strolling", "updateStrategy"),
        ("overlays/worker/kustomization.yaml", "value: worker", "value: production", "production"),
        ("base/environment.yaml", "version: 3.6.21", "version: latest", "version"),
    ],
)
def test_the_check_refuses_what_the_cluster_would_refuse(
    file: str, right: str, wrong: str, said: str, repository: Path, check: Check
) -> None:
    path = repository / file
    text = path.read_text()
    assert right in text
    path.write_text(text.replace(right, wrong))

    checked = check()

    assert checked.returncode != 0
    assert said in checked.stderr


def test_who_reviews_production_and_worker_is_named() -> None:
    lines = (SAMPLE / "CODEOWNERS").read_text().splitlines()
    owners = dict(line.split() for line in lines if line and not line.startswith("#"))

    assert owners["/overlays/production/"] == owners["/overlays/worker/"] == owners["/base/"] == "@bots/release"
    assert [path for path in owners if path != "*" and not (SAMPLE / path.lstrip("/")).exists()] == []


def test_each_folder_is_delivered_by_flux_as_an_account_of_its_own(build: Build) -> None:
    objects = build(GITOPS / "flux")
    parts = [obj for obj in objects if obj["kind"] == "Kustomization"]
    accounts = {obj["metadata"]["name"] for obj in objects if obj["kind"] == "ServiceAccount"}

    assert sorted(part["spec"]["path"] for part in parts) == [
        "model-server",
        *(f"overlays/{environment}" for environment in sorted(ENVIRONMENTS)),
    ]
    assert {part["spec"]["serviceAccountName"] for part in parts} == accounts
    for part in parts:
        assert (SAMPLE / part["spec"]["path"] / "kustomization.yaml").exists()
        assert part["metadata"]["name"] == Path(part["spec"]["path"]).name == part["spec"]["serviceAccountName"]
        assert {check["kind"] for check in part["spec"]["healthCheckExprs"]} == set(MODELS)


def test_each_folder_is_delivered_by_argo_cd_as_an_account_of_its_own(build: Build) -> None:
    objects = build(GITOPS / "argocd")
    (applications,) = [obj for obj in objects if obj["kind"] == "ApplicationSet"]
    projects = {obj["metadata"]["name"]: obj["spec"] for obj in objects if obj["kind"] == "AppProject"}
    accounts = {obj["metadata"]["name"] for obj in objects if obj["kind"] == "ServiceAccount"}
    elements = applications["spec"]["generators"][0]["list"]["elements"]

    assert [element["path"] for element in elements] == [
        "model-server",
        *(f"overlays/{environment}" for environment in ENVIRONMENTS),
    ]
    assert {element["name"] for element in elements} == accounts
    assert applications["spec"]["template"]["spec"]["project"] == "bots-{{.name}}"
    assert projects.keys() == {f"bots-{name}" for name in accounts}
    for name in accounts:
        project = projects[f"bots-{name}"]
        (destination,) = project["destinationServiceAccounts"]
        assert destination["defaultServiceAccount"] == f"bots-delivery:{name}"
        assert [place["namespace"] for place in (*project["destinations"], destination)] == [f"bots-{name}"] * 2
    assert applications["spec"]["template"]["spec"]["destination"]["namespace"] == "bots-{{.name}}"


def permitted(project: JsonObject, group: str, kind: str) -> bool:
    """Return whether a project permits its Applications an object in a namespace, and shows it in their tree.

    AppProject.IsGroupKindNamePermitted and getResourceTree of argo-cd; its manual says so, too:
    https://argo-cd.readthedocs.io/en/latest/user-guide/projects/
    """
    return any(
        entry["group"] in {"*", group} and entry["kind"] in {"*", kind}
        for entry in project["spec"]["namespaceResourceWhitelist"]
    )


@pytest.mark.parametrize("kind", [*CHILDREN, ("apps", "ReplicaSet"), ("", "Pod")], ids=lambda kind: kind[1])
def test_argo_cd_shows_all_that_an_environment_consists_of(kind: tuple[str, str], projects: list[JsonObject]) -> None:
    assert [project["metadata"]["name"] for project in projects if not permitted(project, *kind)] == []


@pytest.mark.parametrize("kind", [("external-secrets.io", "ExternalSecret"), ("bitnami.com", "SealedSecret")])
def test_what_makes_a_secret_may_be_in_git(
    kind: tuple[str, str], projects: list[JsonObject], repository: Path, check: Check
) -> None:
    group, name = kind
    made = {"apiVersion": f"{group}/v1", "kind": name, "metadata": {"name": "model-server-credentials"}, "spec": {}}
    (repository / "model-server" / "secret.yaml").write_text(yaml.safe_dump(made))
    with (repository / "model-server" / "kustomization.yaml").open("a") as kustomization:
        kustomization.write("  - secret.yaml\n")

    assert all(permitted(project, *kind) for project in projects)
    assert (checked := check()).returncode == 0, checked.stderr


@pytest.mark.parametrize("kind", [("rbac.authorization.k8s.io", "RoleBinding"), ("external-secrets.io", "SecretStore")])
def test_nothing_else_may_be_in_git(kind: tuple[str, str], projects: list[JsonObject]) -> None:
    assert not any(permitted(project, *kind) for project in projects)
