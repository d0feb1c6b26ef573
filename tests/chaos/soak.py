"""Churn: environments with their tags are created, changed and deleted while the operator is measured.

By hand, for an hour: `python -m tests.chaos.soak --minutes 60`.
"""

from __future__ import annotations

import argparse
import itertools
import re
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from local.cluster import LocalCluster
from rasa_environments.api.deployment_environment import ROTATE_TOKEN_ANNOTATION
from tests.integration.conftest import furnish, installed
from tests.integration.manifests import environment, model_tag
from tests.integration.model_server_process import MODEL_A, MODEL_B, running_model_server
from tests.integration.operator_process import OperatorProcess
from tests.integration.space import ENVIRONMENT, Objects, Space

ALIVE = 60
"""Environments at a time, normally."""
WARM_UP = 2 * ALIVE
"""Environments created before the first comparison: by then every cache and pool has its full size."""
KIBIBYTES_PER_ENVIRONMENT = 6.0
"""How much the memory may grow per deleted environment. Fragmentation of the heap takes about 3; keeping an environment
or its children would take 20 or more."""
TAG = "ModelTag"


@dataclass(frozen=True)
class Sample:
    """Resources of the operator's process at one moment."""

    seconds: float
    created: int
    """Environments so far."""
    memory: int
    """KiB of its own: RssAnon."""
    descriptors: int
    threads: int
    passes: int
    """Reconciliations so far."""

    def __str__(self) -> str:
        return (
            f"{self.seconds:6.0f} s  {self.created:6} created  {self.memory / 1024:7.1f} MiB  "
            f"{self.descriptors:4} descriptors  {self.threads:3} threads  {self.passes:7} reconciliations"
        )


def sampled(operator: OperatorProcess, created: int, started: float) -> Sample:
    """Now."""
    process = Path(f"/proc/{operator.pid}")
    status = (process / "status").read_text(encoding="ascii")
    memory, threads = (re.search(rf"^{name}:\s+(\d+)", status, re.MULTILINE) for name in ("RssAnon", "Threads"))
    assert memory is not None
    assert threads is not None
    return Sample(
        seconds=time.monotonic() - started,
        created=created,
        memory=int(memory[1]),
        descriptors=len(list((process / "fd").iterdir())),
        threads=int(threads[1]),
        passes=operator.passes(ENVIRONMENT),
    )


def slope(samples: list[Sample], value: Callable[[Sample], float]) -> float:
    """Return the growth per created environment, by least squares."""
    count = len(samples)
    mean_x = sum(sample.created for sample in samples) / count
    mean_y = sum(value(sample) for sample in samples) / count
    spread = sum((sample.created - mean_x) ** 2 for sample in samples)
    return sum((sample.created - mean_x) * (value(sample) - mean_y) for sample in samples) / spread


@dataclass
class Churn:
    """Environments `env-1`, `env-2` ..., of which the latest `alive` exist."""

    space: Objects
    alive: int = ALIVE
    created: int = 0
    _names: deque[str] = field(default_factory=deque)

    def step(self) -> None:
        """Create one more environment with its tag, change a middle-aged one in every way, and delete the oldest."""
        self.created += 1
        name = f"env-{self.created}"
        self.space.apply(model_tag(name, model=MODEL_A, deletionPolicy="Delete"), environment(name))
        self._names.append(name)
        if len(self._names) > self.alive // 2:
            self._change(self._names[-self.alive // 2])
        if len(self._names) > self.alive:
            self._delete(self._names.popleft())

    def clear(self) -> None:
        """All of them go."""
        while self._names:
            self._delete(self._names.popleft())

    def wait_until_settled(self) -> None:
        """Wait until the latest is served, and nothing is left of the deleted ones."""
        if self._names:
            self.space.wait_for_condition(TAG, self._names[-1], "Tagged", status="True")
            self.space.wait_until_ready(self._names[-1])
        left = {f"{name}-rasa" for name in self._names}
        for kind in ("Secret", "Deployment"):
            self.space.eventually(partial(self._has_only, kind, left), "the children to be collected", 60)

    def _has_only(self, kind: str, left: set[str]) -> bool:
        return self._children(kind) <= left

    def _children(self, kind: str) -> set[str]:
        names = {item["metadata"]["name"] for item in self.space.list(kind)}
        return {name for name in names if name.endswith("-rasa")}

    def _change(self, name: str) -> None:
        self.space.apply(
            model_tag(name, model=MODEL_B, deletionPolicy="Delete"),
            environment(name, annotations={ROTATE_TOKEN_ANNOTATION: "now"}, service={"port": 80}),
        )

    def _delete(self, name: str) -> None:
        self.space.delete(ENVIRONMENT, name)
        self.space.delete(TAG, name)


def soaked(operator: OperatorProcess, churn: Churn, seconds: float, told: Callable[[Sample], None]) -> list[Sample]:
    """Churn for this long; take a sample whenever half of the environments were replaced and nothing is in progress."""
    started = time.monotonic()
    samples: list[Sample] = []
    while time.monotonic() - started < seconds:
        for _ in range(churn.alive // 2):
            churn.step()
        churn.wait_until_settled()
        samples.append(sampled(operator, churn.created, started))
        told(samples[-1])
    return samples


def assert_flat(samples: list[Sample]) -> None:
    """Fail if anything grows with the number of deleted environments."""
    compared = [sample for sample in samples if sample.created > WARM_UP]
    assert len(compared) >= 3, f"too short to tell: {len(samples)} samples"
    memory = slope(compared, lambda sample: sample.memory)
    assert memory < KIBIBYTES_PER_ENVIRONMENT, f"{memory:.1f} KiB for each environment that is created"
    half = len(compared) // 2
    for value in (lambda sample: sample.descriptors, lambda sample: sample.threads):
        before, after = (max(map(value, part)) for part in (compared[:half], compared[half:]))
        assert after <= before + 10, f"{before}, then {after}"


@contextmanager
def stage(directory: Path) -> Iterator[tuple[OperatorProcess, Space]]:
    """A cluster with an operator that runs, and a namespace with a ModelServer."""
    with (
        LocalCluster() as facts,
        running_model_server(directory / "model-server") as model_server,
        installed(facts, directory) as installation,
    ):
        operator = installation.operator()
        operator.start()
        space = Space(installation.api, f"soak-{next(itertools.count(1))}", operator)
        space.create_namespace()
        furnish(space, model_server)
        yield operator, space


def main() -> None:
    """Churns, and prints each sample."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    minutes: float = parser.parse_args().minutes
    with tempfile.TemporaryDirectory() as directory, stage(Path(directory)) as (operator, space):
        samples = soaked(operator, Churn(space), minutes * 60, lambda sample: print(sample, flush=True))  # noqa: T201
    compared = [sample for sample in samples if sample.created > WARM_UP]
    print(f"{slope(compared, lambda sample: sample.memory):.2f} KiB for each environment that is created")  # noqa: T201
    assert_flat(samples)


if __name__ == "__main__":
    main()
