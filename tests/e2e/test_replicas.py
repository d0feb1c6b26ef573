"""Two Rasa servers with their conversations and locks in Redis."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import pytest

from local.images import REDIS_IMAGE
from rasa_environments.api.base import JsonObject
from tests.e2e.caller import Caller
from tests.e2e.pod_space import PodSpace
from tests.integration.manifests import secret, secret_value
from tests.integration.model_server_process import MODEL_A
from tests.integration.space import ENVIRONMENT

NAMESPACE = "replicas"
NAME = "team-chat"
PASSWORD = secrets.token_hex(16)
ANSWER = ("bot", "Hello from model A.")


@dataclass(frozen=True)
class Pair:
    """The addresses of the two pods, and the token that opens both."""

    urls: list[str]
    token: str


def redis_pod() -> JsonObject:
    """Redis in memory, with a password."""
    container = {
        "name": "redis",
        "image": REDIS_IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "args": ["--requirepass", "$(PASSWORD)", "--save", "", "--dir", "/data"],
        "env": [{"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "redis", "key": "password"}}}],
        "readinessProbe": {"tcpSocket": {"port": 6379}, "periodSeconds": 1},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "redis", "labels": {"app": "redis"}},
        "spec": {
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 999,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
            "volumes": [{"name": "data", "emptyDir": {}}],
        },
    }


def redis_service() -> JsonObject:
    """Where Redis is."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "redis"},
        "spec": {"selector": {"app": "redis"}, "ports": [{"port": 6379}]},
    }


@pytest.fixture(scope="module")
def pair(space: PodSpace) -> Pair:
    """An environment with one server is scaled to two."""
    space.apply(secret("redis", password=PASSWORD), redis_service(), redis_pod())
    store = {"redis": {"host": "redis", "password": secret_value("redis", "password")}}
    space.start(NAME, MODEL_A, lockStore=store, trackerStore=store)
    space.cluster.kubectl("scale", "denv", NAME, "--replicas=2", "--namespace", NAMESPACE)
    space.wait_until_served(NAME, MODEL_A, pods=2)
    urls = [f"http://{pod['status']['podIP']}:5005" for pod in space.pods(NAME)]
    return Pair(urls, space.token(NAME))


def test_both_pods_serve_the_model(space: PodSpace, pair: Pair) -> None:
    assert len(set(pair.urls)) == 2
    status = space.status(ENVIRONMENT, NAME)
    assert (status["servingReplicas"], status["readyReplicas"]) == (2, 2)
    space.wait_for_condition(ENVIRONMENT, NAME, "ConversationsPersisted", status="True", reason="Persisted")


def test_one_conversation_continues_over_both(caller: Caller, pair: Pair) -> None:
    sender = f"visitor-{secrets.token_hex(4)}"

    for number in range(4):
        caller.says(pair.urls[number % 2], f"hello {number}", sender)

    expected = [entry for number in range(4) for entry in (("user", f"hello {number}"), ANSWER)]
    for url in pair.urls:
        assert caller.tracker(url, pair.token, sender) == expected
