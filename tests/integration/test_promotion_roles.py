"""What each role that is shipped permits, and what those that come with Kubernetes permit through it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import yaml

from local.installation import PROMOTION
from rasa_environments.api.base import GROUP, JsonObject
from tests.api.api_server import ApiServer, wait_until
from tests.integration.manifests import model_tag
from tests.integration.people import Person, Team, bind, lacks, new_team, refusal

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
    """Whether somebody with the role has the right in a namespace."""
    team = new_team(employer)

    def ask(role: str, right: JsonObject) -> bool:
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": f"somebody-with-{role}",
                "resourceAttributes": {"group": GROUP, "namespace": team.namespace, **right},
            },
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
