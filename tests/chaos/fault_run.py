"""A fault while users work, and everything that is measured and required of the operator."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

from tests.chaos.calls import Call, Rate
from tests.chaos.faults import Fault, Readiness
from tests.chaos.proxy import FaultProxy
from tests.chaos.scene import Probes, Scene
from tests.chaos.story import Story
from tests.integration.space import OUR_KINDS

CONVERGED_SECONDS = 15.0
"""Time limit after a fault for everything to recover, and for /readyz to report it."""
PATIENCE = 45.0
"""How long a late recovery is waited for, to report how late it came."""
PEAK = 150
"""Requests allowed in any one second."""
LINES = 60
LINES_PER_MINUTE = 240
"""What the operator may log: so many lines at once, and a minute."""
PASSES = 30
"""Reconciliations a second, on average: an object that keeps requeueing itself makes hundreds."""
TRIES = 4
TRY_SECONDS = 4.0
"""How often a tag may be retried while setting it fails: a few times at once, and then once in this many seconds."""
HEAD_START = 0.5
"""Longest wait, in seconds, for the operator to meet a fault before users act: some faults need their actions."""
PROPERTY = "chaos"
"""The key of a test's figures."""
Record = Callable[[str, object], None]
LINE = re.compile(r"^\d{4}-\d\d-\d\d|^\{", re.MULTILINE)


@dataclass(frozen=True)
class Figures:
    """The measurements of one fault."""

    fault: str
    seconds: float
    converged_after: float | None
    average: float
    peak: int
    requests: int
    ready: str
    lines: int
    problems: str

    def row(self) -> tuple[str, ...]:
        """The figures as text."""
        converged = "never" if self.converged_after is None else f"{self.converged_after:.1f}"
        rate = (f"{self.average:.1f}", str(self.peak))
        return (self.fault, f"{self.seconds:.0f}", converged, *rate, self.ready, str(self.lines), self.problems)

    def properties(self) -> dict[str, object]:
        """The figures as plain values."""
        return asdict(self)


HEADINGS = ("fault", "s", "converged after (s)", "requests/s", "peak", "/readyz", "log lines", "fell short")


