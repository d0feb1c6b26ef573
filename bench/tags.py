"""Promotions: how soon a tag answers with the new model, and how soon the status says that pods serve it."""

import time
from dataclasses import dataclass
from typing import Any

from bench import manifests
from bench.calibration import furnish
from bench.cluster import ENVIRONMENTS, PODS, BenchCluster, wait_until
from bench.contenders import Operator
from bench.figures import percentile
from bench.measures import Measure
from bench.models import MODEL_A, MODEL_B, Models
from bench.stub_rasa import stub_rasa
from local.progress import Progress

NAMESPACE = "promotions"
NAME = "production"
PROMOTIONS = 11
PULL_SECONDS = 3
TAGS = ("apis/rasa-environments.io/v1alpha1", "modeltags")


@dataclass(frozen=True)
class Promoted:
    """Seconds of each promotion, from the request that changes the ModelTag."""

    answering: list[float]
    """Until the tag answers with the new model."""
    served: list[float]
    """Until the status of the environment says that all its pods serve it."""


def promotions(cluster: BenchCluster, models: Models, progress: Progress) -> Promoted:
    """Move a tag between two models, and wait each time until it is served."""
    furnish(cluster, models, NAMESPACE)
    with Operator().running(cluster):
        cluster.create(TAGS, NAMESPACE, manifests.model_tag(NAME, MODEL_A))
        environment = manifests.environment(NAME)
        environment["spec"]["model"] = {"pullPeriodSeconds": PULL_SECONDS}
        cluster.create(ENVIRONMENTS, NAMESPACE, environment)
        tag_url = f"{models.url}/api/projects/default/models/tags/{NAME}?token={models.token}"
        with stub_rasa(pod_address(cluster), tag_url, PULL_SECONDS):
            wait_until(lambda: serves(cluster, MODEL_A), f"{NAME} to serve {MODEL_A}")
            answering, served = [], []
            for number in range(PROMOTIONS):
                time.sleep(PULL_SECONDS * number / PROMOTIONS)  # another moment between two pulls each time
                model = MODEL_A if number % 2 else MODEL_B
                began = time.monotonic()
                cluster.patch(TAGS, NAMESPACE, NAME, {"spec": {"model": model}})
                wait_until(lambda model=model: models.tagged(NAME) == model, f"{NAME} to be on {model}", every=0.005)  # type: ignore[misc]
                answering.append(time.monotonic() - began)
                wait_until(lambda model=model: serves(cluster, model), f"{NAME} to serve {model}", every=0.02)  # type: ignore[misc]
                served.append(time.monotonic() - began)
                progress(f"promotion {number + 1} of {PROMOTIONS}: {answering[-1] * 1000:.0f} ms, {served[-1]:.1f} s")
    return Promoted(answering, served)


def pod_address(cluster: BenchCluster) -> str:
    """Return the address of the environment's only pod, once it has one."""

    def addresses() -> list[str]:
        pods = cluster.items(PODS, NAMESPACE)
        return [pod["status"]["podIP"] for pod in pods if pod["status"].get("podIP")]

    wait_until(lambda: bool(addresses()), "the pod to have an address")
    return addresses()[0]


def serves(cluster: BenchCluster, model: str) -> bool:
    """Whether the status of the environment says that all its pods serve the model, and nothing else is wanted."""
    status: dict[str, Any] = cluster.items(ENVIRONMENTS, NAMESPACE)[0].get("status", {})
    conditions = {condition["type"]: condition["status"] for condition in status.get("conditions", [])}
    desired = status.get("desiredModel", {}).get("name")
    served = [each["name"] for each in status.get("servedModels", [])]
    return desired == model and served == [model] and conditions.get("ModelServed") == "True"


def tag_measures(promoted: Promoted) -> list[Measure]:
    """Return the rows of the table."""
    answering = [each * 1000 for each in promoted.answering]
    limit = f"{PULL_SECONDS + 1} s"
    return [
        Measure("ModelTag changed to tag answering, p50", "ms", percentile(answering, 50), must="150 ms"),
        Measure(
            f"the same to served, pulls every {PULL_SECONDS} s, p50", "s", percentile(promoted.served, 50), must=limit
        ),
        Measure("the same to served, max", "s", max(promoted.served)),
    ]
