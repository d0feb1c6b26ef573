"""The same end state from any start: the operator stopped, killed, and disconnected from the API server."""

from __future__ import annotations

import os
import signal

from local.cluster import LocalCluster
from rasa_environments.api.deployment_environment import ROTATE_TOKEN_ANNOTATION
from tests.integration.conftest import Installation
from tests.integration.manifests import environment, model_tag, secret, secret_value
from tests.integration.model_server_process import MODEL_A
from tests.integration.operator_process import OperatorProcess
from tests.integration.space import ENVIRONMENT, Space


def test_what_changed_while_the_operator_was_stopped_is_made_up_for(
    mortal: OperatorProcess, mortal_space: Space
) -> None:
    space = mortal_space
    mortal.start()
    space.apply(secret("mine", token="before"))
    space.apply(
        environment(podDisruptionBudget={"minAvailable": 1}),
        environment("worker"),
        environment("staging", authToken=secret_value("mine", "token")),
    )
    space.wait_until_ready("production", "worker", "staging")
    assert mortal.stop() == 0

    space.apply(environment(service={"port": 80}), environment("support"))
    space.delete(ENVIRONMENT, "worker")
    space.apply(secret("mine", token="after"))
    space.patch("ConfigMap", "production-rasa", {"data": {"endpoints.yml": "{}"}})
    space.delete("Service", "staging-rasa")

    mortal.start()
    space.wait_until_ready("production", "staging", "support")
    assert space.child("Service")["spec"]["ports"][0]["port"] == 80
    assert "models" in space.child("ConfigMap")["data"]["endpoints.yml"]
    assert space.find_child("Service", "staging") is not None
    assert space.find_child("PodDisruptionBudget") is None
    assert space.token("staging") == "after"
    assert f'name="worker",namespace="{space.namespace}"' not in mortal.answer("/metrics").text


def test_a_restart_with_everything_settled_writes_nothing(
    breakable: Installation, mortal: OperatorProcess, mortal_space: Space
) -> None:
    space = mortal_space
    mortal.start()
    space.apply(environment(), environment("worker", replicas=2), model_tag(model=MODEL_A))
    space.wait_until_ready("production", "worker")
    space.wait_for_condition("ModelTag", "production", "Tagged", status="True")
    space.eventually(lambda: space.status("ModelServer", "default").get("environmentCount") == 2, "both to be counted")
    mortal.wait_for_passes("ModelServer", 2)
    assert mortal.stop() == 0
    start = breakable.audit.mark()

    mortal.start()
    mortal.wait_until(lambda: mortal.passes(ENVIRONMENT) >= 2, "done with a pass over both")
    mortal.wait_for_passes("ModelServer", 2)

    assert [str(entry) for entry in breakable.audit.requests(start) if entry.writes] == []


def test_an_outage_of_the_api_server_is_outlived_and_what_was_deleted_meanwhile_is_noticed(
    breakable_cluster: LocalCluster, mortal: OperatorProcess, mortal_space: Space
) -> None:
    space = mortal_space
    mortal.start()
    space.apply(environment("a", tag="support"), environment("b", tag="staging"))
    space.wait_until_ready("a", "b")

    os.kill(mortal.pid, signal.SIGSTOP)  # so that it sees nothing of what happens right after the outage
    breakable_cluster.stop_api_server()
    breakable_cluster.start_api_server()
    space.delete(ENVIRONMENT, "a")
    space.delete("Service", "b-rasa")
    os.kill(mortal.pid, signal.SIGCONT)

    space.eventually(lambda: space.find_child("Service", "b"), "the deleted child to come back", 60)
    space.apply(environment("c", tag="support"))
    space.wait_until_ready("b", "c")
    assert mortal.running


def test_the_operator_waits_for_an_api_server_that_is_away(
    breakable_cluster: LocalCluster, mortal: OperatorProcess, mortal_space: Space
) -> None:
    breakable_cluster.stop_api_server()
    try:
        mortal.launch()
        mortal.wait_until(lambda: "Unreachable" in mortal.logged(), "telling that there is no API server")
        assert mortal.answer("/healthz").status_code == 200
        assert mortal.answer("/readyz").status_code == 503
    finally:
        breakable_cluster.start_api_server()

    mortal.wait_until(lambda: mortal.answer("/readyz").status_code == 200, "ready")
    mortal_space.apply(environment())
    mortal_space.wait_until_ready()


def test_a_crash_before_a_rotation_is_acknowledged_does_not_rotate_the_token_twice(
    mortal: OperatorProcess, mortal_space: Space
) -> None:
    space = mortal_space
    mortal.start()
    space.apply(environment())
    space.wait_until_ready()
    first = space.token()
    space.apply(environment(annotations={ROTATE_TOKEN_ANNOTATION: "now"}))
    space.eventually(
        lambda: space.status(ENVIRONMENT, "production").get("lastHandledRotateTokenAt") == "now", "it to be rotated"
    )
    rotated = space.token()
    mortal.kill()  # as if between the two writes
    space.patch(ENVIRONMENT, "production", {"status": {"lastHandledRotateTokenAt": None}}, "status")

    mortal.start()

    space.eventually(
        lambda: space.status(ENVIRONMENT, "production").get("lastHandledRotateTokenAt") == "now", "it to be told"
    )
    assert space.token() == rotated != first


def test_a_secret_that_lost_its_label_while_the_operator_was_stopped_keeps_its_token(
    mortal: OperatorProcess, mortal_space: Space
) -> None:
    space = mortal_space
    mortal.start()
    space.apply(environment())
    space.wait_until_ready()
    before = space.child("Secret")
    mortal.kill()
    label = {"app.kubernetes.io/managed-by": None}
    space.patch("Secret", "production-rasa", {"metadata": {"labels": label}})  # no list names it any more

    mortal.start()

    space.eventually(
        lambda: space.child("Secret")["metadata"]["labels"] == before["metadata"]["labels"], "the label to be back"
    )
    assert space.child("Secret")["data"] == before["data"]
