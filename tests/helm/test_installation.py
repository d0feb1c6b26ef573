"""Installing a release: on an empty cluster, over kubectl's installation, and without rights on the cluster."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from local import installation
from local.api_server import ApiServer as AnyKind
from local.cluster import ClusterFacts
from local.helm import CHART, VERSIONS, Version
from rasa_environments.api.base import JsonObject
from tests.api.api_server import ApiServer, wait_until
from tests.helm.conftest import Start, pods, remove_definitions
from tests.helm.release import Release, living
from tests.helm.rendering import NAMESPACE, RELEASE, render
from tests.integration.conftest import furnish
from tests.integration.manifests import environment
from tests.integration.model_server_process import MODEL_A, ModelServerProcess
from tests.integration.space import ENVIRONMENT, OUR_KINDS, Space

OURS: dict[str, Any] = {
    "modelServer": {"enabled": True, "persistence": {"enabled": False}},
    "defaults": {"rasa": {"version": "3.6.21"}},
    "productionAndWorker": True,
    "modelTags": {"production": "20260101-120000"},
}
RBAC = "rbac.authorization.k8s.io"
TOKENS = f"/api/v1/namespaces/{NAMESPACE}/secrets/{RELEASE}-model-server"
OPERATOR = "app.kubernetes.io/component=operator"
TENANT = "tenant"
TENANCY = "tenancy"
"""A namespace that belongs to somebody who has no right outside of it."""


FORCE: dict[Version, tuple[str, ...]] = {3: (), 4: ("--force-conflicts",)}
"""Additional arguments to take over: Helm 4 uses server-side apply, where fields have owners."""


@dataclass(frozen=True)
class Beginnings:
    """Install a release with OURS on an empty cluster, upgrade it without changes, and reinstall it."""

    notes: list[str]
    ours: list[set[str]]
    uids: list[dict[str, str]]
    tokens: list[dict[str, str]]


@pytest.fixture(scope="module", params=VERSIONS, ids=lambda version: f"helm{version}")
def beginnings(request: pytest.FixtureRequest, cluster: ClusterFacts, api: ApiServer, any_kind: AnyKind) -> Beginnings:
    """What Helm said each time, which of our objects there were, and the model server's tokens."""
    remove_definitions(api)
    release = Release(request.param, cluster.kubeconfig)
    seen = Beginnings([], [], [], [])
    server = {**OURS["modelServer"], "tokens": {"existingSecret": "any"}}  # to render it without a cluster
    ours = [obj for obj in render({**OURS, "modelServer": server}).objects if obj["kind"] in OUR_KINDS]

    def look(notes: str) -> None:
        seen.notes.append(notes)
        there = living(any_kind, ours)
        seen.ours.append(set(there))
        seen.uids.append(uids(there))
        seen.tokens.append(any_kind.get(TOKENS)["data"])

    look(release.install(CHART, OURS, "--create-namespace"))
    installation.wait_until_stamped(any_kind)  # until then a ModelTag is answered with 503
    look(release.upgrade(CHART, OURS))
    release.uninstall()
    look(release.install(CHART, OURS))
    release.uninstall()
    return seen


def test_tags_come_with_the_second_revision_of_a_release_that_brings_their_definition_and_all_the_rest_at_once(
    beginnings: Beginnings,
) -> None:
    said = ["NOT YET INSTALLED: the model tags" in notes for notes in beginnings.notes]
    at_once = {f"{ENVIRONMENT}/production", f"{ENVIRONMENT}/worker", "ModelServer/default"}

    assert said == [True, False, False]
    assert beginnings.ours == [at_once, at_once | {"ModelTag/production"}, at_once | {"ModelTag/production"}]


def test_what_came_by_a_hook_is_taken_into_the_release_as_it_is(beginnings: Beginnings) -> None:
    first, second, _ = beginnings.uids

    assert {name: second[name] for name in first} == first


def test_tokens_are_generated_once_and_outlive_the_release(beginnings: Beginnings) -> None:
    first, upgraded, installed_anew = beginnings.tokens

    assert first.keys() == {"token", "apiToken", "jwtSecret"}
    assert upgraded == first
    assert installed_anew == first


