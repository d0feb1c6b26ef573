"""How many worker processes a Rasa server has, each with a model of its own.

Rasa takes SANIC_WORKERS only with a lock store that is shared (rasa 3.6, core/utils.py: number_of_sanic_workers).
"""

from __future__ import annotations

from rasa_environments.api.deployment_environment import EnvironmentSpec
from rasa_environments.api.shapes import mapping, mappings, text
from rasa_environments.desired.deployment import CONTAINER

WORKERS_VARIABLE = "SANIC_WORKERS"


def workers(spec: EnvironmentSpec) -> int | None:
    """The number of worker processes of each pod; None where a reference to another object says how many.

    A variable of podTemplate wins over `rasa.workers`, as in the container.
    """
    entry = (spec.endpoints or {}).get("lock_store")
    shared = mapping(entry).get("type") != "in_memory" if entry is not None else spec.lock_store is not None
    if not shared:
        return 1
    pod = mapping(mapping(spec.pod_template).get("spec"))
    server = next((each for each in mappings(pod.get("containers")) if each.get("name") == CONTAINER), {})
    found = [each for each in mappings(server.get("env")) if each.get("name") == WORKERS_VARIABLE]
    if not found:
        return (spec.rasa and spec.rasa.workers) or 1
    value = text(found[-1].get("value"))
    if value is None:
        return None if found[-1].get("valueFrom") else 1
    try:
        return max(int(value), 1)
    except ValueError:
        return 1
