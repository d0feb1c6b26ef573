"""Production and worker are not deleted by mistake, and nothing that should go ever hangs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local import installation
from rasa_environments.api.base import JsonObject
from rasa_environments.cluster.resources import CONFIG_MAPS
from tests.api.api_server import ApiServer, wait_until
from tests.integration.conftest import Installation
from tests.integration.manifests import environment, model_server, model_tag
from tests.integration.people import Person, Team, owner, refusal
from tests.integration.space import ENVIRONMENT, OUR_KINDS
from tests.integration.test_deletion import COLLECTION_SECONDS

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
COLLECTOR = "system:serviceaccount:kube-system:generic-garbage-collector"


def unconfirmed(name: str, namespace: str) -> str:
    """How a deletion that is not confirmed is refused."""
    return (
        f'environment "{name}" is registered at its model server, so users may depend on it; if you mean to delete it, '
        f"say so first: kubectl annotate deploymentenvironment {name} -n {namespace} "
        f"rasa-environments.io/confirm-deletion={name}"
    )


PROTECTED: dict[str, JsonObject] = {
    "production": environment("production", suspend=True),
    "worker": environment("worker", suspend=True),
    "RASA_ENVIRONMENT Production": environment("capital", environment="Production", suspend=True),
    "RASA_ENVIRONMENT production": environment("live", environment="production", suspend=True),
    "role Production": environment("live", role="Production", suspend=True),
    "role Worker": environment("trainer", role="Worker", suspend=True),
}


@pytest.mark.parametrize("manifest", PROTECTED.values(), ids=PROTECTED)
def test_a_registered_production_or_worker_is_not_deleted(team: Team, manifest: JsonObject) -> None:
    name = name_of(manifest)
    team.given(manifest)
    team.register(name)

    by_promoter = team.person("alice").delete(ENVIRONMENT, name)
    by_administrator = team.administrator.delete(ENVIRONMENT, name)
    with_all_others = team.administrator.delete_all(ENVIRONMENT)

    for answer in (by_promoter, by_administrator, with_all_others):
        assert refusal(answer) == unconfirmed(name, team.namespace)
    assert team.find(ENVIRONMENT, name) is not None


def test_it_is_deleted_once_that_is_confirmed_by_its_name(team: Team) -> None:
    team.given(environment(suspend=True))
    team.register("production")
    alice = team.person("alice")

    assert alice.annotate(ENVIRONMENT, "production", confirm_deletion="yes").accepted
    refused = alice.delete(ENVIRONMENT, "production")
    assert alice.annotate(ENVIRONMENT, "production", confirm_deletion="production").accepted
    deleted = alice.delete(ENVIRONMENT, "production")

    assert refusal(refused) == unconfirmed("production", team.namespace)
    assert deleted.accepted


@pytest.mark.parametrize(
    ("name", "truth"), [("production", "False"), ("production", "Unknown"), ("staging", "True")], ids=str
)
def test_what_is_not_registered_or_is_neither_of_the_two_is_deleted_at_once(team: Team, name: str, truth: str) -> None:
    team.given(environment(name, suspend=True))
    team.register(name, truth)

    assert team.person("alice").delete(ENVIRONMENT, name).accepted


def test_the_protection_is_not_edited_away(team: Team) -> None:
    team.given(environment("live", role="Production", suspend=True))
    team.register("live")

    answer = team.person("carol").change(ENVIRONMENT, "live", role=None)

    assert 'user "carol" may not promote to "live"' in refusal(answer)


@pytest.fixture
def owned(team: Team) -> Team:
    """A team whose objects belong to a ConfigMap `owner`."""
    path = CONFIG_MAPS.path(team.namespace)
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "owner"}}
    uid = team.api.request("POST", path, body).body["metadata"]["uid"]
    for manifest in (model_tag(model="A"), model_server("http://server"), environment(suspend=True)):
        owners = [owner("owner", uid)]
        team.given({**manifest, "metadata": {"name": name_of(manifest), "ownerReferences": owners}})
    team.register("production")
    return team


def name_of(manifest: JsonObject) -> str:
    """Its metadata.name."""
    return str(manifest["metadata"]["name"])


def objects(team: Team) -> list[JsonObject]:
    """All of ours that are there."""
    return [item for kind in OUR_KINDS for item in team.api.request("GET", team.administrator.path(kind)).body["items"]]


@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
def test_what_its_owner_leaves_behind_is_collected(owned: Team, propagation: str) -> None:
    path = CONFIG_MAPS.path(owned.namespace, "owner")

    owned.administrator.send("DELETE", path, {"propagationPolicy": propagation})

    wait_until(lambda: objects(owned) == [], "the garbage collector to take everything", COLLECTION_SECONDS)


def test_what_is_orphaned_stays_and_has_no_owner(owned: Team) -> None:
    path = CONFIG_MAPS.path(owned.namespace, "owner")

    owned.administrator.send("DELETE", path, {"propagationPolicy": "Orphan"})

    def orphaned() -> bool:
        return all("ownerReferences" not in item["metadata"] for item in objects(owned))

    wait_until(orphaned, "the garbage collector to take the owners from the lists", COLLECTION_SECONDS)
    assert len(objects(owned)) == len(OUR_KINDS)


def test_an_owner_is_no_permission_to_delete(owned: Team) -> None:
    owned.register("production", "False")
    dave = owned.person("dave")

    assert 'user "dave" may not promote' in refusal(dave.delete("ModelTag", "production"))
    assert 'user "dave" may not promote' in refusal(dave.delete("ModelServer", "default"))
    assert 'user "dave" may not promote' in refusal(dave.delete(ENVIRONMENT, "production"))


def test_the_garbage_collector_takes_only_what_has_an_owner(team: Team) -> None:
    team.given(model_tag(model="A"), environment(suspend=True))
    collector = Person(team.api, COLLECTOR, team.namespace)

    for kind in ("ModelTag", ENVIRONMENT):
        assert f'user "{COLLECTOR}" may not promote to "production"' in refusal(collector.delete(kind, "production"))


def fill(team: Team) -> None:
    """Puts one of each into the namespace, the environment registered and not confirmed."""
    team.given(model_server("http://server"), environment(suspend=True), model_tag(model="A", deletionPolicy="Delete"))
    team.register("production")


def test_a_namespace_goes_with_all_that_is_in_it(team: Team) -> None:
    fill(team)
    path = f"/api/v1/namespaces/{team.namespace}"

    team.api.request("DELETE", path)

    wait_until(lambda: team.api.request("GET", path).status == 404, "the namespace to be gone", 60)


@pytest.fixture
def to_be_uninstalled(breakable: Installation, team: Team) -> Iterator[Team]:
    """A team on a cluster on which the definitions of our kinds are installed again afterwards."""
    yield team
    installation.install(breakable.facts.kubeconfig)


def test_the_definitions_go_with_all_objects_though_the_policies_are_still_there(to_be_uninstalled: Team) -> None:
    api: ApiServer = to_be_uninstalled.api
    fill(to_be_uninstalled)
    names = [item["metadata"]["name"] for item in api.request("GET", DEFINITIONS).body["items"]]
    assert len(names) == len(OUR_KINDS)

    for name in names:
        assert api.request("DELETE", f"{DEFINITIONS}/{name}").accepted

    wait_until(lambda: api.request("GET", DEFINITIONS).body["items"] == [], "the definitions to be gone")
