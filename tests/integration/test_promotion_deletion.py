"""Production and worker are not deleted by mistake, and no deletion ever hangs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import pytest

from local import installation
from rasa_environments.api.base import JsonObject
from rasa_environments.api.model_server import ModelServerSpec
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
    """The message that refuses an unconfirmed deletion."""
    return (
        f'environment "{name}" is a production or worker, so users may depend on it; if you mean to delete it, '
        f'say so first, which needs the verb "promote" on it: kubectl annotate deploymentenvironment {name} '
        f"-n {namespace} "
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


PROFILES = get_args(ModelServerSpec.model_fields["profile"].annotation)


@pytest.mark.parametrize("manifest", PROTECTED.values(), ids=PROTECTED)
def test_a_production_or_worker_is_not_deleted(team: Team, manifest: JsonObject) -> None:
    name = name_of(manifest)
    team.given(manifest)

    by_promoter = team.person("alice").delete(ENVIRONMENT, name)
    by_administrator = team.administrator.delete(ENVIRONMENT, name)
    with_all_others = team.administrator.delete_all(ENVIRONMENT)

    for answer in (by_promoter, by_administrator, with_all_others):
        assert refusal(answer) == unconfirmed(name, team.namespace)
    assert team.find(ENVIRONMENT, name) is not None


@pytest.mark.parametrize("registered", ["True", "False", "Unknown"])
def test_that_it_is_not_registered_makes_no_difference(team: Team, registered: str) -> None:
    team.given(environment(suspend=True))
    team.register("production", registered)

    assert refusal(team.person("alice").delete(ENVIRONMENT, "production")) == unconfirmed("production", team.namespace)


@pytest.mark.parametrize("profile", PROFILES)
def test_it_is_protected_whatever_the_model_server_is(team: Team, profile: str) -> None:
    team.given(model_server("http://server", profile=profile), environment(suspend=True))

    assert refusal(team.person("alice").delete(ENVIRONMENT, "production")) == unconfirmed("production", team.namespace)


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


@pytest.mark.parametrize("person", ["dave", "carol"])
def test_who_may_not_promote_to_it_neither_confirms_nor_deletes(team: Team, person: str) -> None:
    team.given(environment(suspend=True))
    somebody = team.person(person)

    confirmed = somebody.annotate(ENVIRONMENT, "production", confirm_deletion="production")
    refused = somebody.delete(ENVIRONMENT, "production")
    assert team.person("alice").annotate(ENVIRONMENT, "production", confirm_deletion="production").accepted
    refused_all_the_same = somebody.delete(ENVIRONMENT, "production")

    assert f'user "{person}" may not promote to "production"' in refusal(confirmed)
    assert 'to change metadata.annotations["rasa-environments.io/confirm-deletion"]' in refusal(confirmed)
    assert not refused.accepted
    assert f'user "{person}" may not promote to "production"' in refusal(refused_all_the_same)


@pytest.mark.parametrize("registered", ["True", "False"])
def test_an_environment_that_is_neither_is_deleted_at_once(team: Team, registered: str) -> None:
    team.given(environment("staging", suspend=True))
    team.register("staging", registered)

    assert team.person("alice").delete(ENVIRONMENT, "staging").accepted


def test_the_protection_is_not_edited_away(team: Team) -> None:
    team.given(environment("live", role="Production", suspend=True))

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
    assert owned.person("alice").annotate(ENVIRONMENT, "production", confirm_deletion="production").accepted
    dave = owned.person("dave")

    assert 'user "dave" may not promote' in refusal(dave.delete("ModelTag", "production"))
    assert 'user "dave" may not promote' in refusal(dave.delete("ModelServer", "default"))
    assert 'user "dave" may not promote' in refusal(dave.delete(ENVIRONMENT, "production"))


def test_the_garbage_collector_takes_only_what_has_an_owner(team: Team) -> None:
    team.given(model_tag(model="A"), environment("staging", suspend=True))
    collector = Person(team.api, COLLECTOR, team.namespace)

    for kind, name in (("ModelTag", "production"), (ENVIRONMENT, "staging")):
        assert f'user "{COLLECTOR}" may not promote to "{name}"' in refusal(collector.delete(kind, name))


def fill(team: Team) -> None:
    """Create one of each in the namespace, the deletion of the environment not confirmed."""
    team.given(model_server("http://server"), environment(suspend=True), model_tag(model="A", deletionPolicy="Delete"))


def test_a_namespace_goes_with_all_that_is_in_it(team: Team) -> None:
    fill(team)
    path = f"/api/v1/namespaces/{team.namespace}"

    team.api.request("DELETE", path)

    wait_until(lambda: team.api.request("GET", path).status == 404, "the namespace to be gone", 60)


@pytest.fixture
def to_be_uninstalled(breakable: Installation, team: Team) -> Iterator[Team]:
    """A team on a cluster where the CRDs are reinstalled afterwards."""
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
