"""The Job of a team that tests a server: what it is given, and what it cannot have."""

from __future__ import annotations

from typing import Any, cast

import pytest

from rasa_environments.api.base import JsonObject, ModelReference, ObjectKey
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.verification import JobTemplate
from rasa_environments.desired.context import INSTANCE_LABEL, MANAGED_BY_LABEL, NAME_LABEL, VERIFICATION_LABEL
from rasa_environments.desired.errors import SpecError
from rasa_environments.desired.verification_job import JobRun, account_of_jobs, job_key, url_of, verification_job
from tests.reconcile.objects import environment

CONTAINER: JsonObject = {"name": "test", "image": "tests:1"}
RUN = JobRun(
    ObjectKey("bots", "live"),
    "candidate",
    ModelReference(name="new", hash="1" * 32),
    "0123456789abcdef",
    "2026-01-01T12:00:00Z",
)
URL = "http://10.0.0.1:5005"
LIVE = environment("live", environment="production", uid="uid-live")


def job(
    *containers: JsonObject,
    run: JobRun = RUN,
    of: DeploymentEnvironment = LIVE,
    metadata: JsonObject | None = None,
    backoff: int = 0,
    **pod: Any,
) -> JsonObject:
    """The Job with these containers."""
    template = {"metadata": metadata or {}, "spec": {"containers": list(containers or (CONTAINER,)), **pod}}
    given = JobTemplate.model_validate({"spec": {"backoffLimit": backoff, "template": template}})
    return verification_job(of, run, given, URL, 300)


def pod_of(made: JsonObject) -> JsonObject:
    """The spec of its pod."""
    found: JsonObject = made["spec"]["template"]["spec"]
    return found


def test_every_container_gets_the_address_the_token_the_model_and_the_environment() -> None:
    pod = pod_of(job(CONTAINER, {**CONTAINER, "name": "second"}, initContainers=[{**CONTAINER, "name": "first"}]))

    for container in (*pod["initContainers"], *pod["containers"]):
        assert container["env"] == [
            {"name": "RASA_URL", "value": URL},
            {"name": "RASA_TOKEN", "valueFrom": {"secretKeyRef": {"name": "live-rasa", "key": "token"}}},
            {"name": "MODEL", "value": "new"},
            {"name": "ENVIRONMENT", "value": "production"},
        ]


def test_a_server_that_runs_elsewhere_is_tested_with_the_token_that_its_environment_names() -> None:
    source = {"secretKeyRef": {"name": "outside", "key": "password"}}
    elsewhere = environment("live", uid="uid-live", external={"url": URL, "authToken": source})

    [container] = pod_of(job(of=elsewhere))["containers"]

    assert {"name": "RASA_TOKEN", "valueFrom": source} in container["env"]
    account = account_of_jobs(elsewhere)
    assert account["metadata"]["name"] == pod_of(job(of=elsewhere))["serviceAccountName"]
    assert account["automountServiceAccountToken"] is False


def test_the_template_has_variables_of_its_own_but_cannot_set_these() -> None:
    own = [{"name": "RASA_URL", "value": "http://elsewhere"}, {"name": "SUITE", "value": "$(MODEL)-smoke"}]

    env = pod_of(job({**CONTAINER, "env": own}))["containers"][0]["env"]

    assert env[4:] == [own[1]]
    assert url_of(job({**CONTAINER, "env": own})) == URL


def test_nothing_is_expanded_in_the_name_of_a_model() -> None:
    run = JobRun(RUN.tag, "candidate", ModelReference(name="$(RASA_TOKEN)$", hash="1"), RUN.digest, RUN.start_time)

    env = pod_of(job(run=run))["containers"][0]["env"]

    assert {"name": "MODEL", "value": "$$(RASA_TOKEN)$$"} in env


def test_it_ends_by_itself_and_is_kept_longer_than_its_result_can_be_asked_for() -> None:
    spec = job(backoff=2)["spec"]

    assert spec["backoffLimit"] == 2
    assert spec["activeDeadlineSeconds"] > 300
    assert spec["ttlSecondsAfterFinished"] > 300


def test_it_belongs_to_the_environment_and_goes_with_it() -> None:
    metadata = job()["metadata"]

    [owner] = metadata["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"], owner["controller"]) == (
        "DeploymentEnvironment",
        "live",
        "uid-live",
        True,
    )
    assert metadata["namespace"] == "bots"
    assert metadata["labels"][VERIFICATION_LABEL] == "live"


def test_by_default_its_pod_meets_the_level_restricted_and_mounts_no_token() -> None:
    pod = pod_of(job())

    assert pod["serviceAccountName"] == "live-rasa"
    assert pod["automountServiceAccountToken"] is False
    assert pod["restartPolicy"] == "Never"
    assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert pod["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }


def test_what_the_template_says_of_the_pod_is_kept() -> None:
    pod = pod_of(
        job(
            {**CONTAINER, "securityContext": {"readOnlyRootFilesystem": True}},
            securityContext={"runAsUser": 1000},
            restartPolicy="OnFailure",
            volumes=[{"name": "data", "emptyDir": {}}],
        )
    )

    assert pod["securityContext"]["runAsUser"] == 1000
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True
    assert pod["restartPolicy"] == "OnFailure"
    assert pod["volumes"] == [{"name": "data", "emptyDir": {}}]


def test_no_label_of_the_template_puts_its_pods_behind_a_service_of_the_environment() -> None:
    labels = {
        NAME_LABEL: "rasa",
        INSTANCE_LABEL: "live",
        MANAGED_BY_LABEL: "rasa-environments",
        "rasa-environments.io/candidate-of": "live",
        "team": "bots",
    }

    made = job(metadata={"labels": labels, "annotations": {"sidecar.istio.io/inject": "false"}})["spec"]["template"]

    assert made["metadata"] == {
        "labels": {"team": "bots", NAME_LABEL: "rasa-verification", VERIFICATION_LABEL: "live"},
        "annotations": {"sidecar.istio.io/inject": "false"},
    }


@pytest.mark.parametrize("field", ["serviceAccountName", "serviceAccount"])
def test_it_runs_as_no_other_service_account(field: str) -> None:
    with pytest.raises(SpecError, match=f"{field} must be absent: the Job runs as the ServiceAccount of its env"):
        job(**cast("dict[str, Any]", {field: "admin"}))


@pytest.mark.parametrize("containers", ["x", [1], {"name": "test"}])
def test_containers_that_are_none_are_named(containers: object) -> None:
    with pytest.raises(SpecError, match=r"jobTemplate\.spec\.template\.spec\.initContainers must be a list of maps"):
        job(initContainers=containers)


def test_its_name_is_the_same_for_the_same_run_and_fits_into_a_label() -> None:
    others = [
        JobRun(ObjectKey("bots", "other"), RUN.stage, RUN.model, RUN.digest, RUN.start_time),
        JobRun(RUN.tag, "live", RUN.model, RUN.digest, RUN.start_time),
        JobRun(RUN.tag, RUN.stage, ModelReference(name="new", hash="2"), RUN.digest, RUN.start_time),
        JobRun(RUN.tag, RUN.stage, RUN.model, "another set", RUN.start_time),
        JobRun(RUN.tag, RUN.stage, RUN.model, RUN.digest, "2026-01-02T12:00:00Z"),
    ]
    long = ObjectKey("bots", "a" * 60)

    names = {job_key(LIVE.metadata.key, run).name for run in (RUN, RUN, *others)}

    assert len(names) == 1 + len(others)
    assert len(job_key(long, RUN).name) == 63
