"""A thousand environments of one Rasa X 0.2x, each with sixteen queues: the event loop is never blocked for long."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rasa_environments.api.base import JsonObject
from tests.integration import manifests
from tests.integration.conftest import Installation
from tests.integration.operator_process import OperatorProcess
from tests.integration.space import ENVIRONMENT, Space

ENVIRONMENTS = 1000
QUEUES = 16
PROMISED = 0.1
"""The longest block of the event loop, in seconds."""
MEASURED = Path(__file__).with_name("event_loop")
"""A module that the operator's Python imports when it starts."""


@pytest.fixture(scope="module")
def operator(shared: Installation) -> Iterator[OperatorProcess]:
    """Return an operator that logs what blocks its event loop."""
    process = shared.operator()
    process.launch(PYTHONPATH=str(MEASURED))
    process.wait_until(lambda: process.answer("/readyz").status_code == 200, "ready")
    assert longest(process.logged()) > 0, "nothing is measured, not even the start"
    yield process
    process.kill()


def longest(log: str) -> float:
    """Return the longest block of the event loop."""
    return max(map(float, re.findall(r"the event loop was held for ([0-9.]+) s", log)), default=0)


def suspended(number: int, queues: str) -> JsonObject:
    """Return an environment that only takes part in comparisons."""
    broker = {"host": "rabbit", "queues": [f"{queues}-{each}" for each in range(QUEUES)]}
    return manifests.environment(f"e{number}", suspend=True, eventBroker={"rabbitmq": broker})


@pytest.mark.parametrize("common", [False, True], ids=["queues of their own", "one queue for all"])
def test_a_thousand_environments_hold_the_event_loop_up_for_no_more_than_is_promised(
    new_space: Callable[[], Space], operator: OperatorProcess, common: bool
) -> None:
    space = new_space()
    server = manifests.model_server("http://127.0.0.1:1", profile="RasaX-0.2")
    space.apply(server)
    before = len(operator.logged())
    for number in range(ENVIRONMENTS):
        space.apply(suspended(number, "all" if common else f"q{number}"))
    space.eventually(lambda: counted(space) == ENVIRONMENTS, "all to be counted", seconds=120)
    space.patch("ModelServer", "default", {"spec": {"defaults": {"trackerStore": {"redis": {"host": "redis"}}}}})
    space.patch(ENVIRONMENT, "e0", {"spec": {"suspend": None}})
    space.wait_for_condition(ENVIRONMENT, "e0", "Ready", status="False")
    space.delete(ENVIRONMENT, "e0")
    space.eventually(lambda: counted(space) == ENVIRONMENTS - 1, "one fewer to be counted", seconds=120)
    space.remove()

    assert longest(operator.logged()[before:]) <= PROMISED


def counted(space: Space) -> int:
    """Return how many environments the ModelServer counts."""
    environments: int = space.status("ModelServer", "default").get("environmentCount", 0)
    return environments
