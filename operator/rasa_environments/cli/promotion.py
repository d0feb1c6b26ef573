"""What a promotion is made of: which ModelTag it changes, and how far it has come. Nothing here talks to anything."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from rasa_environments.api.base import API_VERSION, JsonObject
from rasa_environments.api.conditions import Condition, ConditionType, Reason
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_tag import PROMOTED_BY_ANNOTATION, ModelTag
from rasa_environments.cli.overview import is_current, truth
from rasa_environments.judge.conditions import condition_of

MODEL_SUFFIX = ".tar.gz"
REFUSALS = frozenset(
    {
        Reason.MODEL_NOT_FOUND,
        Reason.MODEL_SERVER_NOT_FOUND,
        Reason.NO_WRITE_CREDENTIALS,
        Reason.SECRET_NOT_FOUND,
        Reason.TAG_REFUSED,
        Reason.UNAUTHORIZED,
    }
)
"""Why a tag is not set, where waiting alone does not help: the operator goes on trying, the command does not."""


class Outcome(Enum):
    """Whether there is anything left to wait for."""

    UNDER_WAY = auto()
    DONE = auto()
    FAILED = auto()


@dataclass(frozen=True)
class Progress:
    """How far a promotion has come, in words."""

    outcome: Outcome
    text: str


def new_model_tag(environment: DeploymentEnvironment, model: str, user: str) -> JsonObject:
    """The ModelTag for the tag that the environment pulls, beside the environment, created by that user."""
    name = object_name(environment.tag)
    spec: JsonObject = {"model": model}
    if name != environment.tag:
        spec["tag"] = environment.tag
    if environment.spec.model_server_ref is not None:
        spec["modelServerRef"] = environment.spec.model_server_ref.model_dump(by_alias=True, exclude_none=True)
    annotations = {PROMOTED_BY_ANNOTATION: user}
    metadata = {"name": name, "namespace": environment.metadata.namespace, "annotations": annotations}
    return {"apiVersion": API_VERSION, "kind": "ModelTag", "metadata": metadata, "spec": spec}


def object_name(tag: str) -> str:
    """The tag as the name of an object: lower case, other characters as hyphens (RFC 1123 subdomain)."""
    labels = (label.strip("-") for label in re.sub(r"[^a-z0-9.-]", "-", tag.lower()).split("."))
    return ".".join(label for label in labels if label)


def model_name(given: str) -> str:
    """The model that a person means by its name or by its file's name."""
    return given.removesuffix(MODEL_SUFFIX)


def rollback_target(tag: ModelTag) -> str | None:
    """The model to go back to: the one before, or, where the last promotion never took place, the one still served."""
    tagged, previous = tag.status.tagged_model, tag.status.previous_model
    if tagged is not None and tagged.name != tag.spec.model:
        return tagged.name
    return previous.name if previous is not None else None


def progress(tag: ModelTag | None, environment: DeploymentEnvironment | None, model: str) -> Progress:
    """How far the promotion of `model` by this ModelTag has come, as the status of the two says."""
    if tag is None or environment is None:
        return Progress(Outcome.FAILED, f"the {'ModelTag' if tag is None else 'environment'} was deleted meanwhile")
    if tag.spec.model != model:
        return Progress(Outcome.FAILED, f"somebody else promoted {tag.spec.model} meanwhile")
    if not is_current(tag):
        return Progress(Outcome.UNDER_WAY, "waiting for the operator to see the change (is it running?)")
    return tagged_progress(tag, model) or served_progress(tag, environment, model)


def tagged_progress(tag: ModelTag, model: str) -> Progress | None:
    """What keeps the tag from being on the model; None where it is there."""
    if (obstacle := stuck(tag)) is not None:
        return Progress(Outcome.FAILED, obstacle)
    tagged = condition_of(tag.status.conditions, ConditionType.TAGGED)
    if tagged is not None and tagged.status == "False" and tagged.reason in REFUSALS:
        return Progress(Outcome.FAILED, f"{tagged.message} (the ModelTag goes on asking for {model})")
    if truth(tagged) != "True" or tag.status.tagged_model is None or tag.status.tagged_model.name != model:
        return Progress(Outcome.UNDER_WAY, f"waiting for the tag: {_message(tagged)}")
    return None


def stuck(resource: ModelTag | DeploymentEnvironment) -> str | None:
    """What a person has to put right before the resource can go on; None where nothing is known to be wrong."""
    stalled = condition_of(resource.status.conditions, ConditionType.STALLED)
    return stalled.message if stalled is not None and stalled.status == "True" and is_current(resource) else None


def served_progress(tag: ModelTag, environment: DeploymentEnvironment, model: str) -> Progress:
    """Whether the environment serves the model that carries its tag."""
    served = condition_of(tag.status.conditions, ConditionType.SERVED)
    if truth(served) == "True":
        return Progress(Outcome.DONE, _message(served))
    if environment.spec.suspend:
        return Progress(Outcome.DONE, "whether it is served is not known: the environment is suspended")
    if (obstacle := stuck(environment)) is not None:
        return Progress(Outcome.FAILED, f"the model carries the tag, but its environment is stuck: {obstacle}")
    unknown = condition_of(environment.status.conditions, ConditionType.MODEL_SERVED)
    if truth(served) == "Unknown" and unknown is not None and settled_without_knowing(environment, model):
        return Progress(Outcome.DONE, f"whether it is served is not known: {unknown.message}")
    return Progress(Outcome.UNDER_WAY, f"waiting for the environment: {_message(served)}")


def settled_without_knowing(environment: DeploymentEnvironment, model: str) -> bool:
    """Whether the environment is Ready and wants the model, and its pods cannot be asked what they serve."""
    desired = environment.status.desired_model
    wants_it = desired is not None and desired.name == model
    conditions = environment.status.conditions
    ready = truth(condition_of(conditions, ConditionType.READY)) == "True"
    unknown = truth(condition_of(conditions, ConditionType.MODEL_SERVED)) == "Unknown"
    return is_current(environment) and wants_it and ready and unknown


def _message(condition: Condition | None) -> str:
    return condition.message if condition else "the operator has not looked at it yet"
