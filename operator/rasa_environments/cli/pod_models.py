"""What each pod of an environment serves, by the status of the environment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from rasa_environments.api.conditions import ConditionStatus
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.cli.overview import is_current
from rasa_environments.domain.facts import PodFacts
from rasa_environments.judge.healing import pods_to_ask
from rasa_environments.judge.served import MAXIMUM_NON_SERVING_PODS


@dataclass(frozen=True, slots=True)
class PodModel:
    """What a pod serves."""

    model: str | None
    """Name of the model; None if it serves none, or that is not known."""
    serves_wanted: ConditionStatus
    """Whether that is the desired model."""

    @property
    def described(self) -> str:
        """The same for people."""
        return self.model or ("no model" if self.serves_wanted == "False" else "unknown")


UNKNOWN: Final = PodModel(None, "Unknown")


def pod_models(environment: DeploymentEnvironment, pods: Iterable[PodFacts]) -> dict[str, PodModel]:
    """Return what the pods serve, by their names; those that are not asked are left out.

    The status names the first pods that are not known to serve the desired model, and counts those that do. The others
    are known to serve it only if no more of them are there than it counts: it may be older than some of them.
    """
    asked = pods_to_ask([pod for pod in pods if not (pod.of_action_server or pod.of_candidate)])
    status = environment.status
    if environment.spec.suspend or not is_current(environment):
        return {pod.name: UNKNOWN for pod in asked}
    named = {pod.name: PodModel(pod.model, pod.served) for pod in status.non_serving_pods or ()}
    others = [pod for pod in asked if pod.name not in named]
    desired, wanted = status.desired_model, UNKNOWN
    if desired is not None and len(named) < MAXIMUM_NON_SERVING_PODS and len(others) <= (status.serving_replicas or 0):
        wanted = PodModel(desired.name, "True")
    return named | {pod.name: wanted if pod.ready else UNKNOWN for pod in others}
