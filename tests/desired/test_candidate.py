"""The candidate beside an environment: what it shares with the environment's servers, and what it must not."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from rasa_environments.api.base import JsonObject, ModelReference
from rasa_environments.desired.candidate import KINDS, candidate_children
from rasa_environments.desired.errors import SpecError
from tests.desired.contexts import OPERATOR_PODS, children_by_kind, context
from tests.integration.test_drift import EVERYTHING

MODEL = ModelReference(name="20260102-120000", hash="1" * 64)
URL = "http://model-server:5002/api/projects/default/models/20260102-120000"
RASA = {"rasa": {"version": "3.6.21"}}
CONNECTED: JsonObject = {
    **RASA,
    "eventBroker": {"rabbitmq": {"host": "rabbit", "password": {"secretKeyRef": {"name": "a", "key": "b"}}}},
    "trackerStore": {"sql": {"dialect": "PostgreSQL", "host": "db", "database": "bot"}},
    "lockStore": {"redis": {"host": "redis"}},
    "actionEndpoint": {"url": "http://actions:5055/webhook"},
    "channels": [{"name": "rest"}, {"name": "telegram", "config": {"access_token": "x"}}],
    "endpoints": {"nlg": {"url": "http://nlg"}, "tracker_store": {"type": "x"}, "event_broker": {"type": "x"}},
}


def candidate(spec: JsonObject, **details: Any) -> dict[str, JsonObject]:
    """The candidate's children by kind."""
    return {child["kind"]: child for child in candidate_children(context(spec, **details), MODEL)}


def server(deployment: JsonObject) -> JsonObject:
    """The container of the Rasa server."""
    found: JsonObject = next(
        each for each in deployment["spec"]["template"]["spec"]["containers"] if each["name"] == "rasa"
    )
    return found


def test_it_is_a_deployment_of_one_pod_and_its_configuration() -> None:
    made = candidate(RASA | {"replicas": 3})

    assert list(made) == ["ConfigMap", "Deployment"]
    assert {child["metadata"]["name"] for child in made.values()} == {"support-candidate"}
    assert made["Deployment"]["spec"]["replicas"] == 1
    assert made["Deployment"]["spec"]["strategy"] == {"type": "Recreate"}
    assert {each["metadata"]["ownerReferences"][0]["name"] for each in made.values()} == {"support"}


@pytest.mark.parametrize("spec", [RASA, CONNECTED, RASA | EVERYTHING], ids=["short", "connected", "everything"])
def test_it_runs_what_the_environment_runs(spec: JsonObject) -> None:
    own, made = children_by_kind(context(spec))["Deployment"], candidate(spec)["Deployment"]
    mine, theirs = server(made), server(own)

    assert {**mine, "env": None, "readinessProbe": None} == {**theirs, "env": None, "readinessProbe": None}
    assert {entry["name"] for entry in mine["env"]} == {entry["name"] for entry in theirs["env"]}
    differ = [entry["name"] for entry in mine["env"] if entry not in theirs["env"]]
    assert differ == ["RASA_MODEL_SERVER"]
    pod, other = made["spec"]["template"]["spec"], own["spec"]["template"]["spec"]
    assert {key for key in other if pod.get(key) != other[key]} == {"containers", "volumes"}


def test_it_pulls_the_model_by_its_name() -> None:
    made = candidate(CONNECTED | {"model": {"updateStrategy": "RollingUpdate", "pullPeriodSeconds": 7}})
    models = yaml.safe_load(made["ConfigMap"]["data"]["endpoints.yml"])["models"]

    assert models == {"url": URL, "token": "${RASA_X_TOKEN}", "wait_time_between_pulls": 7}
    assert {"name": "RASA_MODEL_SERVER", "value": URL} in server(made["Deployment"])["env"]


def test_no_conversation_leaves_it_and_rest_is_its_only_channel() -> None:
    data = candidate(CONNECTED)["ConfigMap"]["data"]

    assert sorted(yaml.safe_load(data["endpoints.yml"])) == ["action_endpoint", "models", "nlg"]
    assert yaml.safe_load(data["credentials.yml"]) == {"rest": None}


def test_it_mounts_its_own_configuration() -> None:
    volumes = candidate(RASA)["Deployment"]["spec"]["template"]["spec"]["volumes"]

    assert {"name": "config", "configMap": {"name": "support-candidate"}} in volumes


def test_nothing_that_selects_the_environments_pods_selects_it() -> None:
    labelled = {"podTemplate": {"metadata": {"labels": {"app": "bot"}, "annotations": {"note": "x"}}}}
    made, own = candidate(RASA | labelled)["Deployment"], children_by_kind(context(RASA | labelled))
    template = made["spec"]["template"]["metadata"]

    assert template["labels"] == {
        "app.kubernetes.io/name": "rasa-candidate",
        "rasa-environments.io/candidate-of": "support",
        "app.kubernetes.io/managed-by": "rasa-environments",
    }
    assert template["annotations"].items() >= {"note": "x", "rasa-environments.io/model-hash": MODEL.hash}.items()
    selector = own["Service"]["spec"]["selector"].items()
    assert not selector <= template["labels"].items()
    assert made["spec"]["selector"]["matchLabels"].items() <= template["labels"].items()
    theirs = own["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert not made["spec"]["selector"]["matchLabels"].items() <= theirs.items()


def test_with_a_network_policy_only_the_operator_and_its_jobs_reach_it() -> None:
    policy = candidate(RASA | {"networkPolicy": {"from": "SameNamespace"}})["NetworkPolicy"]["spec"]

    assert policy["podSelector"]["matchLabels"]["rasa-environments.io/candidate-of"] == "support"
    ((jobs, peer),) = (rule["from"] for rule in policy["ingress"])
    assert jobs == {"podSelector": {"matchLabels": {"rasa-environments.io/verification-of": "support"}}}
    assert peer["podSelector"] == {"matchLabels": dict(OPERATOR_PODS.labels)}


def test_it_is_ready_only_with_a_model() -> None:
    probe = server(candidate(RASA | {"model": {"required": False}})["Deployment"])["readinessProbe"]

    assert "/status" in probe["exec"]["command"][-1]


def test_another_model_or_configuration_replaces_its_pod() -> None:
    first = candidate(RASA)["Deployment"]["spec"]["template"]
    context_ = context(RASA)
    other = candidate_children(context_, ModelReference(name="other", hash="2" * 64))[-1]["spec"]["template"]

    assert first["metadata"]["annotations"] != other["metadata"]["annotations"]
    assert first == candidate(RASA)["Deployment"]["spec"]["template"]


def test_where_rasa_x_decides_which_model_is_pulled_there_is_none() -> None:
    with pytest.raises(SpecError, match="none of them can be a candidate"):
        candidate({"rasa": {"version": "1.10.26"}}, server={"profile": "RasaX-0.32"})


def test_all_of_its_kinds_are_removed_the_configuration_last() -> None:
    assert set(candidate(RASA | EVERYTHING)) == set(KINDS)
    assert (KINDS[0], KINDS[-1]) == ("Deployment", "ConfigMap")
