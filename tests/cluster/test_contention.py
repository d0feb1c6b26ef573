"""A child that somebody keeps changing is corrected with backoff; everything else at once."""

from __future__ import annotations

import pytest

from rasa_environments.api.base import ObjectKey
from rasa_environments.cluster import contention
from rasa_environments.cluster.contention import AT_ONCE, BACKOFF, FORGOTTEN_SECONDS, Contention
from rasa_environments.cluster.resources import SECRETS, SERVICES

KEY = ObjectKey("bots", "production-rasa")


class Clock:
    """Replaces the module `time`."""

    now = 1000.0

    def monotonic(self) -> float:
        """What time it is."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that counts."""
    clock = Clock()
    monkeypatch.setattr(contention, "time", clock)
    return clock


def corrected(times: int, found: Contention | None = None) -> Contention:
    """A child whose Service was corrected this often in a row."""
    found = found or Contention()
    for _ in range(times):
        found.corrected(SERVICES, KEY, "digest")
    return found


def test_a_few_corrections_are_made_at_once(clock: Clock) -> None:
    assert corrected(AT_ONCE).seconds_left(SERVICES, KEY, "digest") == 0


def test_the_next_ones_wait_longer_and_longer(clock: Clock) -> None:
    found = corrected(AT_ONCE)

    waits = [corrected(1, found).seconds_left(SERVICES, KEY, "digest") for _ in range(3)]

    assert waits == [BACKOFF.first, BACKOFF.first * 2, BACKOFF.first * 4]
    clock.now += waits[-1]
    assert found.seconds_left(SERVICES, KEY, "digest") == 0
    assert found.count(SERVICES, KEY) == AT_ONCE + 3


def test_another_wish_another_object_and_a_quiet_time_start_anew(clock: Clock) -> None:
    found = corrected(AT_ONCE + 1)

    assert found.seconds_left(SERVICES, KEY, "another digest") == 0
    assert found.seconds_left(SECRETS, KEY, "digest") == 0
    clock.now += FORGOTTEN_SECONDS
    found.corrected(SERVICES, KEY, "digest")
    assert found.count(SERVICES, KEY) == 1


def test_what_is_gone_is_forgotten(clock: Clock) -> None:
    found = corrected(AT_ONCE + 1)

    found.forget(KEY)

    assert found.count(SERVICES, KEY) == 0
