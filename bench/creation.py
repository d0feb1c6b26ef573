"""Many environments at once: how soon their children exist, and what that costs."""

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench import manifests
from bench.audit import Request, counted
from bench.calibration import SILENCE, furnish
from bench.cluster import DEPLOYMENTS, USER, BenchCluster, written_manifests
from bench.contenders import Contender, Running
from bench.measures import Measure
from bench.models import Models
from local.processes import ProcessFailedError
from local.progress import Progress

CHILDREN = ("serviceaccounts", "secrets", "configmaps", "services", "deployments")


@dataclass(frozen=True)
class Created:
    """What it took to make the children of so many environments."""

    count: int
    seconds: float
    """From the start of `kubectl create -f` to the answer to the creation of the last child."""
    client_seconds: float
    """How long kubectl itself took."""
    cpu_seconds: float
    """Of the contender, until it was done with everything."""
    requests: int
    by_kind: dict[str, int]
    resident_bytes: int

    @property
    def cpu_milliseconds_each(self) -> float:
        """CPU time of the contender for each environment, in milliseconds."""
        return self.cpu_seconds / self.count * 1000

    @property
    def requests_each(self) -> float:
        """Requests of the contender for each environment."""
        return self.requests / self.count


def creation_rounds(
    cluster: BenchCluster, models: Models, contenders: list[Contender], count: int, rounds: int, progress: Progress
) -> dict[str, list[Created]]:
    """Lets the contenders make the same environments in turns, so many times; what each took, by its name."""
    made: dict[str, list[Created]] = {contender.name: [] for contender in contenders}
    for number in range(rounds):
        order = contenders if number % 2 == 0 else contenders[::-1]
        for contender in order:
            namespace = f"creation-{number}-{contender.name.lower()}"
            furnish(cluster, models, namespace)
            with contender.running(cluster) as running:
                created = create(cluster, running, namespace, manifests.environments(count))
            cluster.remove_namespace(namespace)
            made[contender.name].append(created)
            progress(
                f"round {number + 1} of {rounds}, {contender.name}: {count} environments in {created.seconds:.2f} s,"
                f" {created.cpu_milliseconds_each:.1f} ms CPU and {created.requests_each:.1f} requests each,"
                f" {created.resident_bytes / 1e6:.0f} MB"
            )
    return made


def creation_measures(made: dict[str, list[Created]]) -> list[Measure]:
    """Return the medians of both sides."""
    ours, theirs = made["ours"], made["Go"]

    def measure(name: str, unit: str, figure: Callable[[Created], float], must: str) -> Measure:
        return Measure(name, unit, median(map(figure, ours)), median(map(figure, theirs)), "Go", must)

    count = ours[0].count
    return [
        measure(f"{count} environments from one `kubectl create -f`", "s", lambda made: made.seconds, "1.2"),
        measure("operator CPU for a new environment", "ms", lambda made: made.cpu_milliseconds_each, "1.3"),
        measure("requests for a new environment", "", lambda made: made.requests_each, "7 requests"),
        measure(f"memory with {count} environments", "MB", lambda made: made.resident_bytes / 1e6, "110 MB"),
    ]


def create(cluster: BenchCluster, running: Running, namespace: str, environments: list[dict[str, Any]]) -> Created:
    """Create environments with kubectl and return what their children took, when the contender is done.

    Raises ProcessFailedError or TimeoutError where that does not come to an end.
    """
    count = len(environments)
    file = written_manifests(cluster.directory / f"{namespace}.yaml", environments)
    goal = cluster.count(DEPLOYMENTS, namespace) + count
    start, before = cluster.audit.end(), running.usage()
    started = time.time()
    kubectl_create(cluster, file, "--namespace", namespace)
    client_seconds = time.time() - started
    cluster.wait_for_count(DEPLOYMENTS, namespace, goal)
    cluster.audit.wait_for_silence(start, USER, SILENCE)
    after = running.usage()
    requests = cluster.audit.requests(start, USER)
    return Created(
        count=count,
        seconds=last_child(requests, namespace, count) - started,
        client_seconds=client_seconds,
        cpu_seconds=after.cpu_seconds - before.cpu_seconds,
        requests=len(requests),
        by_kind=counted(requests),
        resident_bytes=after.resident_bytes,
    )


def last_child(requests: list[Request], namespace: str, count: int) -> float:
    """When the last of the children was created, in seconds since 1970.

    Raises ProcessFailedError unless there are exactly five for each environment.
    """
    created = [
        request.answered
        for request in requests
        if request.verb == "create" and request.resource in CHILDREN and request.namespace == namespace
        if request.status == 201
    ]
    if len(created) != count * len(CHILDREN):
        raise ProcessFailedError(f"{len(created)} children were created, and not {count * len(CHILDREN)}")
    return max(created)


def kubectl_create(cluster: BenchCluster, file: Path, *options: str) -> None:
    """Run `kubectl create -f`. Raises ProcessFailedError with what it says."""
    command: list[str | Path] = [cluster.kubectl, "--kubeconfig", cluster.admin_kubeconfig, *options]
    done = subprocess.run([*command, "create", "-f", file], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ProcessFailedError(f"`kubectl create` failed:\n{done.stderr.strip()}")
