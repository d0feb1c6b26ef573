"""All objects of an environment."""

from __future__ import annotations

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.desired.action_server import KINDS, children_of_action_server
from rasa_environments.desired.config_map import config_map
from rasa_environments.desired.context import Context, action_server_key, child_key
from rasa_environments.desired.deployment import deployment
from rasa_environments.desired.horizontal_pod_autoscaler import horizontal_pod_autoscaler
from rasa_environments.desired.ingress import ingress
from rasa_environments.desired.network_policy import network_policy
from rasa_environments.desired.pod_disruption_budget import pod_disruption_budget
from rasa_environments.desired.profiles import require_tag_of_its_name
from rasa_environments.desired.secret import secret
from rasa_environments.desired.service import service
from rasa_environments.desired.service_account import service_account

OPTIONAL_KINDS = ("PodDisruptionBudget", "HorizontalPodAutoscaler", "NetworkPolicy", "Ingress")
"""Kinds of children that are deleted once the spec no longer asks for them."""


def optional_children(environment: ObjectKey) -> tuple[tuple[str, ObjectKey], ...]:
    """Return kind and key of each child that is deleted once the spec no longer asks for it."""
    own, action_server = child_key(environment), action_server_key(environment)
    # The Deployment of an action server goes first: its pods need the others.
    return (*((kind, own) for kind in OPTIONAL_KINDS), *((kind, action_server) for kind in reversed(KINDS)))


def children(context: Context) -> tuple[JsonObject, ...]:
    """Return the environment's children, the Deployment last, so that everything its pods need exists before them.

    Raises SpecError where the spec cannot work.
    """
    require_tag_of_its_name(context.environment, context.server)
    spec = context.spec
    config, values = config_map(context), secret(context)
    workload = deployment(context, config=config, secret=values)
    actions = spec.action_server
    objects = [] if actions is None else list(children_of_action_server(context, actions))
    objects += [service_account(context), values, config, service(context)]
    if spec.network_policy is not None:
        objects.append(network_policy(context, spec.network_policy))
    if spec.pod_disruption_budget is not None:
        objects.append(pod_disruption_budget(context, spec.pod_disruption_budget))
    if spec.autoscaling is not None:
        objects.append(horizontal_pod_autoscaler(context, spec.autoscaling))
    if spec.ingress is not None:
        objects.append(ingress(context, spec.ingress))
    return (*objects, workload)
