"""Applies an environment's children, and reports what prevents that."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from rasa_environments.api.base import JsonObject, version_of
from rasa_environments.api.conditions import Reason
from rasa_environments.cluster.errors import ApiError, BeingDeletedError, ContendedError, NameConflictError
from rasa_environments.cluster.outcome import Outcome
from rasa_environments.cluster.resources import DEPLOYMENT_ENVIRONMENTS, DEPLOYMENTS, SECRETS, resource_of
from rasa_environments.desired.context import Context
from rasa_environments.desired.environment import children, optional_children
from rasa_environments.desired.errors import SpecError
from rasa_environments.domain.facts import Problem, deployment_facts
from rasa_environments.reconcile.ports import Check, ChildApplier

logger = logging.getLogger(__name__)

Write = Callable[[JsonObject], Awaitable[Outcome]]

REFUSALS = frozenset({400, 403, 404, 413, 422})
"""Statuses of the API server that a retry would get again: the request, a permission or a quota has to change."""
FOUNDATIONS = frozenset({"ServiceAccount", "Secret", "ConfigMap", "Service"})
"""Kinds that the pods need; if one fails, nothing else is written."""


async def apply_children(
    applier: ChildApplier, context: Context, *, secret: JsonObject | None, owner_is_new: bool
) -> Problem | None:
    """Bring the children into their desired state, first what the pods need; return what is in the way.

    `secret` is the Secret that its generated values were decided on, None where there was none. Before a child is
    created its owner is asked for, except where `owner_is_new`: it was just read, and had no children.
    Raises OutdatedError where the Secret is another by now, and OwnerGoneError.
    """
    try:
        objects = children(context)
    except SpecError as error:
        return Problem(Reason.INVALID_SPEC, str(error), field=error.path)
    owner = context.environment.metadata
    check = None if owner_is_new else applier.owner_check(DEPLOYMENT_ENVIRONMENTS, owner.key, owner.uid)
    write: Write = partial(applier.apply, check_owner=check)
    write_secret: Write = partial(
        applier.apply, check_owner=check, create_only=secret is None, version=version_of(secret)
    )
    foundations = [child for child in objects if child["kind"] in FOUNDATIONS]
    others = [child for child in objects if child["kind"] not in FOUNDATIONS]
    for group in (foundations, others):
        results = await asyncio.gather(
            *(_apply_child(child, write_secret if _is_secret(child) else write) for child in group),
            return_exceptions=True,
        )
        _log_writes(group, results)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        problem = next((found for found in results if isinstance(found, Problem)), None)
        if problem is not None:
            return problem
    await _remove_unwanted(applier, context, objects)
    return None


async def _remove_unwanted(applier: ChildApplier, context: Context, objects: Sequence[JsonObject]) -> None:
    """Delete the children that the spec no longer asks for; an action server once no Rasa server is left that calls it.

    Raises ApiError.
    """
    owner, own = context.environment.metadata, context.key
    wanted = {(child["kind"], child["metadata"]["name"]) for child in objects}
    rasa = applier.live(DEPLOYMENTS, own)
    is_rolled_out = rasa is not None and deployment_facts(rasa).settled
    for kind, key in optional_children(owner.key):
        if (kind, key.name) not in wanted and (key == own or is_rolled_out):
            await applier.remove(resource_of(kind), key, owner.uid)


async def apply_child(applier: ChildApplier, child: JsonObject, check: Check) -> Problem | None:
    """Bring one child into its desired state; return what is in the way. `check` is that of its owner."""
    result = await _apply_child(child, partial(applier.apply, check_owner=check))
    _log_writes([child], [result])
    return result if isinstance(result, Problem) else None


def _is_secret(child: JsonObject) -> bool:
    return bool(child["kind"] == SECRETS.kind)


def _log_writes(group: Sequence[JsonObject], results: Sequence[Outcome | Problem | BaseException]) -> None:
    """Log what was written in one line for each name: five for each new environment took 4 % of its CPU."""
    written: dict[tuple[str, str, str], list[str]] = {}
    for child, result in zip(group, results, strict=True):
        if isinstance(result, Outcome) and result is not Outcome.UNCHANGED:
            metadata = child["metadata"]
            written.setdefault((metadata["namespace"], metadata["name"], result.value), []).append(child["kind"])
    for (namespace, name, outcome), kinds in written.items():
        logger.info("%s %s/%s is %s", ", ".join(kinds), namespace, name, outcome)


async def _apply_child(child: JsonObject, write: Write) -> Outcome | Problem:
    kind, name = child["kind"], f"{child['metadata']['namespace']}/{child['metadata']['name']}"
    try:
        return await write(child)
    except ContendedError as error:
        return Problem(
            Reason.CHILD_CONTENDED,
            f"{error}: the operator corrects it with backoff; metadata.managedFields and the audit log say who else "
            "writes it, so stop that, or suspend this environment",
            stalled=False,
        )
    except BeingDeletedError as error:
        return Problem(Reason.WAITING_FOR_DELETION, str(error), stalled=False)
    except NameConflictError as error:
        return Problem(
            Reason.NAME_CONFLICT,
            f"{kind} {name} is there already and {described_owner(error.owner)}: "
            "delete or rename it, or name this environment otherwise",
        )
    except ApiError as error:
        if error.status in REFUSALS:
            return Problem(Reason.REFUSED_BY_API_SERVER, f"{kind} {name} is refused: {error.message}")
        raise


def described_owner(owner: str | None) -> str:
    """Describe the owner of the conflicting object."""
    return f"belongs to {owner}" if owner else "does not belong to this environment"
