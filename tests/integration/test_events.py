"""Events: each transition that matters to users is reported once, where `kubectl describe` shows it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from local.binaries import find_kubectl
from local.progress import silent
from tests.integration.audit import AuditLog
from tests.integration.conftest import Installation
from tests.integration.events import events_of, reasons, wait_for_event
from tests.integration.manifests import environment, model_tag, secret_value
from tests.integration.model_server_front import Front
from tests.integration.model_server_process import MODEL_A, MODEL_B
from tests.integration.operator_process import OperatorProcess
from tests.integration.rasa_at_pod import scripted_rasa
from tests.integration.space import ENVIRONMENT, Space
from tests.integration.test_unusable_objects import UNUSABLE

SERVER, TAG = "ModelServer", "ModelTag"
ROTATE = {"metadata": {"annotations": {"rasa-environments.io/rotate-token-at": "2026-01-01"}}}


@pytest.fixture
def kubectl(shared: Installation, tmp_path: Path) -> Callable[..., str]:
    """The output of kubectl."""
    program = shared.facts.kubectl or find_kubectl(silent)

    def run(*arguments: str) -> str:
        command = [str(program), f"--kubeconfig={shared.facts.kubeconfig}", *arguments]
        home = {"HOME": str(tmp_path)}
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=home).stdout

    return run


def wait_until_on(space: Space, model: str) -> None:
    """Wait until the tag is known to be on the model."""
    space.wait_for_condition(TAG, "production", "Tagged", status="True")
    space.eventually(lambda: model_of_tag(space) == model, f"the tag to be on {model}")


def model_of_tag(space: Space) -> object:
    """Return the model in the ModelTag's status."""
    return space.status(TAG, "production").get("taggedModel", {}).get("name")


def test_a_promotion_and_the_way_back_are_reported(tag_space: Space) -> None:
    for model in (MODEL_A, MODEL_B, MODEL_A):
        tag_space.apply(model_tag(model=model))
        wait_until_on(tag_space, model)

    tag_space.eventually(lambda: len(events_of(tag_space, TAG, "production")) == 3, "three Events")
    notes = [event["note"].removesuffix(", promoted by admin") for event in events_of(tag_space, TAG, "production")]
    assert notes == [
        f"tag production is on model {MODEL_A}",
        f"tag production is on model {MODEL_B}, before on {MODEL_A}",
        f"tag production went back from model {MODEL_B} to {MODEL_A}, which carried it before",
    ]
    assert reasons(tag_space, TAG, "production") == ["Promoted", "Promoted", "RolledBack"]
    back = wait_for_event(tag_space, TAG, "production", "RolledBack")
    assert (back["type"], back["related"]["kind"]) == ("Warning", SERVER)


def test_a_tag_that_somebody_moves_or_takes_away_is_reported_when_it_is_back(tag_space: Space, front: Front) -> None:
    tag_space.apply(model_tag(model=MODEL_A))
    wait_until_on(tag_space, MODEL_A)

    front.behind.put_tag(MODEL_B, "production")

    moved = f"tag production was moved to model {MODEL_B} on the model server; it is back on model {MODEL_A}"
    wait_for_event(tag_space, TAG, "production", "TagReverted", moved)

    front.behind.delete_all_tags()

    away = f"tag production was taken away on the model server; it is back on model {MODEL_A}"
    wait_for_event(tag_space, TAG, "production", "TagReverted", away)


def test_what_is_served_and_no_longer_served_is_reported(tag_space: Space) -> None:
    tag_space.apply(model_tag(model=MODEL_A), environment(model={"healing": "Disabled"}))
    tag_space.wait_until_ready()

    with scripted_rasa(tag_space) as rasa:
        rasa.model = MODEL_A
        served = wait_for_event(tag_space, ENVIRONMENT, "production", "ModelServed")
        assert served["note"] == f"1 of 1 ready pods serve {MODEL_A}"
        assert (served["related"]["kind"], served["related"]["name"]) == ("Deployment", "production-rasa")

        rasa.model = MODEL_B
        lost = wait_for_event(tag_space, ENVIRONMENT, "production", "ModelNotServed")

    assert lost["type"] == "Warning"
    assert f"serves {MODEL_B} now" in lost["note"]


