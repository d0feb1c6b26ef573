"""Hundreds of slow model servers in several namespaces of one tenant delay nobody else."""

from __future__ import annotations

import time
from collections.abc import Callable

from rasa_environments.controller.queue import NAMESPACE_LIMIT
from tests.integration import manifests
from tests.integration.conftest import furnish
from tests.integration.dripping import SECONDS, dripping
from tests.integration.model_server_process import ModelServerProcess
from tests.integration.operator_process import OperatorProcess
from tests.integration.space import Space
from tests.integration.test_fair_share import slow_model_server

NAMESPACES = 6
MODEL_SERVERS = 100
"""In each of them."""


def test_600_dripping_model_servers_delay_an_environment_elsewhere_by_less_than_a_second(
    new_space: Callable[[], Space], operator: OperatorProcess, model_server: ModelServerProcess
) -> None:
    before = seconds_to_a_deployment(new_space(), model_server)
    tenant = [new_space() for _ in range(NAMESPACES)]
    with dripping() as slow:
        for space in tenant:
            space.apply(*(slow_model_server(slow.url, number) for number in range(MODEL_SERVERS)))
        at_once = NAMESPACES * NAMESPACE_LIMIT
        tenant[0].eventually(lambda: slow.most_at_once >= at_once, "as many are asked as may be", 2 * SECONDS)

        after = min(seconds_to_a_deployment(new_space(), model_server) for _ in range(3))

        assert after < before + 1
        assert slow.most_at_once == at_once
        assert operator.answer("/healthz").status_code == 200
        for space in tenant:
            space.remove()


def seconds_to_a_deployment(space: Space, model_server: ModelServerProcess) -> float:
    """Return how long a new environment waits for its Deployment."""
    started = time.monotonic()
    furnish(space, model_server)
    space.apply(manifests.environment())
    space.eventually(lambda: space.find_child("Deployment"), "the Deployment", seconds=300)
    return time.monotonic() - started
