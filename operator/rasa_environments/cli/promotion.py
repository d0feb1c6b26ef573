"""What a promotion is made of: which ModelTag it changes, and how far it has come. Nothing here talks to anything."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from rasa_environments.api.base import API_VERSION, JsonObject
from rasa_environments.api.conditions import Condition, ConditionType, Reason
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_tag import PROMOTED_BY_ANNOTATION, ModelTag
from rasa_environments.cli.exit_codes import ExitCode
from rasa_environments.cli.overview import is_current, truth
from rasa_environments.judge.conditions import condition_of

MODEL_SUFFIX = ".tar.gz"
REFUSALS = {
    Reason.MODEL_NOT_FOUND: ExitCode.NOT_FOUND,
    Reason.MODEL_SERVER_NOT_FOUND: ExitCode.NOT_FOUND,
    Reason.NO_WRITE_CREDENTIALS: ExitCode.FAILED,
    Reason.SECRET_NOT_FOUND: ExitCode.FAILED,
    Reason.TAG_REFUSED: ExitCode.FAILED,
    Reason.UNAUTHORIZED: ExitCode.FAILED,
}
"""Why a tag is not set, where waiting alone does not help: the operator goes on trying, the command does not."""


class Goal(StrEnum):
    """What a promotion is followed to."""

    TAGGED = "tagged"
    SERVED = "served"


@dataclass(frozen=True)
class Progress:
    """How far a promotion has come, in words."""

    text: str
    ended: ExitCode | None = None
    """How the command ends; None while there is something to wait for."""
    known: bool = True
    """Whether the operator knows how far it is, about this very promotion."""


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
    if tagged is not None and tag.spec.model is not None and tagged.name != tag.spec.model:
        return tagged.name
    return previous.name if previous is not None else None


def progress(
    written: ModelTag, tag: ModelTag | None, environment: DeploymentEnvironment | None, goal: Goal
) -> Progress:
    """How far the promotion that wrote `written` has come, as the status of the two says."""
    if tag is None or tag.metadata.uid != written.metadata.uid:
        return Progress("the ModelTag was deleted meanwhile", ExitCode.FAILED)
    if (untagged := overtaken_or_unseen(written, tag) or tagged_progress(tag)) is not None:
        return untagged
    on_model = f"tag {tag.tag} is on {tag.spec.model}"
    if goal is Goal.TAGGED:
        return Progress(on_model, ExitCode.DONE)
    if environment is None:
        return Progress(f"the environment was deleted meanwhile; {on_model}", ExitCode.FAILED)
    return served_progress(tag) or unserved_progress(tag, environment)


def overtaken_or_unseen(written: ModelTag, tag: ModelTag) -> Progress | None:
    """Why the status does not speak of this promotion; None where it does."""
    if tag.spec.model != written.spec.model:
        return Progress(f"somebody else promoted {tag.spec.model} meanwhile", ExitCode.FAILED)
    if tag.metadata.generation < written.metadata.generation or not is_current(tag):
        return Progress("waiting for the operator to see the change (is it running?)", known=False)
    return None


def tagged_progress(tag: ModelTag) -> Progress | None:
    """What keeps the tag from being on the model; None where it is there."""
    stalled = condition_of(tag.status.conditions, ConditionType.STALLED)
    if stalled is not None and stalled.status == "True":
        return Progress(stalled.message, _code_of(stalled))
    model = tag.spec.model
    tagged = condition_of(tag.status.conditions, ConditionType.TAGGED)
    if tagged is not None and tagged.status == "False" and tagged.reason in REFUSALS:
        return Progress(f"{tagged.message} (the ModelTag goes on asking for {model})", _code_of(tagged))
    if truth(tagged) != "True" or tag.status.tagged_model is None or tag.status.tagged_model.name != model:
        return Progress(f"waiting for the tag: {_message(tagged)}", known=truth(tagged) != "Unknown")
    return None


def stuck(resource: ModelTag | DeploymentEnvironment) -> str | None:
    """What a person has to put right before the resource can go on; None where nothing is known to be wrong."""
    stalled = condition_of(resource.status.conditions, ConditionType.STALLED)
    return stalled.message if stalled is not None and stalled.status == "True" and is_current(resource) else None


def served_progress(tag: ModelTag) -> Progress | None:
    """That the model is served, as the ModelTag says; None where it does not."""
    served = condition_of(tag.status.conditions, ConditionType.SERVED)
    ready = condition_of(tag.status.conditions, ConditionType.READY)
    if truth(served) != "True":
        return None
    if truth(ready) != "True":
        return Progress(f"waiting for the ModelTag: {_message(ready)}", known=truth(ready) != "Unknown")
    return Progress(_message(served), ExitCode.DONE)


def unserved_progress(tag: ModelTag, environment: DeploymentEnvironment) -> Progress:
    """Why the model is not known to be served; what is not known counts as no."""
    served = condition_of(tag.status.conditions, ConditionType.SERVED)
    if environment.spec.suspend:
        name = environment.metadata.key
        return Progress(
            f"whether it is served is not known: {name} is suspended; set spec.suspend to false, or do not wait for "
            "it: --until tagged",
            ExitCode.UNKNOWN,
        )
    if (obstacle := stuck(environment)) is not None:
        return Progress(f"the model carries the tag, but its environment is stuck: {obstacle}", ExitCode.FAILED)
    if truth(served) == "Unknown":
        return Progress(f"whether it is served is not known: {_message(served)}", known=False)
    if served is not None and served.reason == Reason.NO_ENVIRONMENT:
        return Progress(f"tag {tag.tag} is on {tag.spec.model}, but nothing serves it: {served.message}")
    return Progress(f"waiting for the environment: {_message(served)}")


def _code_of(condition: Condition) -> ExitCode:
    """How the command ends for the reason of the condition."""
    return next((code for reason, code in REFUSALS.items() if reason == condition.reason), ExitCode.FAILED)


def _message(condition: Condition | None) -> str:
    return condition.message if condition else "the operator has not looked at it yet"
