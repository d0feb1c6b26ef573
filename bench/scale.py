"""Many environments: how soon, in how much memory, and what the next one and a restart take with them there."""

import time
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from bench import manifests
from bench.calibration import SILENCE, furnish
from bench.cluster import ENVIRONMENTS, USER, BenchCluster, wait_until
from bench.contenders import Operator, Running
from bench.creation import Created, create
from bench.figures import percentile, spread
from bench.measures import Measure
from bench.metrics import passes
from bench.models import Models
from local.progress import ELLIPSIS, Progress

STEPS = (100, 300, 1000)
LARGEST = 3000
SINGLES = 20
REST_SECONDS = 300.0
"""The longest interval at which the operator does something by itself, except for --resync-interval."""
NAMESPACE = "scale"


@dataclass(frozen=True)
class Restarted:
    """What a start takes with all environments there: seconds until each was reconciled, and writes until then."""

    count: int
    seconds: float
    writes: int
    resident_bytes: int


@dataclass(frozen=True)
class Scaled:
    """All figures of the run; `steps` are what was created to come to so many environments."""

    totals: list[int]
    steps: list[Created]
    singles: list[float]
    """Seconds from the request that creates one more environment to the answer to the one that creates its
    Deployment."""
    rest_percent: float
    """CPU time at rest, in percent of a core."""
    restarted: Restarted


def scale_run(cluster: BenchCluster, models: Models, totals: list[int], progress: Progress) -> Scaled:
    """Create environments step by step up to the last total; then one by one, at rest, and after a restart."""
    furnish(cluster, models, NAMESPACE)
    steps: list[Created] = []
    with Operator().running(cluster) as running:
        for before, total in zip([0, *totals], totals, strict=False):
            progress(f"from {before} to {total} environments {ELLIPSIS}")
            steps.append(create(cluster, running, NAMESPACE, manifests.environments(total - before, before + 1)))
            progress(f"{total} environments: {total - before} in {steps[-1].seconds:.1f} s")
        singles = [one_more(cluster, f"single-{number}") for number in range(SINGLES)]
        progress(f"one more with {totals[-1]} there: {median(singles) * 1000:.0f} ms")
        cluster.audit.wait_for_silence(cluster.audit.end(), USER, SILENCE)
        progress(f"at rest for {REST_SECONDS:.0f} s {ELLIPSIS}")
        rest = cpu_at_rest(running)
    restarted = restart(cluster, totals[-1] + SINGLES)
    progress(f"restarted: all are checked after {restarted.seconds:.1f} s, {restarted.writes} writes")
    return Scaled(totals, steps, singles, rest, restarted)


def one_more(cluster: BenchCluster, name: str) -> float:
    """Seconds from the creation of one more environment to the creation of its Deployment."""
    start = cluster.audit.end()
    began = time.time()
    cluster.create(ENVIRONMENTS, NAMESPACE, manifests.environment(name))
    answered: list[float] = []

    def deployed() -> bool:
        answered.extend(
            request.answered
            for request in cluster.audit.requests(start, USER)
            if (request.kind, request.name) == ("create deployments", f"{name}-rasa")
        )
        return bool(answered)

    wait_until(deployed, f"the Deployment of {name}", every=0.1)
    return answered[0] - began


def cpu_at_rest(running: Running) -> float:
    """CPU time that the operator takes while nothing happens, in percent of a core."""
    before, began = running.usage(), time.monotonic()
    time.sleep(REST_SECONDS)
    return (running.usage().cpu_seconds - before.cpu_seconds) / (time.monotonic() - began) * 100


def restart(cluster: BenchCluster, count: int) -> Restarted:
    """Start the operator with so many environments there."""
    start = cluster.audit.end()
    began = time.monotonic()
    with Operator().running(cluster) as running:
        url = running.url or ""
        wait_until(lambda: passes(url, "DeploymentEnvironment") >= count, f"{count} environments to be checked")
        seconds = time.monotonic() - began
        cluster.audit.wait_for_silence(start, USER, SILENCE)
        writes = sum(request.writes for request in cluster.audit.requests(start, USER))
        return Restarted(count, seconds, writes, running.usage().resident_bytes)


def scale_measures(scaled: Scaled) -> list[Measure]:
    """Return the rows of the table."""
    total, last = scaled.totals[-1], scaled.steps[-1]
    milliseconds = [each * 1000 for each in scaled.singles]
    rates = [step.count / step.seconds for step in scaled.steps]
    each = [step.seconds / step.count * 1000 for step in scaled.steps]
    cpu = [step.cpu_milliseconds_each for step in scaled.steps]
    return [
        Measure(f"environments created per second, up to {total}", "/s", rates[-1], must="37 /s"),
        Measure(f"start with {total} until all are checked", "s", scaled.restarted.seconds, must="2.0 s"),
        Measure("writes during that start", "", scaled.restarted.writes, must="0"),
        Measure(f"memory with {total} environments", "MB", last.resident_bytes / 1e6, must="115 MB"),
        Measure("memory after that start", "MB", scaled.restarted.resident_bytes / 1e6, must="120 MB"),
        Measure(f"CPU at rest with {total}", "% of a core", scaled.rest_percent, must="0.05 % of a core"),
        Measure(f"one more with {total}: to its Deployment, p50", "ms", percentile(milliseconds, 50), must="31 ms"),
        Measure(f"one more with {total}: to its Deployment, max", "ms", max(milliseconds), must="48 ms"),
        Measure(f"milliseconds for each, up to {_steps(scaled, each)}: spread", "%", spread(each) * 100, must="20 %"),
        Measure(f"of these CPU of the operator, {_steps(scaled, cpu)}: spread", "%", spread(cpu) * 100, must="20 %"),
    ]


def _steps(scaled: Scaled, figures: list[float]) -> str:
    return ", ".join(f"{total}: {figure:.1f}" for total, figure in zip(scaled.totals, figures, strict=True))


def scale_figures(scaled: Scaled) -> dict[str, Any]:
    """Return the figures behind the rows."""
    return asdict(scaled)
