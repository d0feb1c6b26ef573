"""`status NAME` on a real API server."""

from __future__ import annotations

from rasa_environments.api.base import GROUP

from .conftest import Team
from .terminals import COLUMNS, in_a_terminal

GOOD = ("True", "Ready", "as it should be")
RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces"


def record(team: Team, kind: str, name: str, reason: str) -> None:
    """Record an Event of an object."""
    body = {
        "metadata": {"name": f"{name}.{reason.lower()}"},
        "eventTime": "2026-01-02T11:00:00.000000Z",
        "type": "Warning",
        "reason": reason,
        "action": "CheckModel",
        "note": "pod x serves \x1b[31mA",
        "reportingController": f"{GROUP}/operator",
        "reportingInstance": "x",
        "regarding": {"kind": kind, "name": name, "namespace": team.namespace},
    }
    answer = team.api.request("POST", f"/apis/events.k8s.io/v1/namespaces/{team.namespace}/events", body)
    assert answer.accepted, answer.body["message"]


def test_an_environment_is_shown_in_depth(team: Team) -> None:
    team.report("DeploymentEnvironment", "production", {}, Ready=GOOD)
    record(team, "DeploymentEnvironment", "production", "ModelNotServed")
    record(team, "ModelTag", "production", "OfATag")

    code, written = in_a_terminal(["status", "production", "-n", team.namespace], team.kubeconfig)

    assert code == 0, written
    assert "ModelNotServed" in written
    assert "OfATag" not in written
    assert max(map(len, written.splitlines())) <= COLUMNS
    assert all(line.isprintable() for line in written.splitlines())


def test_an_environment_that_is_not_ready_has_the_exit_code_of_the_overview(team: Team) -> None:
    team.report("DeploymentEnvironment", "production", {}, Ready=("False", "AnotherModelServed", "pod x serves A"))

    assert team.run("status production").exit_code == 1


def test_an_environment_that_does_not_exist_is_not_found(team: Team) -> None:
    ran = team.run("status staging")

    assert ran.exit_code == 4
    assert "DeploymentEnvironment staging not found" in ran.errors


def test_one_environment_cannot_be_watched_or_looked_for_everywhere(team: Team) -> None:
    assert [team.run(f"status production {option}").exit_code for option in ("-w", "-A")] == [2, 2]


def test_who_may_read_no_pods_sees_the_rest_and_is_told(team: Team) -> None:
    team.report("DeploymentEnvironment", "production", {}, Ready=GOOD)
    team.permit("rita", "*")

    ran = team.run("status production --as rita")

    assert ran.exit_code == 0, ran.errors
    assert "  not shown: pods: pods is forbidden" in ran.output
