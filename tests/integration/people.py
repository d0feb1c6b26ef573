"""People with different rights, whom the administrator impersonates on the real API server."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rasa_environments.api.base import API_VERSION, GROUP, JsonObject
from rasa_environments.cluster.resources import resource_of
from tests.api.api_server import Answer, ApiServer, wait_until
from tests.integration.manifests import environment, model_server, model_tag
from tests.integration.space import ENVIRONMENT, OUR_KINDS

RBAC = "rbac.authorization.k8s.io"
STAGING_PROMOTER = "tests-staging-promoter"
CREATES_BY_HAND = "tests-creates-by-hand"
RUNS_JOBS = "tests-runs-jobs"
RUNS_PODS = "tests-runs-pods"
READS_SECRETS = "tests-reads-secrets"
KNOWN_SECRET = "tests-known-secret"
KNOWN = "known"
"""The one Secret that KNOWN_SECRET permits people to get."""
CLUSTER_ROLES: dict[str, JsonObject] = {
    STAGING_PROMOTER: {
        "apiGroups": [GROUP],
        "resources": ["deploymentenvironments"],
        "resourceNames": ["staging"],
        "verbs": ["promote"],
    },
    CREATES_BY_HAND: {
        "apiGroups": ["", "networking.k8s.io", "apps"],
        "resources": ["pods", "services", "serviceaccounts", "ingresses", "deployments"],
        "verbs": ["create", "update", "patch"],
    },
    RUNS_JOBS: {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create"]},
    RUNS_PODS: {"apiGroups": [""], "resources": ["pods"], "verbs": ["create"]},
    READS_SECRETS: {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]},
    KNOWN_SECRET: {"apiGroups": [""], "resources": ["secrets"], "resourceNames": [KNOWN], "verbs": ["get"]},
}
"""The rule of each ClusterRole that the tests add to the shipped ones."""
BY_HAND = (CREATES_BY_HAND, READS_SECRETS)
PEOPLE = {
    "dave": ("rasa-environments-edit", *BY_HAND),
    "carol": ("rasa-environments-edit", "rasa-environments-promoter", *BY_HAND),
    "erin": ("rasa-environments-edit", STAGING_PROMOTER, *BY_HAND),
    "alice": ("rasa-environments-admin", *BY_HAND),
    "grace": ("rasa-environments-admin", KNOWN_SECRET),
    "heidi": ("rasa-environments-admin", KNOWN_SECRET, CREATES_BY_HAND),
    "ivan": ("rasa-environments-admin", KNOWN_SECRET, RUNS_PODS),
    "judy": ("rasa-environments-admin", RUNS_JOBS),
    "kim": ("rasa-environments-edit", RUNS_JOBS),
}
"""Their ClusterRoles, in all namespaces. All of them may write, so any refusal comes from admission."""
PROMOTED_BY = "rasa-environments.io/promoted-by"
MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
DENIED = "denied request: "
NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Person:
    """Somebody who works in a namespace."""

    api: ApiServer
    name: str
    namespace: str
    group: str | None = None

    def path(self, kind: str, name: str | None = None, subresource: str | None = None) -> str:
        """Where an object is, or all of a kind."""
        return resource_of(kind).path(self.namespace, name, subresource)

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        content_type: str = "application/json",
        **query: str,
    ) -> Answer:
        """Send one request as this user."""
        headers = {"Impersonate-User": self.name, "Content-Type": content_type}
        if self.group:
            headers["Impersonate-Group"] = self.group
        return self.api.request(method, path, body, headers=headers, params=query)

    def create(self, manifest: JsonObject, **query: str) -> Answer:
        """Creates an object (POST)."""
        return self.send("POST", self.path(manifest["kind"]), manifest, **query)

    def apply(self, manifest: JsonObject, manager: str = "tests") -> Answer:
        """Apply an object on the server, taking over fields of others."""
        path = self.path(manifest["kind"], manifest["metadata"]["name"])
        return self.send("PATCH", path, manifest, APPLY_PATCH, fieldManager=manager, force="true")

    def merge(self, kind: str, name: str, change: JsonObject, subresource: str | None = None) -> Answer:
        """Merges a change into an object."""
        return self.send("PATCH", self.path(kind, name, subresource), change, MERGE_PATCH)

    def change(self, kind: str, name: str, **spec: Any) -> Answer:
        """Merges a change into the spec of an object."""
        return self.merge(kind, name, {"spec": spec})

    def annotate(self, kind: str, name: str, **annotations: str | None) -> Answer:
        """Sets annotations of our group, or removes them; `_` in a name stands for `-`."""
        keys = {f"{GROUP}/{key.replace('_', '-')}": value for key, value in annotations.items()}
        return self.merge(kind, name, {"metadata": {"annotations": keys}})

    def json_patch(self, kind: str, name: str, *operations: JsonObject) -> Answer:
        """Changes an object by operations (RFC 6902)."""
        return self.send("PATCH", self.path(kind, name), list(operations), JSON_PATCH)

    def replace(self, obj: JsonObject) -> Answer:
        """Replaces an object by another (PUT)."""
        return self.send("PUT", self.path(obj["kind"], obj["metadata"]["name"]), obj)

    def delete(self, kind: str, name: str, propagation: str = "Background") -> Answer:
        """Deletes an object."""
        return self.send("DELETE", self.path(kind, name), {"propagationPolicy": propagation})

    def delete_all(self, kind: str) -> Answer:
        """Deletes all objects of a kind in the namespace (deletecollection)."""
        return self.send("DELETE", self.path(kind))


@dataclass(frozen=True)
class Team:
    """A namespace and the people who work in it."""

    api: ApiServer
    namespace: str

    def person(self, name: str) -> Person:
        """One of PEOPLE."""
        return Person(self.api, name, self.namespace)

    @property
    def administrator(self) -> Person:
        """Somebody who may do everything."""
        return Person(self.api, "root", self.namespace, "system:masters")

    def given(self, *manifests: JsonObject) -> None:
        """Create objects that exist before the test begins."""
        for manifest in manifests:
            answer = self.person("alice").create(manifest)
            assert answer.accepted, answer.body["message"]

    def find(self, kind: str, name: str) -> JsonObject | None:
        """The object, or None."""
        answer = self.api.request("GET", resource_of(kind).path(self.namespace, name))
        return answer.body if answer.accepted else None

    def get(self, kind: str, name: str) -> JsonObject:
        """The object, which is there."""
        found = self.find(kind, name)
        assert found is not None, f"there is no {kind} {self.namespace}/{name}"
        return found

    def promoted_by(self, tag: str) -> str | None:
        """Return what a ModelTag records about who promoted."""
        annotations: Mapping[str, str] = self.get("ModelTag", tag)["metadata"].get("annotations") or {}
        return annotations.get(PROMOTED_BY)

    def register(self, name: str, truth: str = "True") -> None:
        """Reports an environment as registered at its model server, as the operator does."""
        condition = {
            "type": "Registered",
            "status": truth,
            "reason": "Registered",
            "message": "",
            "lastTransitionTime": "2026-01-01T12:00:00Z",
        }
        answer = self.api.request(
            "PATCH",
            resource_of(ENVIRONMENT).path(self.namespace, name, "status"),
            {"status": {"conditions": [condition]}},
            headers={"Content-Type": MERGE_PATCH},
        )
        assert answer.accepted, answer.body["message"]

    def clear(self) -> None:
        """Delete the custom resources, protected or not."""
        for item in self.api.request("GET", resource_of(ENVIRONMENT).path(self.namespace)).body.get("items", []):
            name = item["metadata"]["name"]
            self.administrator.annotate(ENVIRONMENT, name, confirm_deletion=name)
        for kind in OUR_KINDS:
            self.api.request("DELETE", resource_of(kind).path(self.namespace))


def new_team(api: ApiServer) -> Team:
    """Create a team in its own namespace."""
    team = Team(api, f"promotion-{next(NUMBERS)}")
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": team.namespace}}
    answer = api.apply(f"/api/v1/namespaces/{team.namespace}", manifest)
    assert answer.accepted, answer.body["message"]
    return team


def employ(api: ApiServer) -> None:
    """Grant the people their rights, and wait until rights and policies are in force."""
    for role, rule in CLUSTER_ROLES.items():
        create_cluster_role(api, role, rule)
    for person, roles in PEOPLE.items():
        for role in roles:
            bind(api, role, person)
    probe = new_team(api)
    wait_until(lambda: _all_is_in_force(probe), "rights and policies to be in force")
    probe.clear()


def create_cluster_role(api: ApiServer, name: str, rule: JsonObject) -> None:
    """Creates a ClusterRole of one rule."""
    _create_role(api, "ClusterRole", name, {"rules": [rule]})


def bind(api: ApiServer, role: str, person: str, namespace: str | None = None) -> None:
    """Gives somebody a ClusterRole, in one namespace or in all."""
    body = {
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": RBAC, "kind": "User", "name": person}],
    }
    kind = "RoleBinding" if namespace else "ClusterRoleBinding"
    _create_role(api, kind, f"tests-{person}-{role}", body, namespace)


def _create_role(api: ApiServer, kind: str, name: str, body: JsonObject, namespace: str | None = None) -> None:
    where = f"/namespaces/{namespace}" if namespace else ""
    manifest = {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": {"name": name}, **body}
    answer = api.apply(f"/apis/{RBAC}/v1{where}/{kind.lower()}s/{name}", manifest)
    assert answer.accepted, answer.body["message"]


def _all_is_in_force(team: Team) -> bool:
    """Return whether each person has their rights, and each policy is in force."""
    if team.find(ENVIRONMENT, "production") is None:
        team.person("alice").create(environment(suspend=True))
        return False
    team.register("production")
    dry = {"dryRun": "All"}
    denied = [
        team.person("dave").create(model_tag("staging", model="A"), **dry),
        team.person("dave").create(environment("staging"), **dry),
        team.person("dave").create(model_server("http://server"), **dry),
        team.person("alice").delete(ENVIRONMENT, "production"),
        team.person("grace").create(environment("any", podTemplate={}), **dry),
    ]
    permitted = [
        team.person("carol").create(model_tag("any", model="A"), **dry),
        team.person("erin").create(model_tag("staging", model="A"), **dry),
        team.person("alice").create(model_tag("production", model="A"), **dry),
    ]
    stamps = [(answer.body["metadata"].get("annotations") or {}).get(PROMOTED_BY) for answer in permitted]
    return all(DENIED in answer.body.get("message", "") for answer in denied) and stamps == ["carol", "erin", "alice"]


def refusal(answer: Answer) -> str:
    """Return the policy's own text in a refusal."""
    assert answer.status == 403, answer.body
    _, denied, words = str(answer.body["message"]).partition(DENIED)
    assert denied, answer.body["message"]
    return words


def lacks(person: str, environment_name: str, namespace: str, *changes: str) -> str:
    """Return the message of a refused promotion; `changes` are the guarded fields of an environment."""
    return (
        f'user "{person}" may not promote to "{environment_name}": needs the verb "promote" on '
        f'deploymentenvironments.{GROUP} "{environment_name}" in namespace "{namespace}"'
        + (f" to change {', '.join(changes)}" if changes else "")
    )


def owner(name: str, uid: str) -> JsonObject:
    """An owner reference to a ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": uid}


def tag_named_by_the_server(prefix: str, model: str) -> JsonObject:
    """Return a ModelTag whose name the API server generates."""
    metadata = {"generateName": prefix}
    return {"apiVersion": API_VERSION, "kind": "ModelTag", "metadata": metadata, "spec": {"model": model}}
