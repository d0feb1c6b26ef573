"""Slow servers in one namespace delay no other namespace."""

from __future__ import annotations

from rasa_environments.api.base import JsonObject
from rasa_environments.controller.queue import NAMESPACE_LIMIT
from tests.integration import manifests
from tests.integration.conftest import furnish
from tests.integration.dripping import dripping
from tests.integration.model_server_process import ModelServerProcess
from tests.integration.space import Space

MODEL_SERVERS = 60


def test_an_environment_does_not_wait_for_the_slow_model_servers_of_another_namespace(
    empty_space: Space, another_space: Space, model_server: ModelServerProcess
) -> None:
    with dripping() as slow:
        empty_space.apply(*(slow_model_server(slow.url, number) for number in range(MODEL_SERVERS)))
        empty_space.eventually(lambda: slow.most_at_once >= NAMESPACE_LIMIT, "as many are asked as may be")

        furnish(another_space, model_server)
        another_space.apply(manifests.environment())

        another_space.eventually(lambda: another_space.find_child("Deployment"), "the Deployment", seconds=10)
        assert slow.most_at_once == NAMESPACE_LIMIT
        empty_space.remove()


def slow_model_server(url: str, number: int) -> JsonObject:
    """A ModelServer without credentials."""
    manifest = manifests.model_server(url, f"m{number}")
    del manifest["spec"]["credentialsSecretRef"]
    return manifest
