"""Only one operator works at a time, on the real API server."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

import pytest

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.cluster.client import Client
from rasa_environments.cluster.lease import Leadership, LeadershipLostError, LeaseTiming
from rasa_environments.cluster.resources import LEASES
from tests.cluster.line import Line, eventually

if TYPE_CHECKING:
    from local.cluster import ClusterFacts

TIMING = LeaseTiming(duration=4.0, renew_deadline=3.0, retry_period=0.2)


class Candidate:
    """A candidate that works while it leads, and records that in a shared diary."""

    def __init__(self, name: str, client: Client, key: ObjectKey, diary: list[str]) -> None:
        self.leadership = Leadership(client, key, name, TIMING)
        self.name = name
        self.finish = asyncio.Event()
        self._diary = diary
        self.task = asyncio.create_task(self.leadership.run(self._work))

    async def _work(self) -> None:
        self._diary.append(f"{self.name} starts")
        try:
            await self.finish.wait()
        finally:
            await asyncio.sleep(0)  # stopping takes a moment
            self._diary.append(f"{self.name} stops")

    async def stop(self) -> None:
        """Cancel it, and wait until it has ended."""
        self.task.cancel()
        await asyncio.wait({self.task})


@pytest.fixture
def key(namespace: str) -> ObjectKey:
    """Of the Lease."""
    return ObjectKey(namespace, "leader")


@pytest.fixture
def diary() -> list[str]:
    """The log of who started and stopped work."""
    return []


Start = Callable[[str, Client], Candidate]


@pytest.fixture
async def start(key: ObjectKey, diary: list[str]) -> AsyncIterator[Start]:
    """Starts a candidate; all are stopped in the end."""
    candidates: list[Candidate] = []

    def started(name: str, client: Client) -> Candidate:
        candidates.append(Candidate(name, client, key, diary))
        return candidates[-1]

    yield started
    for candidate in candidates:
        await candidate.stop()
    await asyncio.gather(*[candidate.task for candidate in candidates], return_exceptions=True)


async def holder(client: Client, key: ObjectKey) -> str:
    """Return who holds the Lease."""
    lease: JsonObject = await client.get(LEASES, key)
    return str(lease["spec"].get("holderIdentity") or "")


async def renewed(client: Client, key: ObjectKey) -> None:
    """Wait until the Lease is renewed."""
    before = (await client.get(LEASES, key))["spec"]["renewTime"]
    async with asyncio.timeout(30):
        while (await client.get(LEASES, key))["spec"]["renewTime"] == before:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_of_two_candidates_one_works(start: Start, client: Client, key: ObjectKey, diary: list[str]) -> None:
    first, second = start("first", client), start("second", client)
    await eventually(lambda: len(diary) > 0, "one to start")
    for _ in range(3):  # the leader renews while the other looks on
        await renewed(client, key)
    assert len(diary) == 1
    assert first.leadership.is_leader != second.leadership.is_leader
    assert await holder(client, key) == ("first" if first.leadership.is_leader else "second")


async def test_a_leader_that_is_cancelled_stops_its_work_and_releases_the_lease(
    start: Start, client: Client, key: ObjectKey, diary: list[str]
) -> None:
    first = start("first", client)
    await eventually(lambda: diary == ["first starts"], "the first to start")
    await first.stop()
    assert diary == ["first starts", "first stops"]
    assert first.task.cancelled()
    assert await holder(client, key) == ""


async def test_a_released_lease_is_taken_by_the_next(start: Start, client: Client, diary: list[str]) -> None:
    first = start("first", client)
    await eventually(lambda: diary == ["first starts"], "the first to start")
    second = start("second", client)
    await first.stop()
    await eventually(lambda: second.leadership.is_leader, "the second to lead")
    await eventually(lambda: diary == ["first starts", "first stops", "second starts"], "the second to start")


async def test_a_leader_whose_work_is_done_releases_the_lease(
    start: Start, client: Client, key: ObjectKey, diary: list[str]
) -> None:
    first = start("first", client)
    await eventually(lambda: diary == ["first starts"], "the first to start")
    first.finish.set()
    await first.task
    assert await holder(client, key) == ""


async def test_an_error_of_the_work_passes_and_the_lease_is_released(client: Client, key: ObjectKey) -> None:
    async def fail() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await Leadership(client, key, "first", TIMING).run(fail)
    assert await holder(client, key) == ""


async def test_a_leader_that_is_killed_is_followed_by_the_next(
    cluster: ClusterFacts, start: Start, client: Client, key: ObjectKey, diary: list[str]
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.cluster.lease_holder",
        str(cluster.kubeconfig),
        key.namespace,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"leading\n"
        start("second", client)
        assert await holder(client, key) == "killed"
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()
    await eventually(lambda: diary == ["second starts"], "the second to start")
    assert await holder(client, key) == "second"


@pytest.mark.parametrize("fault", [Line.freeze, Line.cut])
async def test_a_leader_that_is_cut_off_has_stopped_before_the_next_starts(
    fault: Callable[[Line], None], start: Start, distant: Client, client: Client, line: Line, diary: list[str]
) -> None:
    first = start("first", distant)
    await eventually(lambda: diary == ["first starts"], "the first to start")
    start("second", client)
    fault(line)
    await eventually(lambda: len(diary) == 3, "the second to start")
    assert diary == ["first starts", "first stops", "second starts"]
    assert not first.leadership.is_leader
    with pytest.raises(LeadershipLostError, match=r"the Lease .*/leader is lost: "):
        await first.task


async def test_a_leader_stays_leader_through_a_short_cut(
    start: Start, distant: Client, line: Line, client: Client, key: ObjectKey, diary: list[str]
) -> None:
    first = start("first", distant)
    await eventually(lambda: diary == ["first starts"], "the first to start")
    line.cut()
    line.mend()
    await renewed(client, key)
    assert diary == ["first starts"]
    assert first.leadership.is_leader


async def test_a_leader_whose_lease_was_taken_by_force_stops(
    start: Start, client: Client, someone: Client, key: ObjectKey, diary: list[str]
) -> None:
    first = start("first", client)
    await eventually(lambda: diary == ["first starts"], "the first to start")
    await someone.patch(LEASES, key, {"spec": {"holderIdentity": "thief"}})
    with pytest.raises(LeadershipLostError, match="thief holds it"):
        await first.task
    assert diary == ["first starts", "first stops"]
    assert await holder(client, key) == "thief"


async def test_a_change_of_the_lease_by_others_does_not_end_the_leadership(
    start: Start, client: Client, someone: Client, key: ObjectKey, diary: list[str]
) -> None:
    first = start("first", client)
    await eventually(lambda: diary == ["first starts"], "the first to start")
    await someone.patch(LEASES, key, {"metadata": {"labels": {"mine": "1"}}})
    await renewed(client, key)
    assert first.leadership.is_leader


def test_a_timing_that_cannot_work_is_refused() -> None:
    with pytest.raises(ValueError, match="retry_period < renew_deadline < duration"):
        LeaseTiming(duration=10, renew_deadline=10)
