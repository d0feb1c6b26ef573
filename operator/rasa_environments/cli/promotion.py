"""The logic of a promotion: which ModelTag it changes, and its progress. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from rasa_environments.api.base import API_VERSION, JsonObject
from rasa_environments.api.conditions import Condition, ConditionType, Reason
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_tag import PROMOTED_BY_ANNOTATION, HistoryEntry, ModelTag
from rasa_environments.cli.exit_codes import ExitCode
from rasa_environments.cli.overview import is_current, truth
from rasa_environments.judge.conditions import condition_of
from rasa_environments.rasa.listing import MODEL_SUFFIX

REFUSALS = {
    Reason.MODEL_INCOMPATIBLE: ExitCode.FAILED,
    Reason.MODEL_NOT_FOUND: ExitCode.NOT_FOUND,
    Reason.MODEL_SERVER_NOT_FOUND: ExitCode.NOT_FOUND,
    Reason.NO_WRITE_CREDENTIALS: ExitCode.FAILED,
    Reason.SECRET_NOT_FOUND: ExitCode.FAILED,
    Reason.TAG_REFUSED: ExitCode.FAILED,
    Reason.UNAUTHORIZED: ExitCode.FAILED,
}
"""Reasons why a tag is not set that waiting alone does not resolve: the operator retries, the command gives up."""


class Goal(StrEnum):
    """The state up to which a promotion is followed."""

    TAGGED = "tagged"
    SERVED = "served"


@dataclass(frozen=True)
class Progress:
    """The progress of a promotion, in words."""

    text: str
    ended: ExitCode | None = None
    """Exit code of the command; None while there is something to wait for."""
    known: bool = True
    """Whether the operator knows the progress of this very promotion."""
    since: str | None = field(default=None, compare=False)
    """Since when the cluster is in that state (RFC 3339), if it says."""


@dataclass(frozen=True)
class Wanted:
    """What the ModelTag is to say."""

    model: str
    allow_incompatible: bool = False
    """Whether the tag may move although an environment cannot load the model."""
    actions: str | None = None
    """Image of the action server that goes with the model; None leaves what the ModelTag says of it."""
    without_actions: bool = False
    """Whether the ModelTag is to name no image any more."""

    @property
    def spec(self) -> JsonObject:
        """The fields of the ModelTag's spec to set; null removes one."""
        spec: JsonObject = {"model": self.model}
        if self.allow_incompatible:
            spec["allowIncompatibleModel"] = self.model
        if self.actions is not None or self.without_actions:
            spec["actionServer"] = None if self.actions is None else {"image": self.actions}
        return spec

    def is_said_by(self, tag: ModelTag) -> bool:
        """Return whether the ModelTag says so already."""
        allowed = not self.allow_incompatible or tag.spec.allow_incompatible_model == self.model
        named = "actionServer" not in self.spec or tag.action_server_image == self.actions
        return tag.spec.model == self.model and allowed and named


def new_model_tag(environment: DeploymentEnvironment, wanted: Wanted, user: str) -> JsonObject:
    """Return a ModelTag, created by that user, for the environment's tag in the environment's namespace."""
    name = object_name(environment.tag)
    spec = wanted.spec
    if name != environment.tag:
        spec["tag"] = environment.tag
    if environment.spec.model_server_ref is not None:
        spec["modelServerRef"] = environment.spec.model_server_ref.model_dump(by_alias=True, exclude_none=True)
    annotations = {PROMOTED_BY_ANNOTATION: user}
    metadata = {"name": name, "namespace": environment.metadata.namespace, "annotations": annotations}
    return {"apiVersion": API_VERSION, "kind": "ModelTag", "metadata": metadata, "spec": spec}


def object_name(tag: str) -> str:
    """Return the tag as an object name: lower case, other characters as hyphens (RFC 1123 subdomain)."""
    labels = (label.strip("-") for label in re.sub(r"[^a-z0-9.-]", "-", tag.lower()).split("."))
    return ".".join(label for label in labels if label)


def model_name(given: str) -> str:
    """Return the model that the user means by its name or file name."""
    return given.removesuffix(MODEL_SUFFIX)


def rollback_target(tag: ModelTag, to: str | None = None) -> Wanted | None:
    """Return what to roll back to, with the image that the ModelTag last named for that model.

    The previous model, or the current one if the last promotion never took effect; with `to`, the model of this name or
    number in the history. None if there is no such model.
    """
    if to is not None:
        return _target_in_history(tag, to)
    target, tagged = tag.status.previous_model, tag.status.tagged_model
    if tagged is not None and tag.spec.model is not None and tagged.name != tag.spec.model:
        target = tagged
    if target is None:
        return None
    entry = next((each for each in tag.status.history or () if each.model == target.name), None)
    return Wanted(target.name) if entry is None else _wanted_again(tag, entry)


def _target_in_history(tag: ModelTag, to: str) -> Wanted | None:
    entries = tag.status.history or []
    named = next((each for each in entries if each.model == to), None)
    numbered = entries[int(to)] if to.isdecimal() and len(to) < 4 and int(to) < len(entries) else None
    entry = named or numbered
    return None if entry is None else _wanted_again(tag, entry)


def _wanted_again(tag: ModelTag, entry: HistoryEntry) -> Wanted:
    image = entry.action_server_image
    return Wanted(entry.model, actions=image, without_actions=image is None and tag.action_server_image is not None)


