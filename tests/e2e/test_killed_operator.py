"""The operator is killed while it creates environments: it finishes what it began, and does nothing twice."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from local.images import OPERATOR_IMAGE
from rasa_environments.api.base import JsonObject
from tests.api.api_server import wait_until
from tests.e2e.cluster import Cluster
from tests.e2e.pod_space import PodSpace, environment
from tests.e2e.release import Release
from tests.integration.space import ALWAYS_THERE

NAMESPACE = "killed-operator"
NAMES = [f"burst-{number}" for number in range(40)]


@dataclass(frozen=True)
class Killed:
    """What was there when the operator was killed, and afterwards."""

    tokens_then: dict[str, str]
    tokens_now: dict[str, str]
    restarts: int


@pytest.fixture(scope="module")
def killed(space: PodSpace, release: Release) -> Killed:
    """Create environments without pods, and kill the operator when the first Secret exists."""
    burst = [environment(name, replicas=0, model={"required": False}) for name in NAMES]
    before = restarts(release)
    with killer(release.cluster) as kill, ThreadPoolExecutor(4) as people:
        created = [people.submit(space.apply, manifest) for manifest in burst]
        wait_until(lambda: bool(tokens_of(space)), "the first Secret")
        kill()
    for creation in created:
        creation.result()
    tokens_then = tokens_of(space)
    release.eventually(lambda: restarts(release) > before, "the operator's container to be started again")
    space.wait_until_ready(*NAMES)
    return Killed(tokens_then, tokens_of(space), restarts(release) - before)


def tokens_of(space: PodSpace) -> dict[str, str]:
    """The tokens of the environments that have one."""
    return {
        item["metadata"]["name"]: base64.b64decode(item["data"]["token"]).decode()
        for item in space.list("Secret")
        if item["metadata"]["name"].endswith("-rasa")
    }


def restarts(release: Release) -> int:
    """Return how often the container of the operator's pod was restarted."""
    [name] = release.pods("operator")
    return int(release.get("Pod", name)["status"]["containerStatuses"][0]["restartCount"])


@contextmanager
def killer(cluster: Cluster) -> Iterator[Callable[[], None]]:
    """Run a root pod that sees all processes of the node and kills the operator's."""
    name = "killer"
    where = ["--namespace", "default"]
    cluster.kubectl("create", *where, "--filename=-", given=json.dumps(pod_of_root(name)))
    try:
        cluster.kubectl("wait", *where, "--for=condition=Ready", f"pod/{name}", "--timeout=60s")
        command = [str(cluster.kind.kubectl_path), "exec", "--stdin", *where, name, "--"]
        variables = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig)}
        program = ["python", "-c", cluster.script("killer")]
        with subprocess.Popen(
            [*command, *program], env=variables, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"

            def kill() -> None:
                assert process.stdin is not None
                assert process.stdout is not None
                process.stdin.write("\n")
                process.stdin.flush()
                assert process.stdout.readline() == "killed 1\n"

            yield kill
    finally:
        cluster.kubectl("delete", *where, "--wait=false", f"pod/{name}")


def pod_of_root(name: str) -> JsonObject:
    """A pod that sees the processes of its node, and may end them."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "hostPID": True,
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "containers": [
                {
                    "name": "python",
                    "image": OPERATOR_IMAGE,
                    "command": ["python", "-c", "import signal; signal.pause()"],
                    "securityContext": {"runAsUser": 0},
                }
            ],
        },
    }


def test_it_was_killed_in_the_middle(killed: Killed) -> None:
    assert killed.restarts == 1
    assert 0 < len(killed.tokens_then) < len(NAMES)


def test_it_comes_back_and_finishes(space: PodSpace, killed: Killed) -> None:
    for kind in ALWAYS_THERE:
        made = {item["metadata"]["name"] for item in space.list(kind)}
        assert {f"{name}-rasa" for name in NAMES} <= made, kind


def test_nothing_is_there_twice(space: PodSpace, killed: Killed) -> None:
    for kind in ALWAYS_THERE:
        owned = [item for item in space.list(kind) if "ownerReferences" in item["metadata"]]
        owners = [item["metadata"]["ownerReferences"][0]["name"] for item in owned]
        assert sorted(owners) == sorted(NAMES), kind


def test_the_tokens_that_were_there_stay(killed: Killed) -> None:
    assert killed.tokens_then.items() <= killed.tokens_now.items()


def test_each_environment_has_a_token_of_its_own(killed: Killed) -> None:
    assert len(set(killed.tokens_now.values())) == len(NAMES)
