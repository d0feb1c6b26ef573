"""`can-promote`, `promote` and `rollback` report a missing permission beforehand, with admission's message."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.installation import PROMOTION
from local.service_account import service_account_kubeconfig
from rasa_environments.api.base import GROUP, JsonObject
from rasa_environments.cli.failures import explained
from rasa_environments.cli.permission import PROTECTED, rights_to_promote
from rasa_environments.cluster.errors import ApiError
from tests.api.api_server import wait_until
from tests.cluster.line import kubeconfig_with

from .conftest import Ran, Team, command

RBAC = "rbac.authorization.k8s.io"
PROMOTED_BY = "rasa-environments.io/promoted-by"
READS: JsonObject = {
    "apiGroups": [GROUP],
    "resources": ["deploymentenvironments", "modeltags"],
    "verbs": ["get", "list"],
}
WRITES: JsonObject = {"apiGroups": [GROUP], "resources": ["modeltags"], "verbs": ["create", "patch"]}


def promotes(resource: str, *names: str) -> JsonObject:
    """A rule that permits to promote."""
    return {"apiGroups": [GROUP], "resources": [resource], "verbs": ["promote"], "resourceNames": list(names)}


ANY_CUSTOM = promotes("deploymentenvironments/custom")
STAGING = promotes("deploymentenvironments", "staging")


@dataclass(frozen=True)
class Employee:
    """A ServiceAccount of the team with a Role, and its kubeconfig."""

    team: Team
    kubeconfig: Path

    @property
    def user(self) -> str:
        """Who the API server takes it for."""
        return f"system:serviceaccount:{self.team.namespace}:dave"

    def run(self, line: str) -> Ran:
        """Runs a command in the namespace of the team."""
        return command(f"{line} -n {self.team.namespace}", self.kubeconfig)

    def lacks(self, right: str, environment: str = "production") -> str:
        """Return the text of a refusal."""
        return f'user "{self.user}" may not promote to "{environment}": needs {right}'

    def lacks_promote(self, environment: str = "production", namespace: str | None = None) -> str:
        """Return the text when `promote` is missing."""
        where = f'"{environment}" in namespace "{namespace or self.team.namespace}"'
        return self.lacks(f'the verb "promote" on deploymentenvironments.{GROUP} {where}', environment)


def employ(team: Team, folder: Path, *rules: JsonObject) -> Employee:
    """Create an account with these rights in the namespace, and wait until they take effect."""
    namespace = team.namespace
    role = {"rules": list(rules)}
    binding = {
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "dave"},
        "subjects": [{"kind": "ServiceAccount", "name": "dave", "namespace": namespace}],
    }
    create(team, f"/api/v1/namespaces/{namespace}/serviceaccounts", "v1", "ServiceAccount", {})
    create(team, f"/apis/{RBAC}/v1/namespaces/{namespace}/roles", f"{RBAC}/v1", "Role", role)
    create(team, f"/apis/{RBAC}/v1/namespaces/{namespace}/rolebindings", f"{RBAC}/v1", "RoleBinding", binding)
    path = folder / "kubeconfig"
    employee = Employee(team, service_account_kubeconfig(team.kubeconfig, namespace, "dave", path))
    wait_until(lambda: may_read(employee), "the rights to be in force")
    return employee


def create(team: Team, path: str, api_version: str, kind: str, body: JsonObject) -> None:
    """Creates an object called dave."""
    manifest = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "dave"}, **body}
    answer = team.api.request("POST", path, manifest)
    assert answer.accepted, answer.body["message"]


def may_read(employee: Employee) -> bool:
    """Return whether the API server already knows the rights."""
    attributes = {"verb": "list", "group": GROUP, "resource": "modeltags", "namespace": employee.team.namespace}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": employee.user, "resourceAttributes": attributes},
    }
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    return bool(employee.team.api.request("POST", path, review).body["status"]["allowed"])


def test_who_may_do_everything_gets_yes(team: Team) -> None:
    ran = team.run("can-promote production")

    assert (ran.exit_code, ran.output, ran.errors) == (0, "yes\n", "")


def test_who_may_not_promote_is_told_what_is_lacking(team: Team, tmp_path: Path) -> None:
    dave = employ(team, tmp_path, READS, WRITES, ANY_CUSTOM, STAGING)

    ran = dave.run("can-promote production")

    assert (ran.exit_code, ran.output, ran.errors) == (3, f"no - {dave.lacks_promote()}\n", "")


@pytest.mark.parametrize("rule", [ANY_CUSTOM, STAGING], ids=["custom", "by name"])
def test_who_may_promote_learns_by_which_right(team: Team, tmp_path: Path, rule: JsonObject) -> None:
    team.create("DeploymentEnvironment", "staging", {"rasa": {"version": "3.6.21"}})
    dave = employ(team, tmp_path, READS, WRITES, rule)

    ran = dave.run("can-promote staging")

    assert ran.exit_code == 0
    assert ran.output.startswith(f'yes - RBAC: allowed by RoleBinding "dave/{team.namespace}" of Role "dave"')


def test_who_may_not_write_the_model_tag_cannot_promote(team: Team, tmp_path: Path) -> None:
    dave = employ(team, tmp_path, READS, promotes("deploymentenvironments", "production"))

    to_create = dave.run("can-promote production")
    team.create("ModelTag", "live", {"model": "A", "tag": "production"})
    to_change = dave.run("can-promote production")

    where = f'in namespace "{team.namespace}"'
    create_any = dave.lacks(f'the verb "create" on modeltags.{GROUP} {where}')
    patch_live = dave.lacks(f'the verb "patch" on modeltags.{GROUP} "live" {where}')
    assert (to_create.output, to_change.output) == (f"no - {create_any}\n", f"no - {patch_live}\n")


def test_the_right_is_asked_for_on_the_tag_where_the_model_server_is(team: Team, tmp_path: Path) -> None:
    reference = {"namespace": "kube-public"}
    spec = {"rasa": {"version": "3.6.21"}, "tag": "blue", "modelServerRef": reference}
    team.create("DeploymentEnvironment", "staging", spec)
    dave = employ(team, tmp_path, READS, WRITES, ANY_CUSTOM, STAGING)

    assert dave.run("can-promote staging").output == f"no - {dave.lacks_promote('blue', 'kube-public')}\n"


def test_who_may_not_read_the_environment_is_not_told_no(team: Team) -> None:
    ran = team.run("can-promote production --as nobody")

    assert ran.exit_code == 6
    assert ran.errors.startswith("error: could not ask whether you may promote to production: ")
    assert 'User "nobody" cannot get resource "deploymentenvironments"' in ran.errors


def test_a_missing_environment_is_neither_yes_nor_no(team: Team) -> None:
    ran = team.run("can-promote moon")

    assert (ran.exit_code, ran.output) == (4, "")


def test_where_nobody_can_be_asked_the_answer_is_not_no(team: Team, tmp_path: Path) -> None:
    nowhere = kubeconfig_with(team.kubeconfig, tmp_path / "nowhere", server="https://127.0.0.1:1")
    stranger = kubeconfig_with(team.kubeconfig, tmp_path / "stranger", user={"token": "unknown"})

    unreachable, unknown, no_file = (
        command("can-promote production", Path(path)) for path in (nowhere, stranger, "/no/such/file")
    )

    assert (unreachable.exit_code, unknown.exit_code, no_file.exit_code) == (6, 6, 6)
    assert "no answer from the API server https://127.0.0.1:1" in unreachable.errors
    assert "rejected these credentials" in unknown.errors
    assert "no such file: /no/such/file" in no_file.errors


def test_a_refused_promotion_writes_nothing(team: Team, tmp_path: Path) -> None:
    team.create("ModelTag", "production", {"model": "A"})
    before = team.get("ModelTag", "production")
    dave = employ(team, tmp_path, READS, WRITES)

    ran = dave.run("promote B production")

    assert (ran.exit_code, ran.output, ran.errors) == (3, "", f"error: {dave.lacks_promote()}\n")
    assert team.get("ModelTag", "production") == before


def test_a_promotion_that_its_author_may_not_watch_is_not_known(team: Team, tmp_path: Path) -> None:
    dave = employ(team, tmp_path, READS, WRITES, promotes("deploymentenvironments", "production"))

    ran = dave.run("promote B production --timeout 30s")

    assert ran.exit_code == 6
    assert f"error: {team.namespace}/production: it is promoted, but cannot be followed: the API server denied" in (
        ran.errors
    )
    assert 'cannot watch resource "' in ran.errors
    assert team.get("ModelTag", "production")["spec"]["model"] == "B"


def test_a_rollback_is_a_promotion(team: Team, tmp_path: Path) -> None:
    team.create("ModelTag", "production", {"model": "B"})
    team.report(
        "ModelTag",
        "production",
        {"taggedModel": {"name": "B", "hash": "b"}, "previousModel": {"name": "A", "hash": "a"}},
    )
    dave = employ(team, tmp_path, READS, WRITES)

    ran = dave.run("rollback production")

    assert (ran.exit_code, ran.errors) == (3, f"error: {dave.lacks_promote()}\n")
    assert team.get("ModelTag", "production")["spec"]["model"] == "B"


def test_nothing_is_asked_for_where_nothing_is_promoted(team: Team, tmp_path: Path) -> None:
    team.create("ModelTag", "production", {"model": "A"})
    dave = employ(team, tmp_path, READS)

    assert dave.run("promote A production --no-wait").exit_code == 0


def test_a_promotion_names_who_promoted(team: Team, tmp_path: Path) -> None:
    dave = employ(team, tmp_path, READS, WRITES, promotes("deploymentenvironments", "production"))

    assert dave.run("promote A production --no-wait").exit_code == 0
    assert team.get("ModelTag", "production")["metadata"]["annotations"][PROMOTED_BY] == dave.user
    assert team.run("promote B production --no-wait").exit_code == 0
    assert team.get("ModelTag", "production")["metadata"]["annotations"][PROMOTED_BY] == "admin"


def test_what_a_policy_refuses_is_reported_in_its_own_words() -> None:
    message = (
        "modeltags.rasa-environments.io \"production\" is forbidden: ValidatingAdmissionPolicy 'friday' with binding "
        "'friday' denied request: no promotions on a Friday"
    )

    assert explained(ApiError(403, "Forbidden", message)) == "no promotions on a Friday"


def test_production_and_worker_need_promote_by_name() -> None:
    assert [len(rights_to_promote(tag, "bots")) for tag in ("production", "Worker", "staging")] == [1, 1, 2]


@pytest.mark.parametrize("policy", ["model_tags", "environments", "deletion"])
def test_commands_and_policies_protect_the_same_environments(policy: str) -> None:
    lists = re.findall(r"\['production'[^]]*\]", (PROMOTION / f"{policy}.yaml").read_text())

    assert [frozenset(re.findall(r"'([^']+)'", each)) for each in lists] == [PROTECTED]
