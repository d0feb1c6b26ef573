"""A thousand environments of one Rasa X 0.2x, each with sixteen queues: the event loop is never held for long."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from rasa_environments.api.base import JsonObject
from tests.integration import manifests
from tests.integration.operator_process import OperatorProcess
from tests.integration.space import ENVIRONMENT, Space

ENVIRONMENTS = 1000
QUEUES = 16
PROMISED = 0.1
"""Seconds that the event loop is held at most."""
TICKS = os.sysconf("SC_CLK_TCK")


class Watching:
    """Asks /healthz again and again. What holds an answer up counts as far as the operator was computing meanwhile."""

    def __init__(self, operator: OperatorProcess) -> None:
        self.longest = 0.0
        self._operator = operator
        self._over = threading.Event()

    def run(self) -> None:
        """Until it is over."""
        url, stat = f"{self._operator.url}/healthz", Path(f"/proc/{self._operator.pid}/stat")
        with httpx.Client(trust_env=False, timeout=60) as client:
            while not self._over.wait(0.02):
                started, computed = time.monotonic(), cpu_seconds(stat)
                assert client.get(url).status_code == 200
                held = min(time.monotonic() - started, cpu_seconds(stat) - computed)
                self.longest = max(self.longest, held)

    def stop(self) -> None:
        """No more."""
        self._over.set()


def cpu_seconds(stat: Path) -> float:
    """What the process has used of a processor so far (proc(5): fields 14 and 15)."""
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@contextmanager
def watching(operator: OperatorProcess) -> Iterator[Watching]:
    """Watches for as long as it lasts."""
    watch = Watching(operator)
    thread = threading.Thread(target=watch.run)
    thread.start()
    try:
        yield watch
    finally:
        watch.stop()
        thread.join()


def suspended(number: int, queues: str) -> JsonObject:
    """An environment that is only compared with others."""
    broker = {"host": "rabbit", "queues": [f"{queues}-{each}" for each in range(QUEUES)]}
    return manifests.environment(f"e{number}", suspend=True, eventBroker={"rabbitmq": broker})


@pytest.mark.parametrize("common", [False, True], ids=["queues of their own", "one queue for all"])
def test_a_thousand_environments_hold_the_event_loop_up_for_no_more_than_is_promised(
    new_space: Callable[[], Space], operator: OperatorProcess, common: bool
) -> None:
    space = new_space()
    server = manifests.model_server("http://127.0.0.1:1", profile="RasaX-0.2")
    space.apply(server)
    with watching(operator) as watch:
        for number in range(ENVIRONMENTS):
            space.apply(suspended(number, "all" if common else f"q{number}"))
        space.eventually(lambda: counted(space) == ENVIRONMENTS, "all to be counted", seconds=120)
        space.patch("ModelServer", "default", {"spec": {"defaults": {"trackerStore": {"redis": {"host": "redis"}}}}})
        space.patch(ENVIRONMENT, "e0", {"spec": {"suspend": None}})
        space.wait_for_condition(ENVIRONMENT, "e0", "Ready", status="False")
        space.delete(ENVIRONMENT, "e0")
        operator.wait_for_passes(ENVIRONMENT, 1)
    space.remove()

    assert watch.longest <= PROMISED


def counted(space: Space) -> int:
    """How many environments the ModelServer says that it has."""
    environments: int = space.status("ModelServer", "default").get("environments", 0)
    return environments
