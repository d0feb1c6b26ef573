"""A Job of the team tests a real Rasa server that runs elsewhere, while a visitor chats with it.

The server belongs to an environment of another namespace, which the operator under test knows by its URL and token
alone. No node takes the pods of Jobs: the test runs their container as a process, as a kubelet would.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from local.rasa import Pod
from local.rasa.container import container_variables
from rasa_environments.api.base import JsonObject
from tests.e2e.cluster import PODS
from tests.integration.conftest import Installation, furnish
from tests.integration.manifests import environment, model_tag, secret
from tests.integration.model_server_process import MODEL_A, MODEL_B, ModelServerProcess
from tests.integration.real_environments import ANSWERS, real_rasas
from tests.integration.space import ENVIRONMENT, MERGE_PATCH, Space
from tests.integration.test_action_server import NOWHERE
from tests.integration.test_model_tags import TAG
from tests.integration.test_verified_promotions import visiting

RETRY = {"metadata": {"annotations": {"rasa-environments.io/retry-requested-at": "now"}}}
TESTER = (PODS / "tester.py").read_text()
"""Greets the bot at RASA_URL, and fails unless it answers as EXPECTED says."""


def greeting_job(answer: str) -> JsonObject:
    """A verification by a Job that passes if the bot greets with this answer."""
    variables = [{"name": "EXPECTED", "value": answer}]
    container = {"name": "greeting", "image": "tests:1", "command": ["python", "-c", TESTER], "env": variables}
    template = {"spec": {**NOWHERE["spec"], "containers": [container]}}
    return {"verification": {"live": {"jobTemplate": {"spec": {"template": template}}, "timeoutSeconds": 120}}}


def run_job(space: Space, token: str) -> dict[str, str]:
    """Run the pod of the Job to its end, and report that; return the variables that its container had."""
    pod = space.eventually(lambda: space.list("Pod"), "the pod of the Job")[0]
    [container] = pod["spec"]["containers"]
    variables = container_variables(Pod(pod["spec"], {}, {"outside": {"token": token}}), container)
    command = [sys.executable, *container["command"][1:]]
    ended = subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=60)
    state = {"exitCode": ended.returncode, "reason": "Error" if ended.returncode else "Completed"}
    status = {"name": container["name"], "image": container["image"], "imageID": "", "ready": False, "restartCount": 0}
    change = {
        "phase": "Failed" if ended.returncode else "Succeeded",
        "containerStatuses": [{**status, "state": {"terminated": {**state, "message": ended.stderr.strip()}}}],
    }
    answer = space.api.request(
        "PATCH", space.path("Pod", pod["metadata"]["name"], "status"), {"status": change}, headers=MERGE_PATCH
    )
    assert answer.accepted, answer.body["message"]
    return variables


@pytest.mark.timeout(600)
def test_a_model_that_the_job_fails_loses_the_tag_again_while_a_visitor_chats_and_a_good_one_keeps_it(
    empty_space: Space,
    another_space: Space,
    own_model_server: ModelServerProcess,
    shared: Installation,
    rasa_binaries: Path,
) -> None:
    space, elsewhere = empty_space, another_space
    for each in (space, elsewhere):
        furnish(each, own_model_server)
    own_model_server.put_tag(MODEL_A, "production")
    elsewhere.apply(environment("hosted", tag="production", model={"pullPeriodSeconds": 1}))
    with real_rasas(elsewhere, shared.facts.kubeconfig, rasa_binaries, "hosted") as servers:
        server, token = servers["hosted"], elsewhere.token("hosted")
        reference = {"secretKeyRef": {"name": "outside", "key": "token"}}
        space.apply(
            secret("outside", token=token),
            environment(external={"url": server.process.url, "authToken": reference}),
            model_tag(model=MODEL_A),
        )
        space.wait_for_condition(ENVIRONMENT, "production", "ModelServed", status="True", reason="Served")

        with visiting(server) as visitor:
            space.patch(TAG, "production", {"spec": {"model": MODEL_B, **greeting_job(ANSWERS[MODEL_A])}})
            given = run_job(space, token)
            rejected = space.wait_for_condition(TAG, "production", "Tagged", reason="ModelRejected")
            space.eventually(lambda: visitor.answers[-1] == ANSWERS[MODEL_A], "the visitor to meet model A again", 60)
            space.eventually(lambda: not space.list("Job") + space.list("Pod"), "the Job to be gone")
        assert (given["RASA_URL"], given["RASA_TOKEN"], given["MODEL"]) == (server.process.url, token, MODEL_B)
        assert "container greeting exited with 1 (Error)" in rejected["message"]
        assert f"{MODEL_B} in production says {ANSWERS[MODEL_B]!r}" in rejected["message"]
        assert own_model_server.tags() == {"production": MODEL_A}
        assert visitor.problems == []

        with visiting(server) as visitor:
            space.patch(TAG, "production", {"spec": greeting_job(ANSWERS[MODEL_B]), **RETRY})
            run_job(space, token)
            space.wait_for_condition(TAG, "production", "Verified", status="True")
            space.eventually(lambda: visitor.answers[-1:] == [ANSWERS[MODEL_B]], "the visitor to meet model B")
        assert visitor.problems == []
        assert own_model_server.tags() == {"production": MODEL_B}
