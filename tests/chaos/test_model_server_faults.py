"""The operator survives every fault of a model server: nothing false is reported, and everything recovers fast."""

from __future__ import annotations

import pytest

from tests.chaos.fault_run import PROPERTY, FaultRun, Record
from tests.chaos.faults import Fault, chosen
from tests.chaos.model_server_faults import MODEL_SERVER_FAULTS
from tests.chaos.scene import Probes, Scene
from tests.chaos.story import Story
from tests.integration.model_server_process import MODEL_A, MODEL_B


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrize a test by the requested faults."""
    metafunc.parametrize(("fault", "seconds"), chosen(MODEL_SERVER_FAULTS, metafunc.config))


@pytest.mark.timeout(600)
def test_it_converges_soon_after_the_model_server_is_well_again(
    fault: Fault, seconds: float, sound: Scene, story: Story, probes: Probes, record: Record
) -> None:
    fault_run = FaultRun(sound, story, fault, probes, sound.models, seconds)
    figures = fault_run.run()
    record(PROPERTY, figures.properties())

    moved = f"tag {story.kept} is on model"
    assert f"{moved} {MODEL_A}" in sound.operator.logged(), "the log says it in other words now"
    if not fault_run.promoted_at_end:
        assert f"{moved} {MODEL_B}" not in fault_run.log_during, "it said so before it had verified it"
    assert fault_run.pending_at_end == (), "what needs no model server must not wait for it"
    assert figures.problems == "", sound.operator.tail()