def test_a_rotated_token_is_reported_without_the_token(space: Space) -> None:
    space.apply(environment())
    space.wait_until_ready()

    space.patch(ENVIRONMENT, "production", ROTATE)

    rotated = wait_for_event(space, ENVIRONMENT, "production", "TokenRotated")
    assert rotated["note"] == "a new token is in Secret production-rasa, as the annotation asked for with 2026-01-01"
    assert space.token() not in json.dumps(space.list("Event"))


def test_a_child_that_somebody_edits_or_deletes_is_reported_when_it_is_restored(space: Space) -> None:
    space.apply(environment())
    space.wait_until_ready()

    space.patch("Deployment", "production-rasa", {"spec": {"replicas": 3}})

    edited = "Deployment production-rasa was changed by another at spec.replicas; it is restored"
    event = wait_for_event(space, ENVIRONMENT, "production", "DriftReverted", edited)
    assert (event["related"]["kind"], event["related"]["name"]) == ("Deployment", "production-rasa")

    space.delete("ConfigMap", "production-rasa")

    deleted = "ConfigMap production-rasa was deleted by another; it is created again"
    wait_for_event(space, ENVIRONMENT, "production", "DriftReverted", deleted)


def test_what_the_spec_asks_for_is_no_drift(space: Space) -> None:
    space.apply(environment(podDisruptionBudget={"minAvailable": 1}))
    space.wait_until_ready()

    space.apply(environment(replicas=2))

    space.eventually(lambda: space.find_child("PodDisruptionBudget") is None, "the budget to be gone")
    space.apply(environment(replicas=2, podDisruptionBudget={"minAvailable": 1}))
    space.eventually(lambda: space.find_child("PodDisruptionBudget"), "the budget to be back")
    space.wait_until_ready()
    assert reasons(space, ENVIRONMENT, "production") == []


def test_a_model_server_that_goes_and_comes_back_again_and_again_makes_two_series(
    tag_space: Space, front: Front
) -> None:
    tag_space.apply(model_tag(model=MODEL_A))
    wait_until_on(tag_space, MODEL_A)

    for _ in range(3):
        front.down()
        tag_space.wait_for_condition(SERVER, "default", "Ready", status="False")
        front.up()
        tag_space.wait_for_condition(SERVER, "default", "Ready", status="True")

    for reason, kind in (("Unreachable", "Warning"), ("Recovered", "Normal")):
        (event,) = events_of(tag_space, SERVER, "default", reason)
        assert event["type"] == kind
        tag_space.eventually(
            lambda reason=reason: (
                events_of(tag_space, SERVER, "default", reason)[0].get("series", {}).get("count") == 3
            ),  # type: ignore[misc]
            f"{reason} to be counted",
        )


def test_whatever_needs_a_person_says_so_with_the_reason_of_its_condition(tag_space: Space) -> None:
    tag_space.apply(environment(rasa={"version": "9.9.9"}), model_tag(model=MODEL_A), model_tag("again", model=MODEL_B))
    tag_space.apply(model_tag("second", model=MODEL_B, tag="production"))
    content, _ = UNUSABLE["wide"]
    headers = {"Content-Type": "application/json"}
    assert tag_space.api.request("POST", tag_space.path(ENVIRONMENT), content=content, headers=headers).accepted

    for kind, name, reason in (
        (ENVIRONMENT, "production", "InvalidSpec"),
        (TAG, "second", "TagConflict"),
        (ENVIRONMENT, "wide", "InvalidSpec"),
    ):
        event = wait_for_event(tag_space, kind, name, reason)
        stalled = tag_space.wait_for_condition(kind, name, "Stalled", status="True")
        assert (event["type"], event["note"]) == ("Warning", stalled["message"])


