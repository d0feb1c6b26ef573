"""The PodDisruptionBudget of the Rasa servers."""

from __future__ import annotations

from rasa_environments.api.base import JsonObject
from rasa_environments.api.workload import PodDisruptionBudget
from rasa_environments.desired.context import Context


def pod_disruption_budget(context: Context, wanted: PodDisruptionBudget) -> JsonObject:
    """Return a limit on how many pods may be evicted at the same time."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": context.metadata(),
        "spec": {
            "selector": {"matchLabels": context.selector},
            **wanted.model_dump(by_alias=True, exclude_none=True),
        },
    }
