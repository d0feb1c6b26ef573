"""Required fields are checked after the defaults are merged, neither by the API server nor by pydantic before."""

from __future__ import annotations

from typing import Any

import pytest

from rasa_environments.api.base import JsonObject, merged_problems
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from tests.api.api_server import ApiServer
from tests.api.objects import SECRET, environment

MISSING = "must be set, here or in spec.defaults of the ModelServer"
LACKING: dict[str, tuple[JsonObject, str]] = {
    "broker": ({"eventBroker": {}}, "spec.eventBroker: must have exactly one of rabbitmq, kafka, sql"),
    "host of the broker": ({"eventBroker": {"rabbitmq": {}}}, f"spec.eventBroker.rabbitmq.host: {MISSING}"),
    "addresses of Kafka": ({"eventBroker": {"kafka": {}}}, f"spec.eventBroker.kafka.bootstrapServers: {MISSING}"),
    "password of Kafka": (
        {"eventBroker": {"kafka": {"bootstrapServers": ["kafka:9092"], "username": "rasa"}}},
        (
            "spec.eventBroker.kafka: must have username and password together, the password as "
            "{secretKeyRef: {name: <Secret>, key: <key in it>}}"
        ),
    ),
    "user of the mechanism": (
        {"eventBroker": {"kafka": {"bootstrapServers": ["kafka:9092"], "saslMechanism": "PLAIN"}}},
        "spec.eventBroker.kafka.saslMechanism: may only be set with a username and password",
    ),
    "store": ({"trackerStore": {}}, "spec.trackerStore: must have exactly one of sql, redis"),
    "host of the database": ({"trackerStore": {"sql": {"database": "a-b"}}}, f"spec.trackerStore.sql.host: {MISSING}"),
    "user of the password": (
        {"trackerStore": {"sql": {"host": "postgresql", "password": SECRET}}},
        "spec.trackerStore.sql.username: must be set if a password is",
    ),
    "a database that Rasa can create": (
        {"trackerStore": {"sql": {"host": "postgresql", "database": "a-b", "loginDatabase": "rasa"}}},
        (
            "spec.trackerStore.sql.database: must be letters, digits and _ where loginDatabase is set: Rasa creates "
            "the database without quotes, so a hyphen fails; write rasa_experimental, or leave loginDatabase out"
        ),
    ),
    "address of Redis": (
        {"lockStore": {"redis": {}}},
        "spec.lockStore.redis: must have exactly one of host, sentinel, cluster",
    ),
    "lock store": ({"lockStore": {}}, "spec.lockStore: must have exactly one of redis, concurrentRedis"),
    "action server": ({"actionEndpoint": {"token": SECRET}}, f"spec.actionEndpoint.url: {MISSING}"),
    "key": ({"jwt": {"method": "HS512"}}, f"spec.jwt.key: {MISSING}"),
    "hosts": ({"ingress": {"className": "nginx"}}, f"spec.ingress.hosts: {MISSING}"),
    "budget": (
        {"podDisruptionBudget": {}},
        "spec.podDisruptionBudget: must have exactly one of minAvailable, maxUnavailable",
    ),
    "replicas at most": ({"autoscaling": {}}, f"spec.autoscaling.maxReplicas: {MISSING}"),
    "range": (
        {"autoscaling": {"minReplicas": 3, "maxReplicas": 2}},
        "spec.autoscaling.minReplicas: may not be greater than maxReplicas",
    ),
    "rolling update": (
        {"deploymentStrategy": {"type": "Recreate", "rollingUpdate": {}}},
        "spec.deploymentStrategy.rollingUpdate: may only be set with type RollingUpdate",
    ),
    "port of the nodes": (
        {"service": {"nodePort": 30000}},
        "spec.service.nodePort: may only be set with type NodePort or LoadBalancer",
    ),
    "load balancer": (
        {"service": {"loadBalancerClass": "example.com/one"}},
        "spec.service.loadBalancerClass: may only be set with type LoadBalancer",
    ),
}
WHOLE: JsonObject = {
    "eventBroker": {"kafka": {"bootstrapServers": ["kafka:9092"], "username": "rasa", "password": SECRET}},
    "trackerStore": {"sql": {"host": "postgresql", "database": "a-b"}},
    "lockStore": {"redis": {"sentinel": {"endpoints": ["a:26379"], "masterName": "one"}}},
    "actionEndpoint": {"url": "http://actions:5055/webhook"},
    "jwt": {"key": SECRET},
    "ingress": {"hosts": [{"host": "chat.example.com"}]},
    "podDisruptionBudget": {"maxUnavailable": 1},
    "autoscaling": {"minReplicas": 2, "maxReplicas": 2},
    "deploymentStrategy": {"rollingUpdate": {"maxSurge": 2}},
    "service": {"type": "LoadBalancer", "nodePort": 30000, "loadBalancerClass": "example.com/one"},
}


def problems_of(**spec: Any) -> tuple[str, ...]:
    """Return what a merged spec lacks."""
    return merged_problems(DeploymentEnvironment.model_validate(environment(**spec)).spec, "spec")


@pytest.mark.parametrize(("spec", "problem"), LACKING.values(), ids=LACKING)
def test_what_a_merged_spec_lacks_is_reported_with_its_place(spec: JsonObject, problem: str) -> None:
    assert problems_of(**spec) == (problem,)


def test_a_whole_spec_lacks_nothing() -> None:
    assert problems_of() == problems_of(**WHOLE) == ()


def test_the_api_server_takes_a_part_since_the_defaults_may_have_the_rest(api: ApiServer) -> None:
    for spec, _ in LACKING.values():
        answer = api.create(environment(**spec), strict=True)

        assert answer.accepted, answer.body["message"]
