"""`status`, `promote` and `rollback` on a real API server, where a script plays the operator."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from rasa_environments.api.base import JsonObject

from .conftest import Team, command

Meanwhile = Callable[[Callable[[], None]], None]
A = {"name": "A", "hash": "a"}
B = {"name": "B", "hash": "b"}
GOOD = ("True", "Ready", "as it should be")
SERVED_B: dict[str, tuple[str, str, str]] = {
    "Ready": GOOD,
    "Tagged": ("True", "Tagged", "tag production answers with model B"),
    "Served": ("True", "Served", "B is served by 1 environments"),
    "Stalled": ("False", "Settled", "no problem needs attention"),
}
TAGGED_B = {**SERVED_B, "Served": ("False", "AnotherModelServed", "pod x serves A, B is wanted")}


def test_status_shows_what_there_is(team: Team) -> None:
    team.create("ModelTag", "production", {"model": "B"})
    team.report("ModelTag", "production", {"taggedModel": B, "previousModel": A}, **SERVED_B)
    seen = {"desiredModel": B, "servedModels": [{"name": "A", "replicas": 1}], "servingReplicas": 0, "readyReplicas": 1}
    why = "pod x serves A, B is wanted"
    team.report("DeploymentEnvironment", "production", seen, Ready=("False", "AnotherModelServed", why))

    ran = team.run("status")

    assert ran.exit_code == 1
    assert f"production: AnotherModelServed: {why}" in ran.output
    assert "MODEL TAG" in ran.output


@pytest.mark.parametrize(
    ("environment", "tag", "code"),
    [
        ("True", "True", 0),
        ("True", "False", 1),
        ("False", "Unknown", 1),
        ("Unknown", "True", 6),
        (None, "True", 6),
    ],
)
def test_status_ends_well_when_everything_is_ready(team: Team, environment: str | None, tag: str, code: int) -> None:
    team.create("ModelTag", "production", {"model": "B"})
    team.report("ModelTag", "production", {}, Ready=(tag, "Because", "x"))
    if environment:
        team.report("DeploymentEnvironment", "production", {}, Ready=(environment, "Because", "x"))

    assert (team.run("status").exit_code, team.run("status -o json").exit_code) == (code, code)


@pytest.mark.parametrize(("truth", "code"), [("True", 0), ("False", 1)])
def test_who_may_list_environments_alone_sees_them_and_is_told(team: Team, truth: str, code: int) -> None:
    team.report("DeploymentEnvironment", "production", {}, Ready=(truth, "Because", "x"))
    team.permit("eve", "deploymentenvironments")

    ran = team.run("status -o json --as eve")

    assert ran.exit_code == code
    assert [row["name"] for row in json.loads(ran.output)["environments"]] == ["production"]
    assert [note.partition(".rasa-environments.io is forbidden")[0] for note in ran.errors.splitlines()] == [
        "note: not shown: modelservers: modelservers",
        "note: not shown: modeltags: modeltags",
    ]


def test_who_may_list_no_environments_is_refused(team: Team) -> None:
    team.permit("mallory", "modelservers", "modeltags")

    ran = team.run("status --as mallory")

    assert (ran.exit_code, ran.output) == (3, "")
    assert 'User "mallory" cannot list resource "deploymentenvironments"' in ran.errors


def test_a_watch_that_is_not_permitted_is_refused(team: Team) -> None:
    ran = team.run("status --watch --as nobody")

    assert ran.exit_code == 3
    assert 'User "nobody" cannot list resource "' in ran.errors


def test_status_as_json_is_for_programs(team: Team) -> None:
    shown = json.loads(team.run("status -o json").output)

    assert [(row["name"], row["ready"]) for row in shown["environments"]] == [("production", "Unknown")]
    assert shown["tags"] == []


def test_status_of_all_namespaces_names_them(team: Team) -> None:
    ran = command("status -A", team.kubeconfig)

    assert team.namespace in ran.output
    assert ran.output.startswith("NAMESPACE")


def test_status_of_an_empty_namespace_says_so(team: Team) -> None:
    ran = command("status -n kube-system", team.kubeconfig)

    assert ran.exit_code == 4
    assert ran.output == (
        "no environment found in namespace kube-system (-A shows all); create one: kubectl apply -f FILE\n"
    )


def test_a_watch_writes_a_line_for_each_change_and_ends_with_ctrl_c(team: Team) -> None:
    arguments = ["status", "-w", "-n", team.namespace, "--kubeconfig", str(team.kubeconfig)]
    with subprocess.Popen(
        [sys.executable, "-m", "rasa_environments", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        try:
            watch_production_come_and_go(team, process)
            process.send_signal(signal.SIGINT)
            assert process.wait() == 130
            assert process.stderr is not None
            assert process.stderr.read() == ""
        finally:
            process.kill()


def watch_production_come_and_go(team: Team, process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert "production tag=production wanted=- served=- ready=Unknown" in process.stdout.readline()

    seen = {"desiredModel": B, "servedModels": [{"name": "B", "replicas": 1}], "servingReplicas": 1, "readyReplicas": 1}
    team.report("DeploymentEnvironment", "production", seen, Ready=GOOD, ModelServed=GOOD)
    assert "production tag=production wanted=B served=B ready=True" in process.stdout.readline()

    team.api.request("DELETE", team.path("DeploymentEnvironment", "production"))
    assert f"environment {team.namespace}/production is gone" in process.stdout.readline()


def test_a_first_promotion_creates_the_model_tag(team: Team) -> None:
    ran = team.run("promote B production --no-wait")

    assert ran.exit_code == 0, ran.errors
    key = f"{team.namespace}/production"
    assert ran.output == f"{key}: B (ModelTag {key} created for tag production)\n"
    assert team.get("ModelTag", "production")["spec"]["model"] == "B"


def test_a_promotion_changes_the_model_of_the_tag_that_the_environment_pulls(team: Team) -> None:
    team.create("ModelTag", "live", {"model": "A", "tag": "production"})
    team.create("ModelTag", "other", {"model": "A"})

    ran = team.run("promote B.tar.gz production --no-wait")

    assert ran.output == f"{team.namespace}/production: A -> B (ModelTag {team.namespace}/live)\n"
    assert team.get("ModelTag", "live")["spec"]["model"] == "B"
    assert team.get("ModelTag", "other")["spec"]["model"] == "A"


def test_a_promotion_is_followed_step_by_step_until_it_is_served(team: Team, meanwhile: Meanwhile) -> None:
    team.create("ModelTag", "production", {"model": "A"})
    team.report("DeploymentEnvironment", "production", {"desiredModel": A}, Ready=GOOD)

    def operate() -> None:
        team.wait_for_promotion("production", "B")
        team.report("ModelTag", "production", {"taggedModel": B}, **SERVED_B)

    meanwhile(operate)
    ran = team.run("promote B production --timeout 30s")

    assert ran.exit_code == 0, ran.errors
    assert ran.output.splitlines() == [
        f"{team.namespace}/production: A -> B (ModelTag {team.namespace}/production)",
        "B is served by 1 environments",
    ]


def test_a_model_that_is_promoted_already_is_followed_all_the_same(team: Team) -> None:
    team.create("ModelTag", "production", {"model": "B"})
    team.report("ModelTag", "production", {"taggedModel": B}, **SERVED_B)
    generation = team.get("ModelTag", "production")["metadata"]["generation"]

    ran = team.run("promote B production")

    key = f"{team.namespace}/production"
    assert ran.output.splitlines() == [
        f"{key}: B is promoted already (ModelTag {key})",
        "B is served by 1 environments",
    ]
    assert team.get("ModelTag", "production")["metadata"]["generation"] == generation


def test_a_promotion_that_a_person_must_help_fails_with_the_reason(team: Team, meanwhile: Meanwhile) -> None:
    def operate() -> None:
        team.wait_for_promotion("production", "missing")
        team.report("ModelTag", "production", {}, Stalled=("True", "ModelNotFound", "there is no model missing"))

    meanwhile(operate)
    ran = team.run("promote missing production --timeout 30s")

    assert ran.exit_code == 4
    assert ran.errors.splitlines()[-1] == f"error: {team.namespace}/production: there is no model missing"


def test_a_promotion_that_another_overtakes_fails_and_says_so(team: Team, meanwhile: Meanwhile) -> None:
    def overtake() -> None:
        team.wait_for_promotion("production", "B")
        body = {"spec": {"model": "C"}}
        header = {"Content-Type": "application/merge-patch+json"}
        assert team.api.request("PATCH", team.path("ModelTag", "production"), body, headers=header).accepted

    meanwhile(overtake)
    ran = team.run("promote B production --timeout 30s")

    assert ran.exit_code == 1
    assert (
        ran.errors.splitlines()[-1] == f"error: {team.namespace}/production: somebody else promoted C in the meantime"
    )


def test_pods_that_cannot_be_asked_end_in_unknown(team: Team, meanwhile: Meanwhile) -> None:
    silent = ("Unknown", "PodsUnreachable", "pod x does not report its model")

    def operate() -> None:
        team.wait_for_promotion("production", "B")
        team.report("ModelTag", "production", {"taggedModel": B}, **{**SERVED_B, "Served": silent})

    meanwhile(operate)
    ran = team.run("promote B production --timeout 5s")

    key = f"{team.namespace}/production"
    assert ran.exit_code == 6
    assert ran.errors.endswith(
        f"error: {key}: whether B is served is unknown after 5s: whether it is served is unknown: pod x does "
        f"not report its model; the promotion continues, see kubectl rasa status -n {team.namespace}\n"
    )


def test_the_tag_alone_can_be_waited_for(team: Team, meanwhile: Meanwhile) -> None:
    def operate() -> None:
        team.wait_for_promotion("production", "B")
        team.report("ModelTag", "production", {"taggedModel": B}, **{**TAGGED_B, "Ready": ("False", "Because", "x")})

    meanwhile(operate)
    ran = team.run("promote B production --until tagged --timeout 30s")

    assert ran.exit_code == 0, ran.errors
    assert ran.output.splitlines()[-1] == "tag production is on B"


def test_a_tag_that_nothing_follows_times_out_and_says_so(team: Team, meanwhile: Meanwhile) -> None:
    nobody = ("False", "NoEnvironment", "no environment follows it")

    def operate() -> None:
        team.wait_for_promotion("production", "B")
        team.report("ModelTag", "production", {"taggedModel": B}, **{**SERVED_B, "Served": nobody})

    meanwhile(operate)
    ran = team.run("promote B production --timeout 5s")

    assert ran.exit_code == 5
    assert ": tag production is on B, but nothing serves it: no environment follows it; the promotion" in ran.errors


def test_a_wait_that_is_too_short_says_what_was_last_known_and_that_it_continues(
    team: Team, meanwhile: Meanwhile
) -> None:
    def operate() -> None:
        team.wait_for_promotion("production", "B")
        team.report("ModelTag", "production", {"taggedModel": B}, **TAGGED_B)

    meanwhile(operate)
    ran = team.run("promote B production --timeout 5s")

    key = f"{team.namespace}/production"
    assert ran.exit_code == 5
    assert "waiting for the environment: pod x serves A, B is wanted (since 2026-01-01T12:00:00Z)\n" in ran.errors
    assert ran.errors.endswith(
        f"error: {key}: B is not served after 5s: waiting for the environment: pod x serves A, B is wanted; the "
        f"promotion continues, see kubectl rasa status -n {team.namespace}\n"
    )


def test_a_time_that_cannot_be_read_is_a_usage_error_that_says_how_to_write_it(team: Team) -> None:
    ran = team.run("promote B production --timeout 1d")

    assert ran.exit_code == 2
    words = " ".join(ran.errors.replace("│", "").split())
    assert "'1d' is not a duration: give numbers with the units h, m, s or ms, for example 5m, 1h30m or 90s" in words


def test_where_no_operator_is_at_work_nothing_is_known(team: Team) -> None:
    ran = team.run("promote B production --timeout 2s")

    assert ran.exit_code == 6
    assert ": waiting for the operator to see the change (is it running?); the promotion continues" in ran.errors


def test_a_missing_environment_is_reported_with_those_that_exist(team: Team) -> None:
    ran = team.run("promote B staging")

    assert ran.exit_code == 4
    assert ran.errors == (
        f"error: DeploymentEnvironment staging not found in namespace {team.namespace} (found: production); "
        "check the name and --namespace\n"
    )


def test_a_model_of_no_name_is_a_usage_error(team: Team) -> None:
    ran = team.run("promote ../x production")

    assert ran.exit_code == 2
    assert "must be the name of a model" in " ".join(ran.errors.replace("│", "").split())


def test_a_model_tag_of_that_name_for_another_tag_is_not_touched(team: Team) -> None:
    team.create("ModelTag", "production", {"model": "A", "tag": "blue"})

    ran = team.run("promote B production --no-wait")

    assert ran.exit_code == 1
    assert (
        "already exists for another tag or ModelServer; create one of another name with spec.tag production"
        in ran.errors
    )
    assert team.get("ModelTag", "production")["spec"] == {
        "model": "A",
        "tag": "blue",
        "deletionPolicy": "Retain",
        "historyLimit": 10,
    }


def test_a_promotion_is_written_under_a_name_of_its_own(team: Team) -> None:
    team.run("promote B production --no-wait")

    managers = {entry["manager"] for entry in team.get("ModelTag", "production")["metadata"]["managedFields"]}
    assert managers == {"kubectl-rasa"}


def test_a_tag_on_another_model_server_is_not_the_environments(team: Team) -> None:
    reference: JsonObject = {"model": "A", "tag": "production", "modelServerRef": {"name": "another"}}
    team.create("ModelTag", "theirs", reference)

    team.run("promote B production --no-wait")

    assert team.get("ModelTag", "theirs")["spec"]["model"] == "A"
    assert team.get("ModelTag", "production")["spec"]["model"] == "B"


def test_a_rollback_goes_to_the_model_before(team: Team) -> None:
    team.create("ModelTag", "production", {"model": "B"})
    team.report("ModelTag", "production", {"taggedModel": B, "previousModel": A}, **SERVED_B)

    ran = team.run("rollback production --no-wait")

    assert ran.output == f"{team.namespace}/production: B -> A (ModelTag {team.namespace}/production)\n"
    assert team.get("ModelTag", "production")["spec"]["model"] == "A"


def test_the_history_shows_what_a_rollback_can_go_to(team: Team) -> None:
    team.create("ModelTag", "production", {"model": "B"})
    entries = [
        {"model": "B", "hash": "b", "taggedTime": "2026-01-03T12:00:00Z", "promotedBy": "carol", "cause": "Promotion"},
        {"model": "A", "hash": "a", "taggedTime": "2026-01-02T12:00:00Z", "cause": "Follow", "message": "the newest"},
        {"model": "0", "hash": "0", "taggedTime": "2026-01-01T12:00:00Z"},
    ]
    team.report("ModelTag", "production", {"taggedModel": B, "previousModel": A, "history": entries}, **SERVED_B)

    shown = team.run("history production")
    as_json = team.run("history production -o json")
    rolled_back = team.run("rollback production --to 2 --no-wait")
    unknown = team.run("rollback production --to C --no-wait")

    assert [line.split() for line in shown.output.splitlines()] == [
        ["NUMBER", "MODEL", "TIME", "BY", "WHY"],
        ["0", "B", "2026-01-03T12:00:00Z", "carol", "Promotion"],
        ["1", "A", "2026-01-02T12:00:00Z", "-", "Follow,", "the", "newest"],
        ["2", "0", "2026-01-01T12:00:00Z", "-", "-"],
    ]
    assert json.loads(as_json.output) == entries
    assert rolled_back.exit_code == 0, rolled_back.errors
    assert team.get("ModelTag", "production")["spec"]["model"] == "0"
    assert (unknown.exit_code, "has no model C; see kubectl rasa history production" in unknown.errors) == (4, True)


def test_an_environment_without_a_history_says_so(team: Team) -> None:
    ran = team.run("history production")

    assert ran.exit_code == 4
    assert "no history is known of the tag production" in ran.errors


def test_a_rollback_without_an_earlier_model_says_what_to_do(team: Team) -> None:
    without_tag = team.run("rollback production")
    team.create("ModelTag", "production", {"model": "B"})
    without_history = team.run("rollback production")

    assert (without_tag.exit_code, without_history.exit_code) == (4, 4)
    assert "so no earlier model is known; name one: kubectl rasa promote MODEL production" in without_tag.errors
    assert "has no model before B; name one: kubectl rasa promote MODEL production" in without_history.errors


def test_a_table_and_json_at_once_is_a_usage_error(team: Team) -> None:
    assert team.run("status -w -o json").exit_code == 2
