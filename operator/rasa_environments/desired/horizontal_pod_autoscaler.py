"""The HorizontalPodAutoscaler of the Rasa servers."""

from __future__ import annotations

from rasa_environments.api.base import JsonObject
from rasa_environments.api.workload import Autoscaling
from rasa_environments.desired.context import Context


def horizontal_pod_autoscaler(context: Context, wanted: Autoscaling) -> JsonObject:
    """Return an autoscaler of the Deployment, whose replicas the operator then leaves alone."""
    memory, cpu = wanted.target_memory_utilization_percentage, wanted.target_cpu_utilization_percentage
    if cpu is None and memory is None:
        cpu = 80
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": context.metadata(),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": context.key.name},
            "minReplicas": wanted.min_replicas or 1,
            "maxReplicas": wanted.max_replicas,
            "metrics": [_utilization(name, target) for name, target in (("cpu", cpu), ("memory", memory)) if target],
        },
    }


def _utilization(resource: str, percentage: int) -> JsonObject:
    target = {"type": "Utilization", "averageUtilization": percentage}
    return {"type": "Resource", "resource": {"name": resource, "target": target}}
