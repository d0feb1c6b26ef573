"""The queue: each object once, never two reconciliations of one at a time, and backoff after failures."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.base import ObjectKey
from rasa_environments.controller.queue import (
    BACKOFF,
    DONE,
    FAILED,
    Kind,
    Request,
    Result,
    WorkQueue,
)
from tests.reconcile.clock import run, settled

A, B = (Request(Kind.MODEL_TAG, ObjectKey("bots", name)) for name in "ab")


class Worker:
    """Records what it reconciles and when, and answers as told; its reconciliations may be held."""

    def __init__(self, *results: Result) -> None:
        self.looks: list[tuple[Request, float]] = []
        self.results = list(results)
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.at_once: Counter[Request] = Counter()
        self.most_at_once: Counter[Request] = Counter()

    async def handle(self, request: Request) -> Result:
        """Reconcile."""
        self.looks.append((request, asyncio.get_running_loop().time()))
        self.at_once[request] += 1
        self.most_at_once[request] = max(self.most_at_once[request], self.at_once[request])
        await self.go_on.wait()
        self.at_once[request] -= 1
        return self.results.pop(0) if self.results else DONE

    @property
    def seen(self) -> list[Request]:
        """What was reconciled."""
        return [request for request, _ in self.looks]

    @property
    def times(self) -> list[float]:
        """When."""
        return [time for _, time in self.looks]


@asynccontextmanager
async def working(
    queue: WorkQueue, handle: Callable[[Request], Awaitable[Result]], workers: int = 2
) -> AsyncIterator[None]:
    """Process the queue with this many slots while the block lasts."""
    task = asyncio.create_task(queue.run(handle, workers))
    try:
        await settled()
        yield
        await settled()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def test_requests_for_one_object_become_one_look() -> None:
    async def test() -> None:
        queue, worker = WorkQueue(), Worker()
        for request in (A, B, A, A):
            queue.add(request)
        assert len(queue) == 2

        async with working(queue, worker.handle):
            pass

        assert worker.seen == [A, B]
        assert len(queue) == 0

    run(test())


def test_an_object_is_looked_at_by_one_worker_at_a_time_and_again_afterwards() -> None:
    async def test() -> None:
        queue, worker = WorkQueue(), Worker()
        worker.go_on.clear()
        queue.add(A)

        async with working(queue, worker.handle):
            queue.add(A)
            queue.add(A)
            await settled()
            assert worker.seen == [A]
            worker.go_on.set()

        assert worker.seen == [A, A]
        assert worker.most_at_once[A] == 1

    run(test())


def test_different_objects_are_looked_at_at_once() -> None:
    async def test() -> None:
        queue, worker = WorkQueue(), Worker()
        worker.go_on.clear()
        queue.add(A)
        queue.add(B)

        async with working(queue, worker.handle):
            assert worker.seen == [A, B]
            worker.go_on.set()

    run(test())


def test_a_reconciliation_that_asks_for_another_gets_it_after_its_time() -> None:
    async def test() -> None:
        queue, worker = WorkQueue(), Worker(Result(requeue_after=30))
        queue.add(A)

        async with working(queue, worker.handle):
            await asyncio.sleep(100)

        assert worker.times == [0, 30]

    run(test())


@pytest.mark.parametrize(("first", "second"), [(5, 50), (50, 5)])
def test_of_two_times_the_earlier_counts(first: float, second: float) -> None:
    async def test() -> None:
        queue, worker = WorkQueue(), Worker()
        queue.add_later(A, first)
        queue.add_later(A, second)

        async with working(queue, worker.handle):
            await asyncio.sleep(100)

        assert worker.times == [5]

    run(test())


def test_a_reconciliation_now_replaces_the_one_that_was_due_later() -> None:
    async def test() -> None:
        queue, worker = WorkQueue(), Worker()
        queue.add_later(A, 5)
        queue.add(A)

        async with working(queue, worker.handle):
            await asyncio.sleep(100)

        assert worker.times == [0]

    run(test())


def test_a_request_that_comes_while_its_object_is_worked_on_does_not_wait_for_the_backoff() -> None:
    async def test() -> None:
        queue, worker = WorkQueue(), Worker(FAILED)
        worker.go_on.clear()
        queue.add(A)

        async with working(queue, worker.handle):
            queue.add(A)
            worker.go_on.set()
            await settled()
            assert worker.times == [0, 0]

    run(test())


def test_after_each_failure_in_a_row_it_waits_longer() -> None:
    async def test() -> None:
        queue, worker = WorkQueue(), Worker(*[FAILED] * 12)
        queue.add(A)

        async with working(queue, worker.handle):
            await asyncio.sleep(3600)

        waits = [later - earlier for earlier, later in zip(worker.times, worker.times[1:], strict=False)]
        assert len(waits) == 12
        for failures, wait in enumerate(waits, start=1):
            assert BACKOFF.seconds(failures, 0) - 1e-6 <= wait <= BACKOFF.seconds(failures, 1) + 1e-6

    run(test())


def test_after_a_success_the_waiting_begins_anew() -> None:
    async def test() -> None:
        queue, worker = WorkQueue(), Worker(FAILED, FAILED, FAILED, Result(requeue_after=100), FAILED)
        queue.add(A)

        async with working(queue, worker.handle):
            await asyncio.sleep(300)

        assert worker.times[5] - worker.times[4] <= BACKOFF.first

    run(test())


def test_of_an_object_that_is_gone_no_timer_is_left() -> None:
    async def test() -> None:
        queue, worker = WorkQueue(), Worker()
        queue.add_later(A, 5)
        queue.forget(A)

        async with working(queue, worker.handle):
            await asyncio.sleep(100)

        assert worker.seen == []

    run(test())


def test_a_closed_queue_gives_nothing_out_and_takes_nothing_in() -> None:
    async def test() -> None:
        queue, worker = WorkQueue(), Worker()
        queue.add(A)
        queue.add_later(B, 5)
        queue.close()
        queue.add(B)
        queue.add_later(B, 1)

        async with working(queue, worker.handle):
            await asyncio.sleep(100)

        assert worker.seen == []

    run(test())


def test_a_reconciliation_that_raises_ends_the_run_and_is_taken_for_a_failure() -> None:
    async def handle(_: Request) -> Result:
        raise RuntimeError("a defect")

    async def test() -> None:
        queue, worker = WorkQueue(), Worker()
        queue.add(A)
        with pytest.raises(ExceptionGroup) as raised:
            await queue.run(handle)
        assert raised.group_contains(RuntimeError, match="a defect")

        async with working(queue, worker.handle):
            assert worker.seen == []
            await asyncio.sleep(BACKOFF.first)

        assert worker.seen == [A]

    run(test())


@given(requests=st.lists(st.sampled_from([A, B]), max_size=20))
def test_nothing_that_was_asked_for_is_lost(requests: list[Request]) -> None:
    async def test() -> None:
        queue, worker = WorkQueue(), Worker()
        async with working(queue, worker.handle):
            for request in requests:
                queue.add(request)
                looked = len(worker.looks)
                await settled()
                assert worker.seen[looked:] == [request]
            assert len(queue) == 0

    run(test())
