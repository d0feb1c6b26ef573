"""The operator survives every fault of the API server: no storm, truthful probes, fast recovery."""

from __future__ import annotations

import pytest

from tests.chaos.api_server_faults import API_SERVER_FAULTS
from tests.chaos.fault_run import PROPERTY, FaultRun, Record, leaked
from tests.chaos.faults import Fault, chosen
from tests.chaos.scene import Probes, Scene
from tests.chaos.story import Story


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrize a test by the requested faults."""
    metafunc.parametrize(("fault", "seconds"), chosen(API_SERVER_FAULTS, metafunc.config))


@pytest.mark.timeout(600)
def test_it_converges_soon_after_the_api_server_is_well_again(
    fault: Fault, seconds: float, sound: Scene, story: Story, probes: Probes, record: Record
) -> None:
    start = sound.models.mark()
    figures = FaultRun(sound, story, fault, probes, sound.api, seconds).run()
    record(PROPERTY, figures.properties())

    assert leaked(sound.models.calls[start:]) == []
    assert figures.problems == "", sound.operator.tail()
