"""How pods are replaced, and the account that they run as."""

from __future__ import annotations

from typing import Any

import pytest

from rasa_environments.api.base import JsonObject
from rasa_environments.desired.errors import SpecError
from tests.desired.contexts import children_by_kind, context
from tests.desired.pages import container, plain_variables


def children(rasa: JsonObject | None = None, **spec: Any) -> dict[str, JsonObject]:
    """The children of an environment."""
    return children_by_kind(context({"rasa": {"version": "3.6.21", **(rasa or {})}, **spec}))


def strategy(**wanted: Any) -> JsonObject:
    """How the Deployment replaces its pods."""
    found: JsonObject = children(**wanted)["Deployment"]["spec"]["strategy"]
    return found


def pod(of: dict[str, JsonObject]) -> JsonObject:
    """Return the settings of the pod template."""
    found: JsonObject = of["Deployment"]["spec"]["template"]["spec"]
    return found


def test_new_pods_are_ready_before_old_ones_go_unless_the_spec_says_otherwise() -> None:
    default = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}

    assert strategy() == default
    assert strategy(deploymentStrategy={"type": "RollingUpdate"}) == default
    assert strategy(deploymentStrategy={"type": "Recreate"}) == {"type": "Recreate"}


def test_one_number_of_a_rolling_update_leaves_the_other() -> None:
    wanted = {"rollingUpdate": {"maxSurge": "50%"}}

    assert strategy(deploymentStrategy=wanted)["rollingUpdate"] == {"maxSurge": "50%", "maxUnavailable": 0}


@pytest.mark.parametrize(
    "numbers", [{"maxSurge": 0}, {"maxSurge": "0%", "maxUnavailable": 0}, {"maxSurge": 0, "maxUnavailable": "0%"}]
)
def test_a_rolling_update_that_may_neither_add_nor_take_pods_is_refused(numbers: JsonObject) -> None:
    message = r"^spec\.deploymentStrategy\.rollingUpdate: may not have 0 for both"

    with pytest.raises(SpecError, match=message):
        children(deploymentStrategy={"rollingUpdate": numbers})


def test_a_pod_that_is_to_end_answers_for_five_seconds_and_has_the_grace_period_of_kubernetes() -> None:
    made = children()

    assert container(made)["lifecycle"] == {"preStop": {"sleep": {"seconds": 5}}}
    assert "terminationGracePeriodSeconds" not in pod(made)


@pytest.mark.parametrize(("seconds", "lifecycle"), [(600, {"preStop": {"sleep": {"seconds": 600}}}), (0, None)])
def test_it_may_answer_longer_and_is_given_the_time(seconds: int, lifecycle: JsonObject | None) -> None:
    made = children({"drainSeconds": seconds})

    assert container(made).get("lifecycle") == lifecycle
    assert pod(made)["terminationGracePeriodSeconds"] == seconds + 30


def test_processes_and_messages_are_variables_of_rasa() -> None:
    shown = plain_variables(children({"workers": 4, "logLevel": "Warning"}))

    assert (shown["SANIC_WORKERS"], shown["LOG_LEVEL"]) == ("4", "WARNING")
    assert {"SANIC_WORKERS", "LOG_LEVEL"} & plain_variables(children()).keys() == set()


def test_annotations_of_the_account_are_those_of_the_spec() -> None:
    annotations = {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/bot"}

    made = children(serviceAccount={"annotations": annotations})["ServiceAccount"]

    assert made["metadata"]["annotations"] == annotations
    assert made["automountServiceAccountToken"] is False
    assert "annotations" not in children()["ServiceAccount"]["metadata"]


def test_of_a_service_there_is_only_what_the_spec_asks_for() -> None:
    plain, asked = (
        children(service=wanted)["Service"]["spec"]
        for wanted in (
            {},
            {"type": "LoadBalancer", "nodePort": 30555, "loadBalancerClass": "a/b", "sessionAffinity": "ClientIP"},
        )
    )

    assert plain.keys() == {"type", "selector", "ports"}
    assert plain["ports"][0].keys() == {"name", "port", "protocol", "targetPort"}
    assert (asked["loadBalancerClass"], asked["sessionAffinity"]) == ("a/b", "ClientIP")
    assert asked["ports"][0]["nodePort"] == 30555
