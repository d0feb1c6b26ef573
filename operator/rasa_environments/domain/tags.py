"""The rules of tags: which model an environment wants, and whether a tag is on the model of its ModelTag."""

from __future__ import annotations

from rasa_environments.api.conditions import Reason
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_server import ModelServer
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.domain.access import Labels, unusable
from rasa_environments.domain.facts import Problem, ServerObservation, TaggedModel
from rasa_environments.domain.lister import server_of_tag
from rasa_environments.domain.waiting import Waiting


def wanted_model(
    environment: DeploymentEnvironment,
    server: ModelServer | Problem,
    labels: Labels | None,
    observation: ServerObservation,
) -> tuple[TaggedModel | None, Problem | None]:
    """Return the model with the environment's tag: the last known one, with a problem, if it cannot be determined.

    `labels` are those of the environment's namespace.
    """
    last = environment.status.desired_model
    remembered = TaggedModel(last.name, last.hash) if last is not None else None
    problem = unusable(server, environment.metadata.namespace, labels) or observation.problem
    if problem is None:
        problem = observation.tag_problems.get(environment.tag)
        return observation.tags.get(environment.tag) or (remembered if problem else None), problem
    return (observation.tags.get(environment.tag) if observation.known else remembered), problem


def changed_tags(before: ServerObservation, now: ServerObservation) -> set[str]:
    """Return the tags that are on another model, or have another problem, than in the observation before."""
    tags = before.tags.keys() | now.tags.keys() | before.tag_problems.keys() | now.tag_problems.keys()
    return {
        tag
        for tag in tags
        if before.tags.get(tag) != now.tags.get(tag) or before.tag_problems.get(tag) != now.tag_problems.get(tag)
    }


def is_as_reported(tag: ModelTag, tagged: TaggedModel) -> bool:
    """Return whether the tag is on the model that its ModelTag desires, and its status says so."""
    reported, desired = tag.status.tagged_model, tag.status.desired_model
    wanted = tag.spec.model in (None, tagged.name) if desired is None else desired.name == tagged.name
    return wanted and reported is not None and (reported.name, reported.hash) == (tagged.name, tagged.hash)


def confirmed(
    tag: ModelTag, model: str, listed: TaggedModel | None, pulled: TaggedModel | None
) -> TaggedModel | Problem:
    """Return the model with the hash that was `pulled` by the tag, or why that is not the model to be tagged.

    `listed` is the model as the server lists it, None if it lists none.
    """
    if pulled is None:
        return Problem(
            Reason.TAG_NOT_FOUND,
            f"the model server took tag {tag.tag} for model {model}, but does not serve it: is "
            f"spec.modelPath of ModelServer {server_of_tag(tag)} right?",
            stalled=False,
        )
    if listed is not None and listed.hash != pulled.hash:
        return Problem(
            Reason.HASH_MISMATCH,
            f"tag {tag.tag} answers with hash {pulled.hash}, model {model} has {listed.hash}: the server "
            "serves another model under this tag; look at its log",
            stalled=False,
        )
    if listed is None and pulled.name != model:
        return Problem(
            Reason.HASH_MISMATCH,
            f"tag {tag.tag} answers with model {pulled.name} instead of {model}: the server serves "
            "another model under this tag; look at its log",
            stalled=False,
        )
    return TaggedModel(model, pulled.hash)


def owned_by_older(tag: ModelTag, owner: ModelTag | None) -> Problem | None:
    """Return the problem that an older ModelTag owns the tag, or None."""
    if owner is None or owner.metadata.key == tag.metadata.key:
        return None
    return Problem(
        Reason.TAG_CONFLICT,
        f"tag {tag.tag} belongs to the older ModelTag {owner.metadata.key} (model {owner.spec.model}): "
        "change that one, or delete one of the two",
    )


def incompatible(model: TaggedModel) -> Problem:
    """Return the problem that the server allows no tag on a model that production's version of Rasa cannot load."""
    trained = f"was trained with Rasa {model.version}, and" if model.version else "is one that"
    return Problem(
        Reason.MODEL_INCOMPATIBLE,
        f"model {model.name} {trained} the model server says that production cannot load it: train it with "
        "production's version of Rasa, or upgrade production first",
        stalled=False,
    )


def untagged(tag: ModelTag, waiting: Waiting | None) -> Problem:
    """Return the problem that no model has the tag, and none may get it: the spec names none, or the next one waits."""
    if waiting is not None:
        message = f"no model carries the tag {tag.tag} yet: {waiting.message}"
        return Problem(waiting.reason, message, stalled=waiting.is_misconfigured)
    return Problem(
        Reason.TAG_NOT_FOUND,
        f"no model carries the tag {tag.tag}, and spec.model names none: set spec.model, for example by "
        f"`kubectl rasa promote MODEL {tag.metadata.name}`",
    )
