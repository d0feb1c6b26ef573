"""Failed requests are retried: each with its own backoff, in turns, and all at once after a success."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

from rasa_environments.cluster.retries import ROUND_SECONDS, TURNS, Retries
from tests.reconcile.clock import run

LONG = 1000.0


class Attempts:
    """Records when each key was retried; `failing` keys keep failing."""

    def __init__(self, *failing: str) -> None:
        self.retries = Retries()
        self.failing = set(failing)
        self.made: list[tuple[str, float]] = []

    def fail(self, key: str, seconds: float = LONG, *, outage: bool = True) -> None:
        """Let the key wait for its retry."""
        self.retries.schedule(key, seconds, lambda: self._retry(key, seconds, outage=outage), takes_turns=outage)

    def _retry(self, key: str, seconds: float, *, outage: bool) -> None:
        self.made.append((key, asyncio.get_running_loop().time()))
        if key in self.failing:
            self.fail(key, seconds, outage=outage)
        else:
            self.retries.succeeded(key)

    @property
    def keys(self) -> list[str]:
        """What was retried, in order."""
        return [key for key, _ in self.made]


def during(seconds: float, given: Callable[[Attempts], None], *failing: str) -> Attempts:
    """Return the attempts in this many seconds of a simulated clock."""

    async def test() -> Attempts:
        attempts = Attempts(*failing)
        given(attempts)
        await asyncio.sleep(seconds)
        attempts.retries.close()
        return attempts

    return run(test())


def after_an_outage(*keys: str) -> Callable[[Attempts], None]:
    """Let the keys fail because of the API server."""

    def given(attempts: Attempts) -> None:
        for key in keys:
            attempts.fail(key)

    return given


def test_each_key_is_retried_when_its_own_time_has_come() -> None:
    def given(it: Attempts) -> None:
        it.fail("a", 3, outage=False)
        it.fail("b", 7, outage=False)

    assert during(10, given).made == [("a", 3), ("b", 7)]


def test_what_failed_by_itself_takes_no_turn() -> None:
    assert during(LONG / 2, lambda it: it.fail("a", outage=False)).made == []


def test_after_an_outage_one_is_tried_soon_and_when_it_gets_through_all_are() -> None:
    def given(it: Attempts) -> None:
        after_an_outage("a", "b")(it)
        it.fail("c", outage=False)

    assert during(TURNS.first, given).keys == ["a", "b", "c"]


def test_as_long_as_nothing_gets_through_they_take_turns_with_backoff() -> None:
    attempts = during(60, after_an_outage("a", "b"), "a", "b")

    assert attempts.keys[:4] == ["a", "b", "a", "b"]
    assert 60 / TURNS.longest <= len(attempts.made) <= 60 / TURNS.longest + 3


def test_one_that_fails_for_good_does_not_keep_the_others_waiting() -> None:
    attempts = during(TURNS.first + TURNS.longest, after_an_outage("bad", "good", "other"), "bad")

    assert attempts.keys[:3] == ["bad", "good", "other"]


def test_each_success_of_many_does_not_retry_again_what_fails_for_good() -> None:
    many = [str(number) for number in range(100)]
    attempts = during(TURNS.first * 2, after_an_outage(*many, "bad"), "bad")

    assert set(many) <= set(attempts.keys)
    assert attempts.keys.count("bad") <= 2


def test_one_that_fails_and_succeeds_in_turns_does_not_keep_the_others_busy() -> None:
    async def test() -> int:
        attempts = Attempts("bad")
        after_an_outage("bad")(attempts)
        for _ in range(600):
            attempts.retries.schedule("flapping", LONG, lambda: None, takes_turns=True)
            attempts.retries.succeeded("flapping")
            await asyncio.sleep(0.1)
        attempts.retries.close()
        return attempts.keys.count("bad")

    turns_between_two_rounds = 3
    assert run(test()) <= (1 + turns_between_two_rounds) * 60 / ROUND_SECONDS


def test_what_is_cancelled_or_forgotten_is_not_retried() -> None:
    def given(it: Attempts) -> None:
        for key in "ab":
            it.fail(key, 1)
        it.retries.cancel("a")
        it.retries.forget("b")

    assert during(10, given).made == []


def test_who_waits_continues_when_the_time_has_come_or_something_gets_through() -> None:
    async def waited(succeeds: Callable[[Retries], Coroutine[None, None, None]]) -> float:
        retries = Retries()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(succeeds(retries))
            await retries.wait("a", 0.5)
        return asyncio.get_running_loop().time()

    async def never(_: Retries) -> None:
        pass

    async def soon(retries: Retries) -> None:
        retries.schedule("b", LONG, lambda: None, takes_turns=True)
        await asyncio.sleep(0.1)
        retries.succeeded("b")
        retries.close()

    assert run(waited(never)) == 0.5
    assert run(waited(soon)) == 0.1
