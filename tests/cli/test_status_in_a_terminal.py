"""`status` in a terminal of 80 columns and 24 lines."""

from __future__ import annotations

from .conftest import Team
from .terminals import COLUMNS, LINES, in_a_terminal

MODEL = {"name": "20260101-120000", "hash": "a"}
GOOD = ("True", "Ready", "as it should be")
SERVES = {"desiredModel": MODEL, "servedModels": [{"name": MODEL["name"], "replicas": 1}], "servingReplicas": 1}


def report_ready(team: Team, name: str) -> None:
    """Report that an environment serves its model."""
    url = f"http://{name}-rasa.{team.namespace}.svc:5005"
    status = {**SERVES, "readyReplicas": 1, "url": url}
    team.report("DeploymentEnvironment", name, status, Ready=GOOD, ModelServed=GOOD)


def test_names_are_whole_and_rows_have_one_line(team: Team) -> None:
    team.create("DeploymentEnvironment", "experimental-europe", {"rasa": {"version": "3.6.21"}, "tag": "production"})
    for name in ("production", "experimental-europe"):
        report_ready(team, name)

    code, written = in_a_terminal(["status", "-n", team.namespace], team.kubeconfig)

    assert code == 0, written
    assert [line.split() for line in written.splitlines()] == [
        ["ENVIRONMENT", "TAG", "WANTED", "SERVED", "READY"],
        ["experimental-europe", "production", MODEL["name"], MODEL["name"], "True"],
        ["production", "production", MODEL["name"], MODEL["name"], "True"],
    ]
    assert all(len(line) <= COLUMNS for line in written.splitlines())


def test_a_name_that_leaves_no_room_has_a_line_of_its_own(team: Team) -> None:
    name = "a" * 40
    team.create("DeploymentEnvironment", name, {"rasa": {"version": "3.6.21"}})
    report_ready(team, name)
    report_ready(team, "production")

    code, written = in_a_terminal(["status", "-n", team.namespace], team.kubeconfig)

    assert code == 0, written
    assert f"ENVIRONMENT {name}" in written.splitlines()
    assert ["TAG", name, "WANTED", MODEL["name"]] in [line.split() for line in written.splitlines()]
    assert max(map(len, written.splitlines())) <= COLUMNS


def test_watching_shows_every_row_even_if_there_are_more_than_lines(team: Team) -> None:
    names = [f"staging-{number}" for number in range(LINES)]
    for name in names:
        team.create("DeploymentEnvironment", name, {"rasa": {"version": "3.6.21"}})

    code, written = in_a_terminal(
        ["status", "-w", "-n", team.namespace], team.kubeconfig, until=lambda text: "/staging-9 " in text
    )

    assert code == 130
    assert all(f"environment {team.namespace}/{name} tag={name} " in written for name in [*names, "production"])


def test_watching_few_rows_draws_a_table(team: Team) -> None:
    report_ready(team, "production")

    code, written = in_a_terminal(
        ["status", "-w", "-n", team.namespace], team.kubeconfig, until=lambda text: "production " in text
    )

    assert code == 130
    assert written.split()[:5] == ["ENVIRONMENT", "TAG", "WANTED", "SERVED", "READY"]
