"""Whether the user may promote to an environment, checked beforehand and worded as in admission."""

from __future__ import annotations

from dataclasses import dataclass

from rasa_environments.api.model_tag import ModelTag
from rasa_environments.cluster.client import Client
from rasa_environments.cluster.resources import (
    DEPLOYMENT_ENVIRONMENTS,
    MODEL_TAGS,
    SELF_SUBJECT_ACCESS_REVIEWS,
    SELF_SUBJECT_REVIEWS,
    Resource,
)

PROTECTED = frozenset({"production", "worker"})
"""Environments that need `promote` on their own name, regardless of case, as in the policies in manifests/promotion."""
CUSTOM = "custom"
"""The subresource that stands for all other environments: RBAC cannot express `all but these`."""


@dataclass(frozen=True)
class Right:
    """A verb on an object, or on its subresource."""

    verb: str
    resource: Resource
    namespace: str
    name: str = ""
    """Empty for `create`, for which the API server ignores names."""
    subresource: str = ""

    def __str__(self) -> str:
        which = f"{self.resource.plural}.{self.resource.group}" + (f' "{self.name}"' if self.name else "")
        return f'the verb "{self.verb}" on {which} in namespace "{self.namespace}"'


@dataclass(frozen=True)
class Permission:
    """Whether the user may promote, and why."""

    user: str
    allowed: bool
    reason: str
    """For a refusal, the missing right; else the API server's reason, which may be empty."""


def rights_to_promote(tag: str, namespace: str) -> tuple[Right, ...]:
    """Return the rights one of which is needed to move a tag of a ModelServer in the namespace, the narrowest first."""
    by_name = Right("promote", DEPLOYMENT_ENVIRONMENTS, namespace, tag)
    if tag.lower() in PROTECTED:
        return (by_name,)
    return by_name, Right("promote", DEPLOYMENT_ENVIRONMENTS, namespace, tag, CUSTOM)


def right_to_write(tag: ModelTag | None, namespace: str) -> Right:
    """Return the right to change the ModelTag, or to create one in the namespace."""
    if tag is None:
        return Right("create", MODEL_TAGS, namespace)
    return Right("patch", MODEL_TAGS, tag.metadata.namespace, tag.metadata.name)


async def permission(client: Client, tag: str, *alternatives: tuple[Right, ...]) -> Permission:
    """Return whether the user has a right from each of the alternatives, as a promotion of this tag requires."""
    user = await user_name(client)
    granted = ""
    for rights in alternatives:
        reasons = [reason for right in rights if (reason := await grant(client, right)) is not None]
        if not reasons:
            return Permission(user, False, f'user "{user}" may not promote to "{tag}": needs {rights[0]}')
        granted = granted or reasons[0]
    return Permission(user, True, granted)


async def user_name(client: Client) -> str:
    """Return the user's name according to the API server (authentication.k8s.io, SelfSubjectReview)."""
    name: str = (await client.review(SELF_SUBJECT_REVIEWS))["userInfo"]["username"]
    return name


async def grant(client: Client, right: Right) -> str | None:
    """Return why the user has the right; None if it is not granted (authorization.k8s.io, SelfSubjectAccessReview)."""
    attributes = {
        "verb": right.verb,
        "group": right.resource.group,
        "resource": right.resource.plural,
        "subresource": right.subresource,
        "name": right.name,
        "namespace": right.namespace,
    }
    status = await client.review(SELF_SUBJECT_ACCESS_REVIEWS, {"resourceAttributes": attributes})
    return str(status.get("reason") or "") if status["allowed"] else None
