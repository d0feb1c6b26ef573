"""An environment's children brought into line, and what stands in the way."""

from __future__ import annotations

import asyncio
import logging

from rasa_environments.api.base import JsonObject
from rasa_environments.api.conditions import Reason
from rasa_environments.cluster.cache import identity
from rasa_environments.cluster.children import Children, Outcome, was_asked_for
from rasa_environments.cluster.errors import ApiError, BeingDeleted, NameTaken
from rasa_environments.cluster.resources import DEPLOYMENTS, SECRETS, resource_of
from rasa_environments.desired.context import Context
from rasa_environments.desired.deployment import without_drain
from rasa_environments.desired.environment import OPTIONAL_KINDS, children
from rasa_environments.desired.errors import SpecError
from rasa_environments.judge.findings import Problem
from rasa_environments.reconcile.blocked import Blocked
from rasa_environments.reconcile.surroundings import Surroundings

logger = logging.getLogger(__name__)

REFUSALS = frozenset({400, 403, 404, 413, 422})
"""Answers of the API server that the next try would get again: what is asked for has to change, a right or a quota."""
FOUNDATIONS = frozenset({"ServiceAccount", "Secret", "ConfigMap", "Service"})
"""Kinds that the pods need: without them nothing else is written."""


async def settle(surroundings: Surroundings, context: Context, *, new_secret: bool) -> None:
    """Brings the children into line, first what the pods need.

    With `new_secret` the Secret is only created. Raises Blocked at what is in the way, and AlreadyExists where a new
    Secret exists.
    """
    try:
        objects = children(context)
    except SpecError as error:
        raise Blocked(Problem(Reason.INVALID_SPEC, str(error))) from error
    foundations = [child for child in objects if child["kind"] in FOUNDATIONS]
    others = [child for child in objects if child["kind"] not in FOUNDATIONS]
    for group in (foundations, others):
        results = await asyncio.gather(
            *(
                _settle_child(surroundings, child, create_only=new_secret and child["kind"] == SECRETS.kind)
                for child in group
            ),
            return_exceptions=True,
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result
        problem = next((found for found in results if isinstance(found, Problem)), None)
        if problem is not None:
            raise Blocked(problem)
    wanted = {child["kind"] for child in objects}
    uid = context.environment.metadata.uid
    for kind in OPTIONAL_KINDS:
        if kind not in wanted:
            await surroundings.children.remove(resource_of(kind), context.key, uid)


async def _settle_child(surroundings: Surroundings, child: JsonObject, *, create_only: bool) -> Problem | None:
    kind, name = child["kind"], f"{child['metadata']['namespace']}/{child['metadata']['name']}"
    try:
        outcome = await surroundings.children.settle(spared(surroundings.children, child), create_only=create_only)
    except BeingDeleted as error:
        return Problem(Reason.WAITING_FOR_DELETION, str(error), stalled=False)
    except NameTaken as error:
        return Problem(
            Reason.NAME_TAKEN,
            f"{kind} {name} is there already and {described_owner(error.owner)}: "
            "delete or rename it, or name this environment otherwise",
        )
    except ApiError as error:
        if error.status in REFUSALS:
            return Problem(Reason.REFUSED_BY_API_SERVER, f"{kind} {name} is refused: {error.message}")
        raise
    if outcome is not Outcome.UNCHANGED:
        logger.info("%s %s is %s", kind, name, outcome.value)
    return None


def spared(children: Children, child: JsonObject) -> JsonObject:
    """What to ask for, so that a new version of the operator by itself restarts no pod.

    A Deployment that 0.1.0 asked for, where nothing else has changed since, stays as it is; whatever rolls its pods
    brings the rest.
    """
    if child["kind"] != DEPLOYMENTS.kind:
        return child
    live = children.observed(DEPLOYMENTS, identity(child)[0])
    before = without_drain(child)
    return before if live is not None and was_asked_for(before, live) else child


def described_owner(owner: str | None) -> str:
    """Whose the object in the way is, in words."""
    return f"belongs to {owner}" if owner else "does not belong to this environment"
