"""A new environment: its children, its status, and what it costs."""

from __future__ import annotations

import re

from rasa_environments.api.base import JsonObject
from tests.integration.audit import AuditLog, counted
from tests.integration.events import wait_for_event
from tests.integration.manifests import environment, model_tag, secret_value
from tests.integration.model_server_process import MODEL_A, ModelServerProcess
from tests.integration.operator_process import OperatorProcess
from tests.integration.rasa_at_pod import scripted_rasa
from tests.integration.space import ALWAYS_THERE, ENVIRONMENT, ON_REQUEST, Space

CHILDREN = ("configmaps", "deployments", "secrets", "serviceaccounts", "services")


def test_ten_lines_of_yaml_make_five_children_that_belong_to_the_environment(space: Space) -> None:
    space.apply(environment())
    space.wait_until_ready()

    uid = space.get(ENVIRONMENT, "production")["metadata"]["uid"]
    for kind in ALWAYS_THERE:
        metadata = space.child(kind)["metadata"]
        owners = [(owner["kind"], owner["name"], owner["uid"]) for owner in metadata["ownerReferences"]]
        assert owners == [(ENVIRONMENT, "production", uid)]
        assert metadata["labels"] == {
            "app.kubernetes.io/name": "rasa",
            "app.kubernetes.io/instance": "production",
            "app.kubernetes.io/component": "production",
            "app.kubernetes.io/part-of": "rasa-environments",
            "app.kubernetes.io/managed-by": "rasa-environments",
            "rasa-environments.io/environment": "production",
        }
    assert [kind for kind in ON_REQUEST if space.find_child(kind) is not None] == []
    assert re.fullmatch("[0-9a-f]{64}", space.token())


def test_every_environment_gets_a_token_of_its_own(space: Space) -> None:
    space.apply(environment(), environment("worker"))

    space.wait_until_ready("production", "worker")

    assert space.token("production") != space.token("worker")


def test_the_status_says_where_the_environment_is_and_what_it_pulls(
    space: Space, model_server: ModelServerProcess
) -> None:
    space.apply(environment("support", environment="help-desk", tag="support"))
    space.wait_until_ready("support")

    created = space.get(ENVIRONMENT, "support")
    status = created["status"]
    assert status["url"] == f"http://support-rasa.{space.namespace}.svc:5005"
    assert status["environment"] == "help-desk"
    assert status["tag"] == "support"
    assert status["authToken"] == {"secretKeyRef": {"name": "support-rasa", "key": "token"}}
    assert status["replicas"] == 1
    assert status["selector"] == "app.kubernetes.io/name=rasa,app.kubernetes.io/instance=support"
    assert status["desiredModel"] == {"name": MODEL_A, "hash": model_server.hash_of_tag("support")}
    assert status["observedGeneration"] == created["metadata"]["generation"]
    assert conditions(created) == {
        "Ready": ("True", "ServedUnchecked"),
        "Reconciling": ("False", "Settled"),
        "Stalled": ("False", "Settled"),
        "Available": ("True", "Available"),
        "ModelAvailable": ("True", "ModelFound"),
        "ModelServed": ("True", "ServedUnchecked"),
        "ConversationsPersisted": ("False", "InMemory"),
    }


def test_the_scale_subresource_sets_the_replicas(space: Space) -> None:
    space.apply(environment())
    space.wait_until_ready()

    space.patch(ENVIRONMENT, "production", {"spec": {"replicas": 2}}, "scale")
    space.eventually(lambda: space.child("Deployment")["spec"]["replicas"] == 2, "the Deployment to have 2 replicas")
    space.wait_until_ready()

    answer = space.api.request("GET", space.path(ENVIRONMENT, "production", "scale"))
    assert answer.body["status"] == {
        "replicas": 2,
        "selector": "app.kubernetes.io/name=rasa,app.kubernetes.io/instance=production",
    }


