"""What each shipped role permits, and what the Kubernetes roles permit through it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import yaml

from local.installation import PROMOTION
from rasa_environments.api.base import GROUP, JsonObject
from tests.api.api_server import ApiServer, wait_until
from tests.integration.manifests import model_tag
from tests.integration.people import Person, Team, bind, create_cluster_role, lacks, new_team, refusal

RIGHTS: dict[str, JsonObject] = {
    "read": {"verb": "list", "resource": "modeltags"},
    "write tags": {"verb": "patch", "resource": "modeltags", "name": "any"},
    "write environments": {"verb": "patch", "resource": "deploymentenvironments", "name": "any"},
    "write model servers": {"verb": "patch", "resource": "modelservers", "name": "any"},
    "scale": {"verb": "patch", "resource": "deploymentenvironments", "subresource": "scale", "name": "any"},
    "promote": {"verb": "promote", "resource": "deploymentenvironments", "subresource": "custom", "name": "any"},
    "promote to production": {"verb": "promote", "resource": "deploymentenvironments", "name": "production"},
    "promote to all": {"verb": "promote", "resource": "deploymentenvironments"},
    "write a status": {"verb": "patch", "resource": "modeltags", "subresource": "status", "name": "any"},
}
READS = {"read"}
WRITES = {"write tags", "write environments", "write model servers", "scale"}
EVERYTHING = RIGHTS.keys() - {"write a status"}
ROLES: dict[str, set[str]] = {
    "rasa-environments-view": READS,
    "rasa-environments-edit": READS | WRITES,
    "rasa-environments-promoter": READS | {"write tags", "promote"},
    "rasa-environments-admin": EVERYTHING,
    "view": READS,
    "edit": READS | WRITES | {"promote"},
    "admin": EVERYTHING,
}
May = Callable[[str, JsonObject], bool]


@pytest.fixture(scope="module")
def may(employer: ApiServer) -> Iterator[May]:
    """Return whether somebody with the role has the right in a namespace."""
    team = new_team(employer)

    def ask(role: str, right: JsonObject) -> bool:
        attributes = {"group": GROUP, "namespace": team.namespace, **right}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": f"somebody-with-{role}", "resourceAttributes": attributes},
        }
        answer = employer.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
        return bool(answer.body["status"]["allowed"])

    for role in ROLES:
        bind(employer, role, f"somebody-with-{role}", team.namespace)
    wait_until(lambda: all(ask(role, RIGHTS["read"]) for role in ROLES), "the roles to be in force")
    yield ask
    team.clear()


@pytest.mark.parametrize("role", ROLES)
def test_a_role_permits_what_it_should_and_no_more(may: May, role: str) -> None:
    assert {name for name, right in RIGHTS.items() if may(role, right)} == ROLES[role]


ANSWERS_WITHOUT_PROMOTE: dict[str, JsonObject] = {
    "changes the Deployment": {"group": "apps", "resource": "deployments", "name": "production-rasa", "verb": "patch"},
    "changes the Service": {"group": "", "resource": "services", "name": "production-rasa", "verb": "patch"},
    "reads the token": {"group": "", "resource": "secrets", "name": "production-rasa", "verb": "get"},
    "runs a pod": {"group": "", "resource": "pods", "verb": "create"},
    "enters a pod": {"group": "", "resource": "pods", "subresource": "exec", "verb": "create"},
    "acts as a ServiceAccount": {"group": "", "resource": "serviceaccounts", "name": "any", "verb": "impersonate"},
}


@pytest.mark.parametrize("role", ["edit", "rasa-environments-admin"])
def test_of_the_roles_of_kubernetes_edit_needs_no_promote_to_answer_for_production(may: May, role: str) -> None:
    answers = {name for name, right in ANSWERS_WITHOUT_PROMOTE.items() if may(role, right)}

    assert answers == (set(ANSWERS_WITHOUT_PROMOTE) if role == "edit" else set())


def test_who_writes_roles_gives_nobody_a_promote_that_they_lack(team: Team) -> None:
    rule = {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles", "rolebindings"], "verbs": ["create"]}
    create_cluster_role(team.api, "tests-writes-roles", rule)
    bind(team.api, "tests-writes-roles", "rita", team.namespace)
    rita = Person(team.api, "rita", team.namespace)
    path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{team.namespace}/roles"

    rules = [{"apiGroups": [GROUP], "resources": ["deploymentenvironments"], "verbs": ["promote"]}]
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "own"}, "rules": rules}
    held_back = "attempting to grant RBAC permissions not currently held"

    wait_until(lambda: held_back in rita.send("POST", path, role).body["message"], "rita to be held back by RBAC")


def test_the_example_of_a_role_for_one_environment_permits_to_promote_to_that_one(team: Team) -> None:
    for document in yaml.safe_load_all((PROMOTION / "samples" / "staging_promoter.yaml").read_text()):
        path = f"/apis/{document['apiVersion']}/namespaces/{team.namespace}/{document['kind'].lower()}s"
        answer = team.api.request("POST", path, document, params={"fieldValidation": "Strict"})
        assert answer.accepted, answer.body["message"]
    frank = Person(team.api, "frank", team.namespace)

    wait_until(lambda: frank.create(model_tag("staging", model="A")).accepted, "frank to have his rights")

    assert frank.change("ModelTag", "staging", model="B").accepted
    for other in ("any", "production"):
        assert refusal(frank.create(model_tag(other, model="A"))) == lacks("frank", other, team.namespace)
