"""Who can reach an environment's port: selectors mean what they mean in Kubernetes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rasa_environments.api.base import JsonObject
from rasa_environments.desired.context import OperatorPods
from rasa_environments.desired.network_policy import admits_jobs
from rasa_environments.runtime.settings import Settings
from tests.desired.contexts import OPERATOR_PODS, children_by_kind, context

OPERATOR = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "operators"}},
    "podSelector": {"matchLabels": dict(OPERATOR_PODS.labels)},
}
ANYWHERE: JsonObject = {"namespaceSelector": {}}


def ingress(
    operator_pods: OperatorPods | None = OPERATOR_PODS, *, tested_by_job: bool = False, **wanted: Any
) -> list[JsonObject]:
    """The rules for what comes in."""
    policy = {"from": "None", **wanted}
    environment = context(
        {"rasa": {"version": "3.6.21"}, "networkPolicy": policy},
        operator_pods=operator_pods,
        tested_by_job=tested_by_job,
    )
    rules: list[JsonObject] = children_by_kind(environment)["NetworkPolicy"]["spec"]["ingress"]
    return rules


def peers(**wanted: Any) -> list[JsonObject]:
    """Return who is admitted besides the operator, whose pods are admitted by namespace and labels together."""
    (rule,) = ingress(**wanted)
    allowed: list[JsonObject] = rule["from"]
    assert allowed[-1] == OPERATOR
    return allowed[:-1]


SAME_NAMESPACE = {"from": "SameNamespace"}


def test_the_pods_of_the_namespace_come_in_where_it_says_so() -> None:
    assert peers(**SAME_NAMESPACE) == [{"podSelector": {}}]
    assert peers(**SAME_NAMESPACE, allowFrom=[ANYWHERE]) == [{"podSelector": {}}, ANYWHERE]


@pytest.mark.parametrize("wanted", [{}, {"allowFrom": []}])
def test_from_none_lets_in_nobody_but_the_operator(wanted: JsonObject) -> None:
    assert peers(**wanted) == []


def test_the_pods_of_jobs_come_in_only_where_a_job_tests_the_environment() -> None:
    jobs = {"podSelector": {"matchLabels": {"rasa-environments.io/verification-of": "support"}}}

    assert peers(tested_by_job=True) == [jobs]
    assert peers(tested_by_job=True, allowFrom=[ANYWHERE]) == [ANYWHERE, jobs]
    assert peers(tested_by_job=True, **SAME_NAMESPACE) == [{"podSelector": {}}]


@pytest.mark.parametrize(
    ("wanted", "admitted"),
    [({}, False), ({"allowFrom": [ANYWHERE]}, False), ({"tested_by_job": True}, True), (SAME_NAMESPACE, True)],
    ids=str,
)
def test_a_policy_says_whether_it_admits_the_jobs_of_its_environment_and_of_no_other(
    wanted: JsonObject, admitted: bool
) -> None:
    policy = {"spec": {"ingress": ingress(**wanted)}}

    assert admits_jobs(policy, "support") is admitted
    assert admits_jobs(policy, "another") is (wanted == SAME_NAMESPACE)


@pytest.mark.parametrize(
    "peer",
    [
        {"podSelector": {}},
        ANYWHERE,
        {"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "web"}}},
        {"namespaceSelector": {"matchExpressions": [{"key": "team", "operator": "In", "values": ["a", "b"]}]}},
        {"podSelector": {"matchExpressions": [{"key": "app", "operator": "Exists"}]}},
        {"podSelector": {"matchLabels": {}}},
        {"ipBlock": {"cidr": "10.0.0.0/8"}},
        {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}},
    ],
    ids=str,
)
def test_a_peer_becomes_what_it_says(peer: JsonObject) -> None:
    assert peers(allowFrom=[peer]) == [peer]


def test_outside_of_a_cluster_there_is_no_operator_to_let_in() -> None:
    (rule,) = ingress(None, allowFrom=[ANYWHERE])

    assert rule["from"] == [ANYWHERE]


def test_where_nobody_is_let_in_there_is_no_rule_since_one_without_peers_is_for_everybody() -> None:
    assert ingress(None, allowFrom=[]) == []


@given(st.lists(st.sampled_from([{"podSelector": {}}, ANYWHERE, {"ipBlock": {"cidr": "10.0.0.0/8"}}]), max_size=4))
def test_no_rule_is_without_peers(allowed: list[JsonObject]) -> None:
    for pods in (None, OPERATOR_PODS):
        assert all(rule["from"] for rule in ingress(pods, allowFrom=allowed))


def test_the_settings_say_which_pods_the_operator_has() -> None:
    settings = Settings(operator_namespace="operators", operator_selector="app.kubernetes.io/name=bots,component=")

    assert settings.operator_pods == OperatorPods("operators", {"app.kubernetes.io/name": "bots", "component": ""})
    assert Settings().operator_pods is None


@pytest.mark.parametrize(
    "given",
    [
        {"operator_namespace": "operators"},
        {"operator_selector": "a=b"},
        {"operator_namespace": "operators", "operator_selector": ""},
        {"operator_namespace": "operators", "operator_selector": "bots"},
        {"operator_namespace": "operators", "operator_selector": "a=b,"},
        {"operator_namespace": "operators", "operator_selector": "a==b"},
    ],
    ids=str,
)
def test_pods_by_half_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(given)
