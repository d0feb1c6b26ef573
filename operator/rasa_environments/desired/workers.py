"""The number of worker processes of a Rasa server, each of which has a model of its own.

Rasa uses SANIC_WORKERS only with a shared lock store (rasa 3.6, core/utils.py: number_of_sanic_workers).
"""

from __future__ import annotations

from rasa_environments.api.base import JsonObject
from rasa_environments.api.deployment_environment import EnvironmentSpec
from rasa_environments.api.shapes import mapping, text
from rasa_environments.desired.context import Context
from rasa_environments.desired.deployment import CONTAINER, WORKERS_VARIABLE, with_pod_templates


def workers(context: Context) -> int | None:
    """Return the number of worker processes per pod; None if it is a reference to another object.

    A variable in podTemplate, of the environment or of the defaults, takes precedence over `rasa.workers`, as in the
    container.
    """
    if not _shares_locks(context.spec):
        return 1
    rasa = context.spec.rasa
    variable = {"name": WORKERS_VARIABLE, "value": str((rasa and rasa.workers) or 1)}
    bare = {"spec": {"containers": [{"name": CONTAINER, "env": [variable]}]}}
    containers = with_pod_templates(bare, context)["spec"]["containers"]
    server: JsonObject = next((each for each in containers if each.get("name") == CONTAINER), {})
    entry: JsonObject = next((each for each in server.get("env", ()) if each.get("name") == WORKERS_VARIABLE), {})
    value = text(entry.get("value"))
    if value is None:
        return None if entry.get("valueFrom") else 1
    try:
        return max(int(value), 1)
    except ValueError:
        return 1


def _shares_locks(spec: EnvironmentSpec) -> bool:
    """Return whether locks are kept outside the process; an entry of spec.endpoints takes precedence over lockStore."""
    entry = (spec.endpoints or {}).get("lock_store")
    return spec.lock_store is not None if entry is None else mapping(entry).get("type") != "in_memory"