@pytest.fixture(params=VERSIONS, ids=lambda version: f"helm{version}")
def release(request: pytest.FixtureRequest, cluster: ClusterFacts, api: ApiServer) -> Iterator[Release]:
    """A release that is not installed yet, on a cluster without the definitions."""
    remove_definitions(api)
    it = Release(request.param, cluster.kubeconfig)
    yield it
    it.uninstall()


def test_what_kubectl_applied_becomes_a_release_and_its_pods_go_on(
    release: Release, api: ApiServer, any_kind: AnyKind
) -> None:
    applied = installation.install(release.kubeconfig, [installation.MANIFESTS / "install.yaml"])
    wait_until(lambda: len(pods(api, NAMESPACE, OPERATOR)) == 1, "the pod of the operator")
    before = living(any_kind, applied)
    pod = pods(api, NAMESPACE, OPERATOR)

    release.install(CHART, None, "--take-ownership", *FORCE[release.version])

    after = living(any_kind, applied)
    assert uids(after) == uids(before)
    assert pods(api, NAMESPACE, OPERATOR) == pod
    taken = set(after) - {f"Namespace/{NAMESPACE}"}
    assert {after[name]["metadata"]["annotations"]["meta.helm.sh/release-name"] for name in taken} == {RELEASE}
    assert {f"{obj['kind']}/{obj['metadata']['name']}" for obj in release.objects()} == taken


def uids(objects: dict[str, JsonObject]) -> dict[str, str]:
    """Return the UID of each, which stays while the object is the same."""
    return {name: obj["metadata"]["uid"] for name, obj in objects.items()}


@pytest.fixture
def tenancy(cluster: ClusterFacts, any_kind: AnyKind) -> Iterator[str]:
    """A namespace whose owner may do everything in it, and nothing outside, on a cluster with the definitions."""
    installation.install(cluster.kubeconfig, [installation.ROOT / "crds"])
    any_kind.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": TENANCY}})
    everything = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
    role = {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": {"name": TENANT}, "rules": [everything]}
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": TENANT},
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": TENANT},
        "subjects": [{"apiGroup": RBAC, "kind": "User", "name": TENANT}],
    }
    for document in (role, binding):
        any_kind.apply(document, TENANCY)
    yield TENANCY
    Release(4, cluster.kubeconfig, TENANCY).uninstall()


@pytest.mark.parametrize("version", VERSIONS)
def test_who_owns_a_namespace_installs_an_operator_for_it(
    version: Version, cluster: ClusterFacts, tenancy: str, any_kind: AnyKind
) -> None:
    release = Release(version, cluster.kubeconfig, tenancy, user=TENANT)
    values = {"namespaces": [tenancy], "productionAndWorker": True, "modelTags": {"worker": MODEL_A}, "replicas": 2}

    notes = release.install(CHART, values)
    there = living(any_kind, release.objects(), tenancy)
    release.upgrade(CHART, values)
    release.uninstall()

    assert f"The operator looks after the namespaces {tenancy}." in notes
    assert "This release has no admission policies." in notes
    assert len(there) == len(release_kinds(there)) + 3
    kept = {name for name in there if name.partition("/")[0] in OUR_KINDS}
    assert living(any_kind, list(there.values()), tenancy).keys() == kept


def release_kinds(objects: dict[str, JsonObject]) -> set[str]:
    """The kinds of the objects."""
    return {name.partition("/")[0] for name in objects}


def test_an_operator_for_a_namespace_needs_only_its_roles(
    cluster: ClusterFacts, api: ApiServer, tenancy: str, start_operator: Start, models: ModelServerProcess
) -> None:
    release = Release(4, cluster.kubeconfig, tenancy, user=TENANT)
    release.install(CHART, {"namespaces": [tenancy]})
    operator = start_operator("--namespace", tenancy, namespace=tenancy)
    space = Space(api, tenancy, operator)
    furnish(space, models)

    space.apply(environment())

    space.wait_until_ready()
    assert "forbidden" not in operator.logged().lower()
    operator.stop()
