"""Action servers and the models that they go with: which image one runs, and whether a tag may move already."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rasa_environments.api.base import ModelReference, ObjectKey
from rasa_environments.api.conditions import ConditionStatus, ConditionType, Reason
from rasa_environments.api.deployment_environment import DeploymentEnvironment, EnvironmentSpec
from rasa_environments.api.model_server import ModelServer
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.desired.merging import layers
from rasa_environments.domain.facts import Problem
from rasa_environments.domain.live_results import good_models


@dataclass(frozen=True)
class FollowingActionServer:
    """The action server of an environment that pulls a tag, by the environment's status."""

    environment: ObjectKey
    image: str | None
    """Image that all of its pods run; None before the first was available."""
    available: ConditionStatus
    message: str
    """What its condition says, or why there is none."""


def image_from(tag: ModelTag | None, environment: DeploymentEnvironment) -> str | None:
    """Return the image that the ModelTag, which owns the environment's tag, names for its action server, if any.

    An image is code that runs in the environment's namespace, so a ModelTag in another one has no say in it. While the
    model that it goes with waits to be let through, the action server keeps the image that it runs.
    """
    if tag is None or tag.metadata.namespace != environment.metadata.namespace:
        return None
    if waits(tag):
        running = environment.status.action_server
        return _image_before_rejection(tag) or (running.image if running is not None else None)
    return tag.action_server_image


def _image_before_rejection(tag: ModelTag) -> str | None:
    """Return the image that went with the model that has the tag again, since the one of the spec was rejected."""
    desired = tag.status.desired_model
    if desired is None or all(each.name != tag.spec.model for each in tag.status.rejected or ()):
        return None
    earlier = (each for each in tag.status.history or () if each.model == desired.name and each.action_server_image)
    return next((each.action_server_image for each in earlier), None)


def _leaves_rejected(tag: ModelTag, tagged: ModelReference, model: str) -> bool:
    """Return whether the tag goes back from a model that was rejected to one that it had before."""
    is_rejected = (tagged.name, tagged.hash) in {(each.name, each.hash) for each in tag.status.rejected or ()}
    return is_rejected and model in {name for name, _ in good_models(tag.status)}


def waits(tag: ModelTag) -> bool:
    """Return whether the model in the spec of the ModelTag has not been let through, as far as its status says."""
    desired, candidate = tag.status.desired_model, tag.status.candidate_model
    if tag.spec.model is None:
        return False
    return candidate is not None if desired is None else desired.name != tag.spec.model


def with_image(spec: EnvironmentSpec, image: str | None) -> EnvironmentSpec:
    """Return the merged spec with this image for its action server, if there is an image and an action server."""
    if spec.action_server is None or image is None:
        return spec
    return spec.model_copy(update={"action_server": spec.action_server.model_copy(update={"image": image})})


def has_action_server(environment: DeploymentEnvironment, server: ModelServer) -> bool:
    """Return whether the merged spec asks for an action server: each layer replaces what the next one says."""
    for spec, _ in layers(environment, server):
        if spec.action_server is not None or spec.action_endpoint is not None:
            return spec.action_server is not None
    return False


def following_action_servers(
    tag: ModelTag, server: ModelServer, followers: Iterable[DeploymentEnvironment]
) -> tuple[FollowingActionServer, ...]:
    """Return the action servers that have to run the ModelTag's image before the tag moves.

    Those of environments that are suspended or being deleted change no more, so nobody waits for them.
    """
    return tuple(
        _following(environment)
        for environment in followers
        if environment.metadata.namespace == tag.metadata.namespace
        and environment.metadata.deletion_timestamp is None
        and not environment.spec.suspend
        and environment.spec.external is None
        and has_action_server(environment, server)
    )


def not_ready(tag: ModelTag, model: str, servers: Iterable[FollowingActionServer]) -> Problem | None:
    """Return why the tag may not move to the model yet: an action server that does not run the image named with it.

    None where it may move: all run that image and are available, or the tag was on this model already and was moved by
    somebody else, or goes back to it from a model that was rejected, or the ModelTag names no image.
    """
    image, tagged = tag.action_server_image, tag.status.tagged_model
    was_there = tagged is not None and (tagged.name == model or _leaves_rejected(tag, tagged, model))
    late = next((each for each in servers if each.image != image or each.available != "True"), None)
    if image is None or was_there or late is None:
        return None
    return Problem(
        Reason.ACTION_SERVER_NOT_READY,
        f"tag {tag.tag} moves to model {model} once the action server of environment {late.environment} is "
        f"available with image {image}: {late.message}",
        stalled=False,
    )


def _following(environment: DeploymentEnvironment) -> FollowingActionServer:
    status = environment.status
    conditions = {entry.type: entry for entry in status.conditions or ()}
    image = status.action_server.image if status.action_server is not None else None
    available, ready = (conditions.get(each) for each in (ConditionType.ACTION_SERVER_AVAILABLE, ConditionType.READY))
    # An action server that is well with another image waits for what keeps the environment from being changed.
    telling = next((each for each in (available, ready) if each is not None and each.status != "True"), None)
    return FollowingActionServer(
        environment.metadata.key,
        image,
        available.status if available is not None else "Unknown",
        telling.message if telling is not None else f"it still runs {image or 'none'}",
    )
