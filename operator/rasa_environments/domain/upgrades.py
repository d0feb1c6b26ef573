"""In which order an environment gets another version of Rasa, so that it serves a model throughout. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from rasa_environments.api.base import ObjectKey
from rasa_environments.desired.profiles import LAST_OPEN_SOURCE
from rasa_environments.domain.compatibility import RasaRelease, RunningReleases, parsed


class First(StrEnum):
    """What changes first."""

    NOTHING = "Nothing"
    """The environment has the version already, and loads its model."""
    SERVER = "Server"
    """The new servers load the present model."""
    TOGETHER = "Together"
    """They do not, so the version and the model change one right after the other."""
    UNKNOWN = "Unknown"


class Action(StrEnum):
    """What a step does."""

    PREPARE = "Prepare"
    CHANGE_VERSION = "ChangeVersion"
    TRAIN = "Train"
    UPLOAD = "Upload"
    PROMOTE = "Promote"


@dataclass(frozen=True, slots=True)
class UpgradeFacts:
    """What is known of an environment that is to get another version."""

    environment: ObjectKey
    model_server: ObjectKey
    tag: str
    current: str | None
    """The version that its spec states; None without one."""
    target: RasaRelease
    model: str | None
    """The model that the tag has; None without one."""
    trained_with: str | None
    """The version of Rasa that the model was trained with; None if that is unknown."""
    why_unknown: str | None = None
    """Why it is unknown."""
    own_image: bool = False
    """Whether the spec names an image of its own, which `rasa.version` does not determine."""
    external: bool = False
    """Whether its server runs elsewhere."""
    suspended: bool = False
    behind_rasa_x: bool = False
    """Whether the model server is a Rasa X or Rasa Enterprise, which has rules of its own."""
    unsupported: str | None = None
    """Why the profile does not run the target."""
    interrupting: str | None = None
    """The setting by which old servers stop before new ones serve a model."""
    others: tuple[RunningReleases, ...] = ()
    """The other environments that pull the tag."""
    unseen: tuple[ObjectKey, ...] = ()
    """Those of them that could not be read."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step, and the command for it; None where there is none."""

    action: Action
    text: str
    command: str | None = None


@dataclass(frozen=True, slots=True)
class UpgradePlan:
    """The order, why it is that one, and what it depends on."""

    first: First
    reason: str
    steps: tuple[Step, ...]
    unknown: tuple[str, ...]
    """What could not be determined, and how to find out."""


def upgrade_plan(facts: UpgradeFacts) -> UpgradePlan:
    """Return the plan. What is unknown is planned for as if the new servers could not load the present model."""
    first, reason = _first(facts)
    unknown = tuple(_unknown(facts))
    if first is First.NOTHING:
        return UpgradePlan(first, reason, (), unknown)
    new_model, others = (_train(facts), _upload(facts)), tuple(_others(facts))
    if first is First.SERVER:
        steps = (_change_version(facts, waits=False), *new_model, *others, _promote(facts, at_once=False))
    else:
        steps = (*new_model, *others, _change_version(facts, waits=True), _promote(facts, at_once=True))
    return UpgradePlan(first, reason, (*_preparations(facts, first), *steps), unknown)


def _first(facts: UpgradeFacts) -> tuple[First, str]:
    target, model = facts.target, facts.model
    if model is None:
        return First.SERVER, f"tag {facts.tag} is on no model, so there is none that Rasa {target.version} must load"
    if facts.trained_with is None or target.minimum is None:
        return First.UNKNOWN, f"it is unknown whether Rasa {target.version} loads model {model}"
    trained = f"model {model} was trained with Rasa {facts.trained_with}"
    if not target.loads(facts.trained_with):
        return First.TOGETHER, f"{trained}, and Rasa {target.version} loads {target.loadable}"
    if _is_newer(facts.trained_with, target.version):
        return First.UNKNOWN, f"{trained}, and no release says which newer models it loads"
    if facts.current == target.version and not facts.own_image and not facts.external:
        return First.NOTHING, f"the environment has Rasa {target.version} already, and {trained}"
    return First.SERVER, f"{trained}, and Rasa {target.version} loads {target.loadable}"


def _is_newer(version: str, than: str) -> bool:
    one, other = parsed(version), parsed(than)
    return one is not None and other is not None and one > other


