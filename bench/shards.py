"""Two operators with a namespace each, against one that looks after both."""

import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from bench import manifests
from bench.calibration import SILENCE, furnish
from bench.cluster import DEPLOYMENTS, USER, BenchCluster, written_manifests
from bench.contenders import Operator
from bench.creation import kubectl_create, last_child
from bench.measures import Measure
from bench.models import Models
from local.progress import Progress

NAMESPACES = ("shard-a", "shard-b")


@dataclass(frozen=True)
class Shared:
    """What operators took together for the same environments in both namespaces; memory is that of the largest."""

    seconds: float
    cpu_seconds: float
    resident_bytes: int
    requests: int


def shared_by(
    operators: list[Operator], cluster: BenchCluster, models: Models, count: int, progress: Progress
) -> Shared:
    """Lets operators make half of so many environments in each namespace, at once."""
    for namespace in NAMESPACES:
        furnish(cluster, models, namespace)
    with ExitStack() as stack:
        running = [stack.enter_context(operator.running(cluster)) for operator in operators]
        start, before = cluster.audit.end(), [each.usage() for each in running]
        began = time.time()
        kubectl_create(cluster, written_manifests(cluster.directory / "shards.yaml", halves(count)))
        for namespace in NAMESPACES:
            cluster.wait_for_count(DEPLOYMENTS, namespace, count // 2)
        cluster.audit.wait_for_silence(start, USER, SILENCE)
        after = [each.usage() for each in running]
    requests = cluster.audit.requests(start, USER)
    for namespace in NAMESPACES:
        cluster.remove_namespace(namespace)
    shared = Shared(
        seconds=max(last_child(requests, namespace, count // 2) for namespace in NAMESPACES) - began,
        cpu_seconds=sum(last.cpu_seconds - first.cpu_seconds for first, last in zip(before, after, strict=True)),
        resident_bytes=max(each.resident_bytes for each in after),
        requests=len(requests),
    )
    progress(f"{len(operators)} for {count} environments: {shared.seconds:.1f} s, {shared.requests} requests")
    return shared


def halves(count: int) -> list[dict[str, Any]]:
    """So many environments, by turns in one namespace and the other."""
    made = []
    for number in range(count // 2):
        for namespace in NAMESPACES:
            environment = manifests.environment(manifests.environment_name(number))
            environment["metadata"]["namespace"] = namespace
            made.append(environment)
    return made


def shard_measures(two: Shared, one: Shared, count: int) -> list[Measure]:
    """Return the rows of the table: two operators beside one."""
    peer = "one operator"
    return [
        Measure(f"{count} environments in two namespaces", "s", two.seconds, one.seconds, peer),
        Measure("CPU time of both", "s", two.cpu_seconds, one.cpu_seconds, peer),
        Measure("memory of the larger one", "MB", two.resident_bytes / 1e6, one.resident_bytes / 1e6, peer),
        Measure("requests of both, for an environment", "", two.requests / count, one.requests / count, peer),
    ]