def progress(
    written: ModelTag,
    tag: ModelTag | None,
    environment: DeploymentEnvironment | None,
    goal: Goal,
    *,
    verify: bool = False,
) -> Progress:
    """Return the progress of the promotion that wrote `written`, by the status of both objects.

    With `verify`, it is done once the model has passed its verification.
    """
    if tag is None or tag.metadata.uid != written.metadata.uid:
        return Progress("the ModelTag was deleted in the meantime", ExitCode.FAILED)
    if (untagged := overtaken_or_unseen(written, tag) or tagged_progress(tag)) is not None:
        return untagged
    on_model = f"tag {tag.tag} is on {tag.spec.model}"
    if goal is Goal.TAGGED:
        return Progress(on_model, ExitCode.DONE)
    if environment is None:
        return Progress(f"the environment was deleted in the meantime; {on_model}", ExitCode.FAILED)
    served = served_progress(tag) or unserved_progress(tag, environment)
    return verified_progress(tag, served) if verify and served.ended is ExitCode.DONE else served


def verified_progress(tag: ModelTag, served: Progress) -> Progress:
    """Return whether the model, which is served, has passed its verification."""
    if tag.spec.verification is None:
        return Progress("spec.verification was removed in the meantime: the model is not verified", ExitCode.FAILED)
    verified = condition_of(tag.status.conditions, ConditionType.VERIFIED)
    if truth(verified) != "True":
        return Progress(f"waiting for the verification: {_message(verified)}", since=_since(verified))
    return Progress(f"{served.text}; {_message(verified)}", ExitCode.DONE)


def overtaken_or_unseen(written: ModelTag, tag: ModelTag) -> Progress | None:
    """Return why the status does not describe this promotion; None if it does."""
    if tag.spec.model != written.spec.model:
        return Progress(f"somebody else promoted {tag.spec.model} in the meantime", ExitCode.FAILED)
    if tag.metadata.generation < written.metadata.generation or not is_current(tag):
        return Progress("waiting for the operator to see the change (is it running?)", known=False)
    return None


def tagged_progress(tag: ModelTag) -> Progress | None:
    """Return why the tag is not on the model; None if it is."""
    stalled = condition_of(tag.status.conditions, ConditionType.STALLED)
    if stalled is not None and stalled.status == "True":
        return Progress(stalled.message, _code_of(stalled))
    model = tag.spec.model
    promoted = condition_of(tag.status.conditions, ConditionType.PROMOTED)
    if promoted is not None and promoted.status == "Unknown":
        return Progress(f"waiting: {promoted.message}", since=promoted.last_transition_time)
    tagged = condition_of(tag.status.conditions, ConditionType.TAGGED)
    if tagged is not None and tagged.status == "False" and tagged.reason in REFUSALS:
        return Progress(f"{tagged.message} (the ModelTag still asks for {model})", _code_of(tagged))
    if truth(tagged) != "True" or tag.status.tagged_model is None or tag.status.tagged_model.name != model:
        return Progress(
            f"waiting for the tag: {_message(tagged)}", known=truth(tagged) != "Unknown", since=_since(tagged)
        )
    return None


def stuck(resource: ModelTag | DeploymentEnvironment) -> str | None:
    """Return what must be fixed before the resource can proceed; None if nothing is known to be wrong."""
    stalled = condition_of(resource.status.conditions, ConditionType.STALLED)
    return stalled.message if stalled is not None and stalled.status == "True" and is_current(resource) else None


def served_progress(tag: ModelTag) -> Progress | None:
    """Return that the model is served according to the ModelTag; None if it is not."""
    served = condition_of(tag.status.conditions, ConditionType.SERVED)
    ready = condition_of(tag.status.conditions, ConditionType.READY)
    if truth(served) != "True":
        return None
    if truth(ready) != "True":
        known = truth(ready) != "Unknown" or (ready is not None and ready.reason == Reason.VERIFYING)
        return Progress(f"waiting for the ModelTag: {_message(ready)}", known=known, since=_since(ready))
    return Progress(_message(served), ExitCode.DONE)


def unserved_progress(tag: ModelTag, environment: DeploymentEnvironment) -> Progress:
    """Return why the model is not known to be served; unknown counts as not served."""
    served = condition_of(tag.status.conditions, ConditionType.SERVED)
    if environment.spec.suspend:
        name = environment.metadata.key
        return Progress(
            f"whether it is served is unknown: {name} is suspended; set spec.suspend to false, or wait only for "
            "the tag: --until tagged",
            ExitCode.UNKNOWN,
        )
    if (obstacle := stuck(environment)) is not None:
        return Progress(f"the model carries the tag, but its environment is stuck: {obstacle}", ExitCode.FAILED)
    if truth(served) == "Unknown":
        return Progress(f"whether it is served is unknown: {_message(served)}", known=False, since=_since(served))
    if served is not None and served.reason == Reason.NO_ENVIRONMENT:
        return Progress(
            f"tag {tag.tag} is on {tag.spec.model}, but nothing serves it: {served.message}", since=_since(served)
        )
    return Progress(f"waiting for the environment: {_message(served)}", since=_since(served))


def _code_of(condition: Condition) -> ExitCode:
    """Return the exit code for the reason of the condition."""
    return next((code for reason, code in REFUSALS.items() if reason == condition.reason), ExitCode.FAILED)


def _message(condition: Condition | None) -> str:
    return condition.message if condition else "not reconciled yet"


def _since(condition: Condition | None) -> str | None:
    return condition.last_transition_time if condition else None