def _unknown(facts: UpgradeFacts) -> Iterator[str]:
    version = facts.target.version
    if facts.target.minimum is None:
        yield (
            f"which models Rasa {version} loads: run it, and read minimum_compatible_version in the answer of "
            "GET /version"
        )
    if facts.model is not None and facts.trained_with is None:
        why = facts.why_unknown or "the model server does not say"
        yield f"which version model {facts.model} was trained with: {why}"
    if facts.external or facts.own_image:
        yield "which version runs: spec.rasa.version does not determine it; ask its server: GET /version"
    for each in facts.unseen:
        yield f"what environment {each}, which pulls the tag {facts.tag} too, runs: it could not be read"
    if facts.behind_rasa_x:
        yield "whether Rasa X takes the new model: it asks its production server which models it loads"
    yield (
        f"whether configuration, custom components, actions and conversations of today work with Rasa {version}: read "
        "its changelog, and verify the model with conversations before it gets the tag (spec.verification)"
    )


def _preparations(facts: UpgradeFacts, first: First) -> Iterator[Step]:
    if facts.unsupported is not None:
        yield Step(Action.PREPARE, facts.unsupported)
    if facts.suspended:
        yield Step(Action.PREPARE, "End the suspension (spec.suspend): until then, nothing that changes takes effect.")
    if first is not First.SERVER and facts.interrupting is not None:
        yield Step(
            Action.PREPARE,
            f"Take {facts.interrupting} away for as long as the change takes: with it, old servers stop before new "
            "ones have a model.",
        )


def _others(facts: UpgradeFacts) -> Iterator[Step]:
    """Yield a step for each environment that gets the new model too, unless it has the new version already."""
    version = facts.target.version
    for each in facts.others:
        if each.stated is None or each.stated.version != version or not each.determined:
            yield Step(
                Action.PREPARE,
                f"Change environment {each.environment} to Rasa {version} in the same way, up to its promotion: it "
                f"pulls the tag {facts.tag} too, and no release says which newer models it loads. Or give one of them "
                "a tag of its own (spec.tag).",
            )


def _change_version(facts: UpgradeFacts, *, waits: bool) -> Step:
    name, version = facts.environment, facts.target.version
    if facts.external:
        return Step(
            Action.CHANGE_VERSION, f"Start Rasa {version} where the server runs, beside the old one if you can."
        )
    effect = (
        "New pods do not become ready with the present model, old ones go on serving it, and the environment is not "
        "Ready: go on at once."
        if waits
        else "Old pods serve the model until new ones have it."
    )
    image = f", and spec.rasa.image to an image with Rasa {version}" if facts.own_image else ""
    patch = f'{{"spec":{{"rasa":{{"version":"{version}"}}}}}}'
    command = f"kubectl patch denv {name.name} -n {name.namespace} --type=merge -p '{patch}'"
    return Step(
        Action.CHANGE_VERSION,
        f"Set spec.rasa.version to {version}{image}. {effect}",
        None if facts.own_image else command,
    )


def _train(facts: UpgradeFacts) -> Step:
    version = facts.target.version
    package = "rasa-pro" if is_rasa_pro(version) else "rasa"
    return Step(Action.TRAIN, f"Train a model with Rasa {version}.", f"pip install {package}=={version} && rasa train")


def is_rasa_pro(version: str) -> bool:
    """Return whether the release is one of the package `rasa-pro`, as all after Rasa 3.6 are."""
    release = parsed(version)
    return release is not None and release.release[:2] > LAST_OPEN_SOURCE


def _upload(facts: UpgradeFacts) -> Step:
    server = facts.model_server
    return Step(
        Action.UPLOAD,
        "Upload it. It has no tag yet, so no server loads it.",
        f"kubectl rasa upload models/MODEL.tar.gz --model-server {server.name} -n {server.namespace}",
    )


def _promote(facts: UpgradeFacts, *, at_once: bool) -> Step:
    name = facts.environment
    when = (
        "Promote it right after: new pods load it and become ready, and old ones keep their model until they stop."
        if at_once
        else "Promote it when you like: the present model works until then."
    )
    return Step(Action.PROMOTE, when, f"kubectl rasa promote MODEL {name.name} -n {name.namespace}")