def test_kubectl_shows_them_at_the_object(tag_space: Space, kubectl: Callable[..., str]) -> None:
    tag_space.apply(model_tag(model=MODEL_A))
    wait_for_event(tag_space, TAG, "production", "Promoted")

    described = kubectl("-n", tag_space.namespace, "describe", "modeltag", "production")
    listed = kubectl("-n", tag_space.namespace, "events", "--for", "mtag/production")

    (line,) = [line for line in described.partition("\nEvents:\n")[2].splitlines() if "Promoted" in line]
    assert line.split()[:2] == ["Normal", "Promoted"]
    source, note = line.split(maxsplit=4)[3:]
    assert source == "rasa-environments.io/operator"
    assert note.startswith(f"tag production is on model {MODEL_A}")
    mine = "reportingController=rasa-environments.io/operator,type=Normal"
    selected = kubectl("-n", tag_space.namespace, "get", "events.events.k8s.io", "--field-selector", mine)
    assert "Promoted" in selected
    assert "Promoted" in listed
    assert f"tag production is on model {MODEL_A}" in listed


def test_at_rest_none_is_written_however_bad_the_rest_is(
    space: Space, audit: AuditLog, operator: OperatorProcess
) -> None:
    space.apply(
        environment(authToken=secret_value("missing", "token")), environment("staging", rasa={"version": "9.9.9"})
    )
    space.wait_for_condition(ENVIRONMENT, "production", "Ready", status="False", reason="SecretNotFound")
    wait_for_event(space, ENVIRONMENT, "staging", "InvalidSpec")
    start = audit.mark()

    operator.wait_for_passes(ENVIRONMENT, 6)

    written = [entry for entry in audit.requests(start) if entry.writes and entry.namespace == space.namespace]
    assert [str(entry) for entry in written if entry.resource == "events"] == []


def test_a_restart_writes_none(breakable: Installation, mortal: OperatorProcess, mortal_space: Space) -> None:
    space = mortal_space
    mortal.start()
    space.apply(
        environment(tag="support"),
        environment("staging", rasa={"version": "9.9.9"}),
        model_tag("first", model=MODEL_A),
        model_tag("second", model=MODEL_B, tag="first"),
    )
    space.wait_until_ready()
    with scripted_rasa(space) as rasa:
        rasa.model = MODEL_A
        wait_for_event(space, ENVIRONMENT, "production", "ModelServed")
        wait_for_event(space, ENVIRONMENT, "staging", "InvalidSpec")
        wait_for_event(space, TAG, "first", "Promoted")
        wait_for_event(space, TAG, "second", "TagConflict")
        mortal.kill()
        start = breakable.audit.mark()

        mortal.start()
        mortal.wait_until(lambda: mortal.passes(ENVIRONMENT) >= 4, "done with passes over both")
        mortal.wait_for_passes(SERVER, 3)

        written = [entry for entry in breakable.audit.requests(start) if entry.writes and entry.resource == "events"]
        assert [str(entry) for entry in written] == []


def test_without_the_right_to_write_them_all_else_continues(
    breakable: Installation, mortal: OperatorProcess, mortal_space: Space
) -> None:
    role = "/apis/rbac.authorization.k8s.io/v1/clusterroles/rasa-environments-operator"
    whole = breakable.api.request("GET", role).body["rules"]
    less = [rule for rule in whole if rule["apiGroups"] != ["events.k8s.io"]]
    patch = {"Content-Type": "application/merge-patch+json"}
    assert breakable.api.request("PATCH", role, {"rules": less}, headers=patch).accepted
    try:
        mortal.start()
        mortal_space.apply(environment(tag="support"))
        mortal_space.wait_until_ready()

        mortal_space.patch("Deployment", "production-rasa", {"spec": {"replicas": 3}})

        mortal.wait_until(lambda: 'events_total{result="failed"} 1.0' in mortal.answer("/metrics").text, "counting")
        assert mortal_space.child("Deployment")["spec"]["replicas"] == 1
        assert "not written: Forbidden" in mortal.logged()
    finally:
        assert breakable.api.request("PATCH", role, {"rules": whole}, headers=patch).accepted