@dataclass
class FaultRun:
    """One fault on one scene, with one story."""

    scene: Scene
    story: Story
    fault: Fault
    probes: Probes
    proxy: FaultProxy
    """The one whose requests are counted."""
    seconds: float
    began: float = 0.0
    ended: float = 0.0
    over: float = 0.0
    converged_after: float | None = None
    pending: tuple[str, ...] = ()
    """What had not recovered at the last check but one."""
    pending_at_end: tuple[str, ...] = ()
    """The same when the fault ended."""
    promoted_at_end: bool = False
    """Whether the model server had set the tag when the fault ended."""
    log_during: str = ""
    puts_mark: int = 0
    log_mark: int = 0
    log: str = ""

    def run(self) -> Figures:
        """Start the fault, let users act, end it, and wait for recovery; raises nothing."""
        self.puts_mark = self.scene.models.mark()
        self.log_mark = len(self.scene.operator.logged())
        passes = self._reconciliations()
        self.began = time.monotonic()
        self.fault.strike(self.scene)
        self._last()
        self.promoted_at_end = self.story.is_promoted()
        self.log_during = self.scene.operator.logged()[self.log_mark :]
        self.ended = time.monotonic()
        self.fault.lift(self.scene)
        self.converged_after = self._wait(self._has_converged)
        self._wait(lambda: self.probes.statuses("/readyz", self.ended, time.monotonic())[-1:] == [200])
        self.over = time.monotonic()
        self.log = self.scene.operator.logged()[self.log_mark :]
        self.scene.sound = self.scene.operator.running
        self.passes = self._reconciliations() - passes if self.scene.sound else 0
        problems = list(self._problems())
        self.scene.sound = self.scene.sound and not problems
        return self._figures(problems)

    def _reconciliations(self) -> int:
        return sum(map(self.scene.operator.passes, OUR_KINDS))

    def _last(self) -> None:
        """Keep up the fault; let users act once the operator has met it.

        The fault of a model server also lasts until what needs none is done.
        """
        self._wait_until_met(self.began + HEAD_START)
        self.story.act()
        second = 0
        while (left := self.began + self.seconds - time.monotonic()) > 0:
            self.fault.tick(self.scene, second)
            second += 1
            time.sleep(min(left, 1.0))
        deadline = time.monotonic() + (CONVERGED_SECONDS if self.proxy is self.scene.models else 0)
        while (pending := self.story.pending_in_cluster()) and time.monotonic() < deadline:
            time.sleep(0.1)
        self.pending_at_end = tuple(pending)

    def _wait_until_met(self, deadline: float) -> None:
        """Wait until the operator has asked something of the faulty server, or connected to it."""

        def met() -> bool:
            return any(rate.count for rate in rates(self.proxy, self.began, time.monotonic()))

        while not met() and time.monotonic() < deadline:
            time.sleep(0.02)

    def _has_converged(self) -> bool:
        pending = self.story.pending()
        self.pending = tuple(pending) or self.pending
        return not pending

    def _wait(self, holds: Callable[[], bool]) -> float | None:
        """Return the seconds from the end of the fault until the condition holds."""
        while (waited := time.monotonic() - self.ended) < PATIENCE and self.scene.operator.running:
            if holds():
                return time.monotonic() - self.ended
            time.sleep(0.1 if waited < CONVERGED_SECONDS else 0.5)
        return None

    def _figures(self, problems: list[str]) -> Figures:
        measured = self._rate()
        return Figures(
            fault=self.fault.title,
            seconds=self.ended - self.began,
            converged_after=self.converged_after,
            average=measured.average,
            peak=measured.peak,
            requests=measured.count,
            ready=self._readiness(),
            lines=len(LINE.findall(self.log)),
            problems="; ".join(problems),
        )

    def _rate(self) -> Rate:
        return busiest(self.proxy, self.began, self.ended)

    def _readiness(self) -> str:
        lost = self.probes.first("/readyz", 503, self.began)
        if lost is None or self.began + lost > self.ended:
            return "200"
        again = self.probes.first("/readyz", 200, self.ended)
        return f"503 after {lost:.1f} s, " + ("never again" if again is None else f"200 {again:.1f} s after the end")

    def _problems(self) -> Iterator[str]:
        if not self.scene.operator.running:
            yield "the operator has ended"
            return
        yield from self._unconverged()
        yield from self._untruthful()
        yield from self._noisy()
        yield from self._storm()

    def _unconverged(self) -> Iterator[str]:
        if self.converged_after is None:
            yield f"not converged: {', '.join(self.pending)}"
        elif self.converged_after > CONVERGED_SECONDS:
            yield f"converged only {self.converged_after:.1f} s after the end; until then: {', '.join(self.pending)}"
        if self.converged_after is not None:
            yield from self.story.side_effects()
        yield from self._put_too_often()

    def _put_too_often(self) -> Iterator[str]:
        models = self.scene.models
        puts = self.story.puts(models.calls[self.puts_mark :])
        done = sum(put.number in models.forwarded for put in puts)
        if done > self.fault.puts:
            yield f"the tag was put {done} times instead of {self.fault.puts}"
        tried, allowed = sum(put.at < self.ended for put in puts), TRIES + (self.ended - self.began) / TRY_SECONDS
        if tried > allowed:
            yield f"it tried {tried} times to put the tag; {allowed:.0f} are allowed"

    def _untruthful(self) -> Iterator[str]:
        if set(self.probes.statuses("/healthz", self.began, self.over)) - {200}:
            yield "/healthz was not 200 throughout"
        during = self.probes.statuses("/readyz", self.began, self.ended)
        if self.fault.readiness is Readiness.KEPT and set(during) - {200}:
            yield "/readyz was not 200, though it saw everything"
        if self.seconds > self.fault.unready_within:
            late = self.probes.statuses("/readyz", self.began + self.fault.unready_within, self.ended)
            if self.fault.readiness is Readiness.LOST and set(late) - {503}:
                yield f"/readyz was not 503 from {self.fault.unready_within:.0f} s on, though it was blind"
            if self.fault.readiness is Readiness.TRUE and during[-1:] == [200] and self.pending_at_end:
                yield f"/readyz was 200 at the end, though it had not seen: {', '.join(self.pending_at_end)}"
        after = self.probes.statuses("/readyz", self.ended + CONVERGED_SECONDS, self.over + 1)
        if set(after) - {200} or self.probes.first("/readyz", 200, self.ended) is None:
            yield f"/readyz was not 200 within {CONVERGED_SECONDS:.0f} s of the end"

    def _noisy(self) -> Iterator[str]:
        if "Traceback" in self.log:
            yield "there is a traceback in the log"
        if "another operator works on the same objects" in self.log:
            yield "it took itself for another operator"
        lines, minutes = len(LINE.findall(self.log)), (self.over - self.began) / 60
        if lines > LINES + LINES_PER_MINUTE * minutes:
            yield f"it logged {lines} lines in {60 * minutes:.0f} s"

    def _storm(self) -> Iterator[str]:
        if self.passes > PASSES * (self.over - self.began):
            yield f"{self.passes} reconciliations in {self.over - self.began:.0f} s"
        allowed = self.fault.allowed(self.ended - self.began)
        for name, proxy in (("API server", self.scene.api), ("model server", self.scene.models)):
            count = busiest(proxy, self.began, self.ended).count
            if count > allowed:
                yield f"{count} requests to the {name} during the fault; {allowed} are allowed"
            peak = busiest(proxy, self.began, self.over).peak
            if peak > PEAK:
                yield f"{peak} requests to the {name} in one second"
            if proxy.errors:
                yield f"the proxy before the {name} failed: {proxy.errors}"


def busiest(proxy: FaultProxy, since: float, until: float) -> Rate:
    """The rate of requests, or of connections where most come to nothing."""
    return max(rates(proxy, since, until), key=lambda rate: rate.count)


def rates(proxy: FaultProxy, since: float, until: float) -> tuple[Rate, Rate]:
    """The rates of requests and of connections."""
    return proxy.rate(since, until), proxy.connection_rate(since, until)


def leaked(calls: list[Call]) -> list[Call]:
    """Calls to the model server with a token of the API server."""
    return [call for call in calls if call.authorization.startswith("Bearer ey")]
