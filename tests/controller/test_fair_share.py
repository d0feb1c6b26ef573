"""The fair share of each namespace: turns, returned slots, and a limit on concurrent reconciliations."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.base import ObjectKey
from rasa_environments.controller.queue import (
    DONE,
    FAILED,
    NAMESPACE_LIMIT,
    TOTAL_LIMIT,
    Kind,
    Request,
    Result,
    WorkQueue,
)
from rasa_environments.controller.turns import Turns
from tests.reconcile.clock import run, settled

DRIP_SECONDS = 30.0


def request(namespace: str, number: int = 0) -> Request:
    """A request for an object of a namespace."""
    return Request(Kind.MODEL_SERVER, ObjectKey(namespace, f"m{number}"))


@asynccontextmanager
async def running(queue: WorkQueue, handle: Callable[[Request], Awaitable[Result]], slots: int) -> AsyncIterator[None]:
    """Process the queue while the block lasts."""
    task = asyncio.create_task(queue.run(handle, slots))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@given(items=st.lists(st.sampled_from("abcd"), max_size=40), blocked=st.sets(st.sampled_from("abcd"), max_size=2))
def test_between_two_turns_of_a_namespace_each_other_that_waits_has_one(items: list[str], blocked: set[str]) -> None:
    turns: Turns[tuple[str, int]] = Turns()
    for number, namespace in enumerate(items):
        turns.add(namespace, (namespace, number))

    taken: list[tuple[str, int]] = []
    while (item := turns.take(lambda namespace: namespace not in blocked)) is not None:
        taken.append(item)

    assert sorted(taken) == sorted((each, number) for number, each in enumerate(items) if each not in blocked)
    assert len(turns) == len(items) - len(taken)
    for at, (namespace, number) in enumerate(taken):
        waiting = {other for other, _ in taken[at + 1 :]} - {namespace}
        following = [other for other, _ in taken[at + 1 :]]
        until_next = following[: following.index(namespace)] if namespace in following else following
        assert waiting <= set(until_next) or namespace not in following
        assert all(number < later for other, later in taken[at + 1 :] if other == namespace)


def test_a_namespace_that_was_passed_over_has_its_turn_first() -> None:
    turns: Turns[str] = Turns()
    for namespace in ("a", "b", "a", "b"):
        turns.add(namespace, namespace)

    assert turns.take(lambda namespace: namespace != "a") == "b"
    assert turns.take(lambda _: True) == "a"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5)), max_size=40), st.integers(1, 3))
def test_whoever_waits_is_reconciled_before_another_namespace_is_twice(
    added: list[tuple[str, int]], slots: int
) -> None:
    async def test() -> list[str]:
        queue, started = WorkQueue(), list[str]()

        async def handle(each: Request) -> Result:
            started.append(each.key.namespace)
            return DONE

        for namespace, number in added:
            queue.add(request(namespace, number))
        async with running(queue, handle, slots):
            await settled()
            while len(queue):
                await settled()
        return started

    started = run(test())

    left = [namespace for namespace, _ in dict.fromkeys(added)]
    assert sorted(started) == sorted(left)
    for at, namespace in enumerate(started):
        following = started[at + 1 :]
        if namespace in following:
            assert set(following) - {namespace} <= set(following[: following.index(namespace)])


def test_slow_servers_of_many_namespaces_delay_nobody_else() -> None:
    """600 servers, 30 s for each response, 2 slots: a different namespace starts at once."""

    async def test() -> float:
        queue, loop = WorkQueue(), asyncio.get_running_loop()
        seen: asyncio.Future[float] = loop.create_future()

        async def handle(each: Request) -> Result:
            if each.key.namespace == "canary":
                seen.set_result(loop.time())
                return DONE
            async with queue.outside(each):
                await asyncio.sleep(DRIP_SECONDS)
            return FAILED

        for number in range(600):
            queue.add(request(f"tenant-{number % 40}", number))
        async with running(queue, handle, 2):
            await asyncio.sleep(1)
            added = loop.time()
            queue.add(request("canary"))
            return await seen - added

    assert run(test()) == 0


def test_a_namespace_has_a_limited_number_of_reconciliations_at_a_time() -> None:
    async def test() -> list[Request]:
        queue, started = WorkQueue(), list[Request]()

        async def handle(each: Request) -> Result:
            started.append(each)
            async with queue.outside(each):
                await asyncio.sleep(DRIP_SECONDS)
            return DONE

        for number in range(60):
            queue.add(request("tenant", number))
        async with running(queue, handle, 4):
            await asyncio.sleep(DRIP_SECONDS - 1)
            within = list(started)
            await asyncio.sleep(DRIP_SECONDS)
            assert len(started) == 2 * NAMESPACE_LIMIT
        return within

    assert run(test()) == [request("tenant", number) for number in range(NAMESPACE_LIMIT)]


def test_of_very_many_namespaces_each_has_fewer_but_always_one() -> None:
    namespaces = 2 * TOTAL_LIMIT

    async def test() -> list[str]:
        queue, started = WorkQueue(), list[str]()

        async def handle(each: Request) -> Result:
            started.append(each.key.namespace)
            async with queue.outside(each):
                await asyncio.sleep(DRIP_SECONDS)
            return DONE

        for number in range(namespaces * 2):
            queue.add(request(f"n{number % namespaces}", number))
        async with running(queue, handle, 4):
            await asyncio.sleep(DRIP_SECONDS - 1)
            return list(started)

    started = run(test())

    assert len(started) == len(set(started)) == namespaces


def test_no_more_run_at_a_time_than_there_are_slots_when_they_come_back() -> None:
    async def test() -> int:
        queue, inside, most = WorkQueue(), 0, 0

        async def work() -> None:
            nonlocal inside, most
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.1)
            inside -= 1

        async def handle(each: Request) -> Result:
            await work()
            async with queue.outside(each), queue.outside(each):
                await asyncio.sleep(1)
            await work()
            return DONE

        for number in range(12):
            queue.add(request("tenant", number))
        async with running(queue, handle, 3):
            await asyncio.sleep(60)
        assert not len(queue)
        return most

    assert run(test()) == 3


@pytest.mark.parametrize("error", [RuntimeError, TimeoutError])
def test_who_comes_back_with_an_error_has_a_slot_again(error: type[Exception]) -> None:
    async def test() -> list[str]:
        queue, order = WorkQueue(), list[str]()

        async def handle(each: Request) -> Result:
            order.append(f"{each.key.namespace} starts")
            if each.key.namespace == "a":
                with suppress(error):
                    async with queue.outside(each):
                        await asyncio.sleep(1)
                        raise error
            await asyncio.sleep(5)
            order.append(f"{each.key.namespace} ends")
            return DONE

        queue.add(request("a"))
        queue.add(request("b"))
        async with running(queue, handle, 1):
            await asyncio.sleep(60)
        return order

    assert run(test()) == ["a starts", "b starts", "b ends", "a ends"]


def test_who_is_cancelled_outside_takes_no_slot_with_it() -> None:
    async def test() -> list[str]:
        queue, ended = WorkQueue(), list[str]()

        async def handle(each: Request) -> Result:
            if each.key.namespace != "a":
                await asyncio.sleep(5)
            else:
                with suppress(TimeoutError):
                    async with asyncio.timeout(2), queue.outside(each):
                        await asyncio.sleep(DRIP_SECONDS)
            ended.append(each.key.namespace)
            return DONE

        for namespace in ("a", "b", "c"):
            queue.add(request(namespace))
        async with running(queue, handle, 1):
            await asyncio.sleep(60)
            queue.add(request("d"))
            await asyncio.sleep(60)
        return ended

    assert run(test()) == ["a", "b", "c", "d"]


def test_who_is_cancelled_while_it_waits_for_a_slot_leaves_it_to_the_next() -> None:
    async def test() -> list[str]:
        queue, ended = WorkQueue(), list[str]()

        async def handle(each: Request) -> Result:
            with suppress(TimeoutError):
                async with asyncio.timeout(3):
                    async with queue.outside(each):
                        await asyncio.sleep(1)
            if each.key.namespace == "b":
                await asyncio.sleep(5)
            ended.append(each.key.namespace)
            return DONE

        async with running(queue, handle, 1):
            queue.add(request("b"))
            await asyncio.sleep(0.5)
            queue.add(request("a"))
            await asyncio.sleep(60)
            queue.add(request("c"))
            await asyncio.sleep(60)
        return ended

    assert run(test()) == ["a", "b", "c"]


def test_what_the_queue_has_not_started_waits_as_it_is() -> None:
    async def test() -> bool:
        async with WorkQueue().outside(request("a")):
            return True

    assert run(test())


def test_a_closed_queue_lets_those_that_are_outside_come_to_their_end() -> None:
    async def test() -> list[str]:
        queue, ended = WorkQueue(), list[str]()

        async def handle(each: Request) -> Result:
            async with queue.outside(each):
                await asyncio.sleep(5)
            ended.append(each.key.namespace)
            return DONE

        queue.add(request("a"))
        async with running(queue, handle, 1):
            await asyncio.sleep(1)
            queue.add(request("b"))
            queue.close()
            await asyncio.sleep(60)
        return ended

    assert run(test()) == ["a"]
