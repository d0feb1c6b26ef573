"""The node goes down with everything on it, and comes up again."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

import httpx
import pytest

from tests.api.api_server import wait_until
from tests.e2e.caller import Caller
from tests.e2e.cluster import OWN_KIND, Cluster
from tests.e2e.models import ANSWERS, Models
from tests.e2e.pod_space import Life, PodSpace
from tests.e2e.release import Release
from tests.integration.model_server_process import MODEL_A, MODEL_B
from tests.integration.space import ENVIRONMENT

NAMESPACE = "restarted-node"
SERVED = {"demo": MODEL_A, "pilot": MODEL_B}
DOWN_SECONDS = 240.0


@dataclass(frozen=True)
class Restarted:
    """What was there before and is there afterwards."""

    tokens_before: dict[str, str]
    tokens_after: dict[str, str]
    tags_before: dict[str, str]
    tags_after: dict[str, str]
    lives_before: dict[str, list[Life]]
    lives_after: dict[str, list[Life]]
    says: dict[str, str]


@pytest.fixture(scope="module")
def restarted(space: PodSpace, release: Release, models: Models, caller: Caller, real_cluster: Cluster) -> Restarted:
    """Let two environments serve different models, restart the node, and wait for recovery."""
    for name, model in SERVED.items():
        space.start(name, model)
    tokens, tags, lives = tokens_of(space), models.tags(), {name: space.lives(name) for name in SERVED}
    wait_until(lambda: not terminating_pods(real_cluster), "the pods of earlier tests to be gone", DOWN_SECONDS)
    restart_node(real_cluster)
    for name, model in SERVED.items():
        wait_until_restarted(space, name, lives[name])
        space.wait_until_served(name, model)
    release.wait_for_condition("ModelServer", "default", "Ready", status="True")
    caller.restart()
    return Restarted(
        tokens,
        tokens_of(space),
        tags,
        models.tags(),
        lives,
        {name: space.lives(name) for name in SERVED},
        {name: caller.says(space.url(name)) for name in SERVED},
    )


def tokens_of(space: PodSpace) -> dict[str, str]:
    """The token of each environment."""
    return {name: space.token(name) for name in SERVED}


def terminating_pods(cluster: Cluster) -> list[str]:
    """Return the pods that are being deleted.

    A node that goes down meanwhile ends their networks later, when their addresses may be those of other pods.
    """
    pods = cluster.api.request("GET", "/api/v1/pods").body["items"]
    return [pod["metadata"]["name"] for pod in pods if "deletionTimestamp" in pod["metadata"]]


def restart_node(cluster: Cluster) -> None:
    """Cut the node's power, and restore it."""
    if cluster.kind.kind_path.resolve() == OWN_KIND:
        command = [str(OWN_KIND), "restart", "node", "--name", cluster.kind.name]
    else:
        command = ["docker", "restart", "--time", "0", f"{cluster.kind.name}-control-plane"]
    subprocess.run(command, check=True, timeout=180)
    wait_until(lambda: answers(cluster), "the API server to answer", DOWN_SECONDS)


def answers(cluster: Cluster) -> bool:
    """Return whether the API server answers; with Docker's kind, it runs on the node."""
    try:
        return cluster.api.request("GET", "/api").accepted
    except httpx.TransportError:
        return False


def wait_until_restarted(space: PodSpace, name: str, before: list[Life]) -> None:
    """Wait until the environment's pods, or their replacements, have started after the restart and are ready."""

    def restarted() -> bool:
        conditions = [entry for pod in space.pods(name) for entry in pod["status"]["conditions"]]
        ready = [entry["status"] == "True" for entry in conditions if entry["type"] == "Ready"]
        return bool(ready) and all(ready) and not set(space.lives(name)) & set(before)

    space.eventually(restarted, f"{name} to start anew", DOWN_SECONDS)


def test_the_same_models_are_served(restarted: Restarted) -> None:
    assert restarted.says == {name: ANSWERS[model] for name, model in SERVED.items()}


def test_every_server_is_a_new_one(restarted: Restarted) -> None:
    for name in SERVED:
        assert len(restarted.lives_after[name]) == 1
        assert not set(restarted.lives_after[name]) & set(restarted.lives_before[name])


def test_the_tokens_are_the_same(restarted: Restarted) -> None:
    assert restarted.tokens_after == restarted.tokens_before


def test_the_model_server_has_its_tags_and_models(restarted: Restarted) -> None:
    assert restarted.tags_after == restarted.tags_before
    assert SERVED.items() <= restarted.tags_after.items()


def test_the_environments_are_ready(space: PodSpace, restarted: Restarted) -> None:
    for name, model in SERVED.items():
        condition = space.condition(ENVIRONMENT, name, "Ready")
        assert condition is not None
        assert (condition["status"], condition["message"]) == ("True", f"serves {model}")
