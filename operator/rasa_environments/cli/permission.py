"""Whether the user of a command may promote to an environment, asked beforehand and told in the words of admission."""

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
"""Environments that need `promote` by their own name, in whatever case, as the policies in manifests/promotion have
it."""
CUSTOM = "custom"
"""The subresource that stands for all other environments: RBAC cannot say `all but these`."""


@dataclass(frozen=True)
class Right:
    """A verb on an object, or on its subresource."""

    verb: str
    resource: Resource
    namespace: str
    name: str = ""
    """Empty for `create`, where the API server does not look at names."""
    subresource: str = ""

    def __str__(self) -> str:
        which = f"{self.resource.plural}.{self.resource.group}" + (f' "{self.name}"' if self.name else "")
        return f'the verb "{self.verb}" on {which} in namespace "{self.namespace}"'


@dataclass(frozen=True)
class Permission:
    """Whether somebody may promote, and why."""

    user: str
    allowed: bool
    reason: str
    """Of a refusal, what is lacking; else what the API server says, which may be nothing."""


def rights_to_promote(tag: str, namespace: str) -> tuple[Right, ...]:
    """The rights of which one is needed to move a tag of a ModelServer in the namespace, the narrowest first."""
    by_name = Right("promote", DEPLOYMENT_ENVIRONMENTS, namespace, tag)
    if tag.lower() in PROTECTED:
        return (by_name,)
    return by_name, Right("promote", DEPLOYMENT_ENVIRONMENTS, namespace, tag, CUSTOM)


def right_to_write(tag: ModelTag | None, namespace: str) -> Right:
    """The right to change the ModelTag, or to create one in the namespace."""
    if tag is None:
        return Right("create", MODEL_TAGS, namespace)
    return Right("patch", MODEL_TAGS, tag.metadata.namespace, tag.metadata.name)


async def permission(client: Client, tag: str, *alternatives: tuple[Right, ...]) -> Permission:
    """Whether the user holds a right of each of the alternatives, all of which a promotion by this tag needs."""
    user = await user_name(client)
    granted = ""
    for rights in alternatives:
        reasons = [reason for right in rights if (reason := await grant(client, right)) is not None]
        if not reasons:
            return Permission(user, False, f'user "{user}" may not promote to "{tag}": needs {rights[0]}')
        granted = granted or reasons[0]
    return Permission(user, True, granted)


async def user_name(client: Client) -> str:
    """Who the API server takes the user for (authentication.k8s.io, SelfSubjectReview)."""
    name: str = (await client.review(SELF_SUBJECT_REVIEWS))["userInfo"]["username"]
    return name


async def grant(client: Client, right: Right) -> str | None:
    """Why the user has the right; None where it is not given (authorization.k8s.io, SelfSubjectAccessReview)."""
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
