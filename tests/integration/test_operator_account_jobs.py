"""What a thief of the operator's token can do with Jobs: no more than with the Deployment of an environment."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from rasa_environments.api.base import JsonObject, ModelReference, ObjectKey
from rasa_environments.api.verification import JobTemplate
from rasa_environments.cluster.resources import JOBS
from rasa_environments.desired.verification_job import JobRun, verification_job
from tests.api.api_server import Answer, wait_until
from tests.integration.conftest import Installation
from tests.integration.people import MERGE_PATCH
from tests.integration.space import Objects
from tests.integration.thief import FORGED, OWNER, Thief, bound_to_everything, merged, thief_of
from tests.reconcile.objects import environment

TENANT = "tenant-of-jobs"
POLICY = "ValidatingAdmissionPolicy 'rasa-environments-operator-"
MINE = "tests-own"


def job(name: str = FORGED) -> JsonObject:
    """The Job of an environment as the operator creates it; no namespace is named."""
    pod = {"containers": [{"name": "test", "image": "tests:1"}]}
    template = JobTemplate.model_validate({"spec": {"template": {"spec": pod}}})
    key, model = ObjectKey(TENANT, "live"), ModelReference(name="model", hash="hash")
    run = JobRun(key, "candidate", model, "digest", "2026-01-01T12:00:00Z")
    of = environment(name, namespace=TENANT, uid="00000000-0000-0000-0000-000000000001")
    made = verification_job(of, run, template, "http://10.0.0.1:5005", 300)
    del made["metadata"]["namespace"]
    return made


def metadata(**fields: object) -> JsonObject:
    """A change of its metadata."""
    return {"metadata": fields}


def pod(**fields: object) -> JsonObject:
    """A change of its pod."""
    return {"spec": {"template": {"spec": fields}}}


def labels(**values: str) -> JsonObject:
    """A change of the labels of its pod; `__` stands for `/`."""
    return {"spec": {"template": metadata(labels={key.replace("__", "/"): value for key, value in values.items()})}}


REFUSED: dict[str, tuple[JsonObject, str]] = {
    "no owner": (metadata(ownerReferences=None), "does not belong to|ServiceAccount of their environment"),
    "owner of another kind": (metadata(ownerReferences=[{**OWNER, "kind": "ModelTag"}]), "does not belong to"),
    "owner that does not control it": (metadata(ownerReferences=[{**OWNER, "controller": False}]), "does not belong"),
    "another name": (metadata(name="loot"), "does not belong to an environment"),
    "name of a child": (metadata(name=f"{FORGED}-rasa"), "does not belong to an environment"),
    "name of another environment": (metadata(name="other-verification-0"), "does not belong to an environment"),
    "without the label": (metadata(labels={"app.kubernetes.io/managed-by": None}), "carries its label"),
    "label of a queue": (metadata(labels={"kueue.x-k8s.io/queue-name": "loot"}), "adds no labels"),
    "annotation": (metadata(annotations={"example.com/any": "loot"}), "adds no annotations"),
    "finalizer": (metadata(finalizers=["example.com/never"]), "adds no finalizers"),
    "pods of an environment": (labels(**{"app.kubernetes.io__instance": "support"}), "selects its own pods"),
    "pods of a candidate": (labels(**{"rasa-environments.io__candidate-of": "support"}), "selects its own pods"),
    "pods of others": (
        {
            "spec": {
                "manualSelector": True,
                "selector": {"matchLabels": {"rasa-environments.io/verification-of": FORGED}},
            }
        },
        "selects its own pods",
    ),
    "another account": (pod(serviceAccountName="default"), 'ServiceAccount of their environment, "forged-rasa"'),
    "no account": (pod(serviceAccountName=None), 'ServiceAccount of their environment, "forged-rasa"'),
    "network of the node": (pod(hostNetwork=True), "hostNetwork.*change the jobTemplate of the ModelTag"),
    "files of the node": (pod(volumes=[{"name": "root", "hostPath": {"path": "/"}}]), "hostPath"),
    "root": (pod(securityContext={"runAsUser": 0}), "runAsNonRoot"),
    "privileged": (
        pod(containers=[{"name": "test", "image": "x", "securityContext": {"privileged": True}}]),
        "must not set privileged",
    ),
}


@pytest.fixture(scope="module")
def thief(breakable: Installation) -> Iterator[Thief]:
    """Somebody with the operator's token, in the namespace of a tenant with a Job of the tenant's own."""
    space = Objects(breakable.api, TENANT)
    space.create_namespace()
    own = merged(job(), metadata(name=MINE, ownerReferences=None))
    space.apply(merged(own, {"spec": {"suspend": True}}))
    with thief_of(breakable, TENANT) as thief:
        wait_until(lambda: POLICY in message(attempt(thief, metadata(name="loot"))), "the policies to hold")
        yield thief
    space.delete("Job", MINE)


def attempt(thief: Thief, change: JsonObject) -> Answer:
    """The creation of a Job with a change; nothing is written."""
    return thief.create(merged(job(), change), dryRun="All")


def message(answer: Answer) -> str:
    """The API server's message of a refusal."""
    return str(answer.body.get("message", ""))


@pytest.mark.parametrize(("change", "words"), REFUSED.values(), ids=REFUSED)
def test_a_job_that_is_not_the_operators_work_is_refused(thief: Thief, change: JsonObject, words: str) -> None:
    answer = attempt(thief, change)

    assert answer.status == 403, answer.body
    assert POLICY in message(answer)
    assert re.search(words, message(answer)), message(answer)


def test_the_operators_own_job_is_not_refused_whatever_the_length_of_the_name(thief: Thief) -> None:
    long = merged(job("a" * 58), {})

    assert attempt(thief, {}).accepted
    answer = thief.create(long, dryRun="All")
    assert answer.accepted, answer.body


def test_a_job_of_others_is_not_deleted(thief: Thief) -> None:
    answer = thief.send("DELETE", JOBS.path(TENANT, MINE), dryRun="All")

    assert "does not belong to an environment" in message(answer)


def test_no_job_is_changed_even_where_the_account_has_every_right(thief: Thief, breakable: Installation) -> None:
    administrator = bound_to_everything(breakable, TENANT)
    body = {"spec": {"suspend": False}}

    answer = administrator.send("PATCH", JOBS.path(TENANT, MINE), body, MERGE_PATCH, dryRun="All")

    assert answer.status == 403
    assert "has no reason to UPDATE batch/jobs" in message(answer) or "may not UPDATE jobs" in message(answer)


def test_nothing_runs_in_a_namespace_of_the_cluster(thief: Thief) -> None:
    answer = thief.send("POST", JOBS.path("kube-system"), job(), dryRun="All")

    assert "writes nothing in the namespace" in message(answer)