def test_an_environment_without_replicas_is_available_and_serves_nothing(space: Space) -> None:
    space.apply(environment(replicas=0))

    space.wait_for_condition(ENVIRONMENT, "production", "Available", status="True")
    for condition in ("ModelServed", "Ready"):
        space.wait_for_condition(ENVIRONMENT, "production", condition, status="False", reason="NoPods")
    space.wait_for_condition(ENVIRONMENT, "production", "Reconciling", status="False")
    assert space.status(ENVIRONMENT, "production")["replicas"] == 0


def test_a_new_environment_costs_seven_requests_and_one_for_each_further_status(space: Space, audit: AuditLog) -> None:
    space.apply(model_tag(model=MODEL_A))
    space.wait_for_condition("ModelTag", "production", "Tagged", status="True")
    wait_for_event(space, "ModelTag", "production", "Promoted")  # which is written beside the work
    start = audit.mark()

    space.apply(environment())
    space.wait_until_ready()
    space.eventually(lambda: space.status("ModelTag", "production").get("environments"), "the tag to name its follower")
    space.operator.wait_for_passes("ModelServer", 2)

    requests = counted([entry for entry in audit.requests(start) if entry.namespace == space.namespace])
    statuses = requests.pop("patch deploymentenvironments/status")
    assert requests.pop("patch modelservers/status", 0) <= 1  # how many environments it has
    assert 1 <= requests.pop("patch modeltags/status") <= statuses  # which environments follow it, and how they are
    assert requests == {"get deploymentenvironments": 1, **{f"create {child}": 1 for child in CHILDREN}}
    assert statuses <= len(("waits for pods", "has pods", "Ready"))


def test_a_model_that_is_served_costs_a_status_and_one_event_more(space: Space, audit: AuditLog) -> None:
    space.apply(environment())
    space.wait_until_ready()
    start = audit.mark()

    with scripted_rasa(space) as rasa:
        rasa.model = MODEL_A
        wait_for_event(space, ENVIRONMENT, "production", "ModelServed")

    written = [entry for entry in audit.requests(start) if entry.writes and entry.namespace == space.namespace]
    requests = counted(written)
    assert requests.pop("patch modelservers/status", 0) <= 1
    statuses = requests.pop("patch deploymentenvironments/status")
    assert requests == {"create events": statuses}, "one for each turn of ModelServed"
    assert statuses <= len(("has no model yet", "serves"))


def test_at_rest_be_it_well_or_not_nothing_is_written_and_nothing_is_read(
    space: Space, audit: AuditLog, operator: OperatorProcess
) -> None:
    space.apply(environment(), environment("worker"), model_tag(model=MODEL_A))
    space.wait_until_ready("production", "worker")
    space.wait_for_condition("ModelTag", "production", "Tagged", status="True")
    space.apply(
        environment("without-a-model"),
        environment("staging", rasa={"version": "9.9.9"}),
        environment("support", authToken=secret_value("missing", "token")),
    )
    space.wait_for_condition(ENVIRONMENT, "without-a-model", "Ready", status="False", reason="TagNotFound")
    space.wait_for_condition(ENVIRONMENT, "staging", "Ready", status="False", reason="InvalidSpec")
    space.wait_for_condition(ENVIRONMENT, "support", "Ready", status="False", reason="SecretNotFound")
    space.eventually(lambda: space.status("ModelServer", "default").get("environmentCount") == 5, "all to be counted")
    operator.wait_for_passes("ModelServer", 2)
    start = audit.mark()

    operator.wait_for_passes("ModelServer", 6)

    requests = [entry for entry in audit.requests(start) if entry.namespace in (space.namespace, "")]
    assert [str(entry) for entry in requests if entry.writes] == []
    assert {entry.verb for entry in requests} <= {"list"}, counted(requests)


def conditions(obj: JsonObject) -> dict[str, tuple[str, str]]:
    """Status and reason by type."""
    return {entry["type"]: (entry["status"], entry["reason"]) for entry in obj["status"]["conditions"]}
