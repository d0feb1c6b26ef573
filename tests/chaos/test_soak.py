"""Deleted objects are forgotten: memory, descriptors and threads stay flat however many environments are churned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.chaos.conftest import NUMBERS
from tests.chaos.soak import Churn, assert_flat, sampled, slope, soaked
from tests.integration.conftest import Installation, furnish
from tests.integration.model_server_process import ModelServerProcess
from tests.integration.operator_process import OperatorProcess
from tests.integration.space import Space

FEW = 4
MINUTES = 10.0
IDLE_SECONDS = 30.0
"""Until connections that nobody uses are closed."""


@dataclass(frozen=True)
class Soak:
    """An operator that has just been started, and a namespace."""

    operator: OperatorProcess
    space: Space


@pytest.fixture
def soak(breakable: Installation, model_server: ModelServerProcess) -> Iterator[Soak]:
    operator = breakable.operator()
    operator.start()
    space = Space(breakable.api, f"soak-{next(NUMBERS)}", operator)
    space.create_namespace()
    furnish(space, model_server)
    yield Soak(operator, space)
    space.remove()
    operator.kill()


def test_environments_that_came_and_went_leave_nothing_behind(soak: Soak) -> None:
    operator, space = soak.operator, soak.space
    churn = Churn(space, alive=FEW)
    for _ in range(FEW):
        churn.step()
    churn.wait_until_settled()
    before = sampled(operator, churn.created, 0)

    for _ in range(2 * FEW):
        churn.step()
    churn.clear()
    churn.wait_until_settled()

    def forgotten() -> bool:
        metrics = operator.answer("/metrics").text
        return 'name="env-' not in metrics and "rasa_environments_queue_length 0.0" in metrics

    operator.wait_until(forgotten, "forgetful")
    operator.wait_until(
        lambda: sampled(operator, churn.created, 0).descriptors <= before.descriptors,
        f"down to {before.descriptors} descriptors",
        IDLE_SECONDS,
    )
    assert sampled(operator, churn.created, 0).threads <= before.threads + 2
    assert "Traceback" not in operator.logged()


@pytest.mark.full_chaos
@pytest.mark.timeout(MINUTES * 60 + 300)
def test_memory_and_descriptors_are_flat_over_ten_minutes_of_churn(soak: Soak) -> None:
    samples = soaked(soak.operator, Churn(soak.space), MINUTES * 60, print)

    print(f"{slope(samples, lambda sample: sample.memory):.1f} KiB for each environment")  # noqa: T201
    assert_flat(samples)
