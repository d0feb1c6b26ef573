"""The candidate of an environment: a Rasa server next to it that serves a model before the model gets the tag.

It is made from the environment's own Deployment, so that image, arguments, variables and podTemplate are the same. It
differs in the model, has no event broker, keeps conversations in memory, has REST as its only channel, and none of the
labels by which Services select the environment's pods.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Final

from rasa_environments.api.base import JsonObject, ModelReference
from rasa_environments.api.traffic import NetworkPolicy
from rasa_environments.desired.context import (
    MANAGED_BY,
    MANAGED_BY_LABEL,
    MODEL_HASH_ANNOTATION,
    Context,
    candidate_key,
    named_model_url,
)
from rasa_environments.desired.credentials import DEFAULT_CHANNELS
from rasa_environments.desired.deployment import CONTAINER, deployment
from rasa_environments.desired.endpoints import as_yaml, endpoints
from rasa_environments.desired.errors import SpecError
from rasa_environments.desired.network_policy import network_policy
from rasa_environments.desired.profiles import CREDENTIALS_FILE, ENDPOINTS_FILE, profile_of
from rasa_environments.desired.readiness import readiness_command
from rasa_environments.desired.secret import secret

SHARED_ENDPOINTS: Final = ("event_broker", "tracker_store", "lock_store")
"""Entries of endpoints.yml through which conversations leave the server."""
KINDS: Final = ("Deployment", "NetworkPolicy", "ConfigMap")
"""Kinds of a candidate's children, in the order in which they are removed."""
MODEL_VARIABLE: Final = "RASA_MODEL_SERVER"


def candidate_children(context: Context, model: ModelReference) -> tuple[JsonObject, ...]:
    """Return the children of the environment's candidate for that model, the Deployment last.

    Raises SpecError where there can be none.
    """
    if profile_of(context).configured_by_server:
        raise SpecError("Rasa X decides which model its servers pull, so none of them can be a candidate")
    url = named_model_url(context.server, model.name)
    configuration = _config_map(context, url)
    objects = [configuration]
    if context.spec.network_policy is not None:
        objects.append(_network_policy(context))
    return (*objects, _deployment(context, configuration, model, url))


def _metadata(context: Context) -> JsonObject:
    described = {**context.candidate_selector, "app.kubernetes.io/part-of": MANAGED_BY, MANAGED_BY_LABEL: MANAGED_BY}
    name = candidate_key(context.environment.metadata.key).name
    return {**context.metadata(), "name": name, "labels": described}


def _config_map(context: Context, url: str) -> JsonObject:
    spec = context.spec
    others = {name: entry for name, entry in (spec.endpoints or {}).items() if name not in SHARED_ENDPOINTS}
    update = {"event_broker": None, "tracker_store": None, "lock_store": None, "endpoints": others}
    entries = endpoints(replace(context, spec=spec.model_copy(update=update)))
    # It pulls again and again, since the first pull may fail.
    entries["models"] |= {"url": url, "wait_time_between_pulls": context.pull_period_seconds}
    channels = {channel.name: channel.config for channel in DEFAULT_CHANNELS}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _metadata(context),
        "data": {ENDPOINTS_FILE: as_yaml(entries), CREDENTIALS_FILE: as_yaml(channels)},
    }


def _network_policy(context: Context) -> JsonObject:
    """Return a policy that allows the operator, and the pods of Jobs that test the candidate."""
    policy = network_policy(replace(context, tested_by_job=True), NetworkPolicy.model_validate({"from": "None"}))
    spec = {**policy["spec"], "podSelector": {"matchLabels": context.candidate_selector}}
    return {**policy, "metadata": _metadata(context), "spec": spec}


def _deployment(context: Context, configuration: JsonObject, model: ModelReference, url: str) -> JsonObject:
    own = deepcopy(deployment(context, config=configuration, secret=secret(context)))
    template = own["spec"]["template"]
    template["metadata"] = {
        "labels": {**context.candidate_selector, MANAGED_BY_LABEL: MANAGED_BY},
        "annotations": {**template["metadata"].get("annotations", {}), MODEL_HASH_ANNOTATION: model.hash},
    }
    pod = template["spec"]
    for volume in pod["volumes"]:
        if volume["name"] == "config":
            volume["configMap"] = {"name": configuration["metadata"]["name"]}
    server = next(each for each in pod["containers"] if each["name"] == CONTAINER)
    kept = [entry for entry in server["env"] if entry["name"] != MODEL_VARIABLE]
    server["env"] = [{"name": MODEL_VARIABLE, "value": url}, *kept]
    server["readinessProbe"] = {
        "exec": {"command": readiness_command(context.port)},
        "periodSeconds": 5,
        "timeoutSeconds": 10,
        "failureThreshold": 3,
    }
    spec = {
        "replicas": 1,
        "selector": {"matchLabels": context.candidate_selector},
        "strategy": {"type": "Recreate"},
        "progressDeadlineSeconds": own["spec"]["progressDeadlineSeconds"],
        "template": template,
    }
    return {**own, "metadata": _metadata(context), "spec": spec}
