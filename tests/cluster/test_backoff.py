"""The delay before a failed attempt is repeated."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.cluster.backoff import Backoff

BACKOFFS = st.builds(Backoff, first=st.floats(0.1, 1.0), longest=st.floats(1.0, 100.0))


@given(backoff=BACKOFFS, failures=st.integers(1, 10_000), jitter=st.floats(0, 1))
def test_it_stays_within_its_bounds(backoff: Backoff, failures: int, jitter: float) -> None:
    assert backoff.first / 2 <= backoff.seconds(failures, jitter) <= backoff.longest


@given(backoff=BACKOFFS, failures=st.integers(0, 100), jitter=st.floats(0, 1))
def test_it_never_shrinks(backoff: Backoff, failures: int, jitter: float) -> None:
    assert backoff.seconds(failures, jitter) <= backoff.seconds(failures + 1, jitter)


@given(backoff=BACKOFFS)
def test_it_doubles_up_to_the_longest(backoff: Backoff) -> None:
    assert backoff.seconds(1) == backoff.first
    assert backoff.seconds(2) == min(2 * backoff.first, backoff.longest)
    assert backoff.seconds(10_000) == backoff.longest


@given(backoff=BACKOFFS)
def test_after_no_failure_there_is_no_wait(backoff: Backoff) -> None:
    assert backoff.seconds(0) == 0.0


def test_jitter_spreads_those_that_fail_together() -> None:
    backoff = Backoff(first=0.5, longest=60.0)

    assert backoff.seconds(3, 1) == 2 * backoff.seconds(3, 0)
