"""Rasa 1.x and 2.x report only when their model was trained: it is identified by that time among the listed ones."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.domain.facts import TaggedModel
from rasa_environments.domain.training_times import TRAINED_TOGETHER_SECONDS, ByTrainingTime

WHEN = 1767268800.25
TIMES = st.integers(0, 2_000_000_000).map(float) | st.floats(0, 2_000_000_000)


def model(name: str, trained_at: float | None) -> TaggedModel:
    """A listed model."""
    return TaggedModel(name, f"hash of {name}", trained_at)


@given(times=st.lists(st.integers(0, 10**9), min_size=1, max_size=6, unique=True), error=st.floats(-0.49, 0.49))
def test_the_model_of_that_time_is_found_however_the_model_server_rounds(times: list[int], error: float) -> None:
    listed = [model(f"model-{second}", second + error) for second in times]

    assert ByTrainingTime(listed).nearest(times[0]) == f"model-{times[0]}"
    assert ByTrainingTime(listed[::-1]).nearest(times[0]) == f"model-{times[0]}"


@given(times=st.lists(TIMES, max_size=4), served=TIMES)
def test_a_model_of_another_time_is_never_taken_for_it(times: list[float], served: float) -> None:
    name = ByTrainingTime([model(f"model-{number}", time) for number, time in enumerate(times)]).nearest(served)

    near = [time for time in times if abs(time - served) < TRAINED_TOGETHER_SECONDS]
    assert (name is not None) is bool(near)
    if name is not None:
        found = times[int(name.removeprefix("model-"))]
        assert abs(found - served) == min(abs(time - served) for time in near)


def test_a_model_of_unknown_time_is_passed_over() -> None:
    assert ByTrainingTime([model("unknown", None), model("known", WHEN)]).nearest(WHEN) == "known"
