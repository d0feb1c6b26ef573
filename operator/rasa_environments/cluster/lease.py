"""Leader election by a Lease: one operator works, the others wait.

Source of the protocol: client-go `tools/leaderelection`. Clocks of other machines are not trusted: a Lease has expired
if it was not observed to change for its duration, by the local clock.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
import random
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.cluster.client import Client
from rasa_environments.cluster.errors import ApiError
from rasa_environments.cluster.resources import LEASES

logger = logging.getLogger(__name__)


class LeadershipLostError(Exception):
    """The Lease could not be renewed in time, or somebody else holds it; the work has been stopped."""


@dataclass(frozen=True)
class LeaseTiming:
    """Timing in seconds; a failed leader is replaced within 15: after `duration` and two retry periods."""

    duration: float = 10.0
    """Time without a renewal after which another candidate takes the Lease."""
    renew_deadline: float = 7.0
    """Time without a renewal after which the leader stops its work; the rest of `duration` is for stopping."""
    retry_period: float = 1.5
    """Time between two renewals, and between two attempts of a candidate."""

    def __post_init__(self) -> None:
        if not self.retry_period < self.renew_deadline < self.duration:
            raise ValueError("a Lease needs retry_period < renew_deadline < duration")

    @property
    def request_timeout(self) -> float:
        """Half of the deadline, so that a request that hangs leaves time for another."""
        return self.renew_deadline / 2


@dataclass(frozen=True)
class _Sighting:
    """Since when, by the local clock, a Lease has been observed in one version."""

    version: str
    since: float

    def next(self, version: str, now: float) -> _Sighting:
        return self if version == self.version else _Sighting(version, now)

    def age(self, now: float) -> float:
        return now - self.since


class Leadership:
    """A candidate for the Lease `key`; `identity` must be unique among all processes, and across restarts."""

    def __init__(self, client: Client, key: ObjectKey, identity: str, timing: LeaseTiming | None = None) -> None:
        self._client = client
        self._key = key
        self._identity = identity
        self._timing = timing or LeaseTiming()
        self._version = ""
        self._renewed_at: float | None = None

    @property
    def is_leader(self) -> bool:
        """Whether this process holds the Lease and has renewed it in time."""
        return self._renewed_at is not None and time.monotonic() < self._renewed_at + self._timing.renew_deadline

    async def run(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Wait for the Lease, then do `work` as long as it is held; release it when the work ends.

        When cancelled, the work is stopped first, then the Lease released. Raises LeadershipLostError if the Lease is
        lost, after stopping the work: end the process then, since its memory may be outdated.
        """
        await self._acquire()
        task = asyncio.create_task(work())
        renewal = asyncio.create_task(self._keep_renewing())
        try:
            await asyncio.wait({task, renewal}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # A lost Lease leaves little time; otherwise it is renewed for as long as the work takes to stop.
            lost = renewal.done()
            await self._stop(task, self._timing.duration - self._timing.renew_deadline if lost else None)
            renewal.cancel()
            await asyncio.wait({renewal})
            if self.is_leader:
                await self._release()
        if lost and (task.cancelled() or not task.done()):
            raise LeadershipLostError(f"the Lease {self._key} is lost: {renewal.result()}")
        await task

    async def _acquire(self) -> None:
        """Wait until the Lease is held; log why it is not whenever that changes."""
        sighting, told = _Sighting("", 0.0), ""
        while True:
            try:
                async with asyncio.timeout(self._timing.request_timeout):
                    started = time.monotonic()
                    lease = await self._look()
                    sighting = sighting.next(lease["metadata"]["resourceVersion"], started)
                    holder = _holder(lease)
                    if holder in ("", self._identity) or sighting.age(started) > _duration(lease, self._timing):
                        await self._take(lease, started)
                        logger.info("leading: the Lease %s is held by this process, %s", self._key, self._identity)
                        return
                news, level = f"the Lease {self._key} is held by {holder}", logging.INFO
            except TimeoutError:
                news, level = f"the Lease {self._key}: no answer from the API server", logging.WARNING
            except ApiError as error:
                if error.status == 409:  # another candidate was faster
                    news, level = told, logging.INFO
                else:
                    news, level = f"the Lease {self._key}: {error}", logging.WARNING
            if news != told:
                logger.log(level, "waiting: %s", news)
                told = news
            await asyncio.sleep(random.uniform(1.0, 1.2) * self._timing.retry_period)  # noqa: S311

    async def _look(self) -> JsonObject:
        """Return the current Lease; create it, without a holder, if there is none."""
        lease = await self._client.find(LEASES, self._key)
        if lease is not None:
            return lease
        metadata = {"namespace": self._key.namespace, "name": self._key.name}
        return await self._client.create(
            LEASES, {"apiVersion": LEASES.api_version, "kind": LEASES.kind, "metadata": metadata, "spec": {}}
        )

    async def _take(self, lease: JsonObject, started: float) -> None:
        spec = lease.get("spec") or {}
        self._version = lease["metadata"]["resourceVersion"]
        await self._write(
            {
                "holderIdentity": self._identity,
                "leaseDurationSeconds": max(1, round(self._timing.duration)),
                "acquireTime": _now(),
                "renewTime": _now(),
                "leaseTransitions": int(spec.get("leaseTransitions") or 0) + 1,
            }
        )
        self._renewed_at = started

    async def _keep_renewing(self) -> str:
        """Renew the Lease until that is no longer possible; return why."""
        why = "it was not renewed in time"
        while self.is_leader:
            await asyncio.sleep(min(self._timing.retry_period, self._time_left()))
            started = time.monotonic()
            try:
                async with asyncio.timeout(min(self._timing.request_timeout, self._time_left())):
                    await self._renew()
            except TimeoutError:
                why = "no answer from the API server in time"
            except ApiError as error:
                why = str(error)
                logger.warning("the Lease %s was not renewed: %s", self._key, why)
            except LeadershipLostError as error:
                self._renewed_at = None
                return str(error)
            else:
                self._renewed_at = started
        return why

    async def _renew(self) -> None:
        try:
            await self._write({"renewTime": _now()})
        except ApiError as error:
            if error.status == 404:
                raise LeadershipLostError("it was deleted") from error
            if error.status != 409:
                raise
            lease = await self._client.get(LEASES, self._key)
            if _holder(lease) != self._identity:
                raise LeadershipLostError(f"{_holder(lease) or 'nobody'} holds it") from error
            self._version = lease["metadata"]["resourceVersion"]
            await self._write({"renewTime": _now()})

    async def _release(self) -> None:
        """Release the Lease so that another candidate can take it at once; if this fails, it expires."""
        self._renewed_at = None
        with contextlib.suppress(ApiError, TimeoutError):
            async with asyncio.timeout(self._timing.request_timeout):
                await self._write({"holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": _now()})
                logger.info("the Lease %s is released", self._key)

    async def _write(self, spec: JsonObject) -> None:
        """Write the Lease based on its last known version.

        Raises ApiError 409 if somebody else has written it since.
        """
        patch = {"metadata": {"resourceVersion": self._version}, "spec": spec}
        lease = await self._client.patch(LEASES, self._key, patch)
        self._version = lease["metadata"]["resourceVersion"]

    async def _stop(self, task: asyncio.Task[None], seconds: float | None) -> None:
        """Cancel the work and wait until it has ended, for at most that many seconds."""
        if task.done():
            return
        task.cancel()
        _, running = await asyncio.wait({task}, timeout=seconds)
        if running:
            logger.critical("the Lease %s has expired and the work has not stopped", self._key)

    def _time_left(self) -> float:
        """Return how many seconds are left for a renewal."""
        return max((self._renewed_at or 0.0) + self._timing.renew_deadline - time.monotonic(), 0.0)


def _now() -> str:
    """Return the time as Kubernetes' MicroTime."""
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _holder(lease: JsonObject) -> str:
    return str((lease.get("spec") or {}).get("holderIdentity") or "")


def _duration(lease: JsonObject, timing: LeaseTiming) -> float:
    return float((lease.get("spec") or {}).get("leaseDurationSeconds") or timing.duration)
