"""Creates and removes the candidate of an environment."""

from __future__ import annotations

from rasa_environments.api.base import ModelReference
from rasa_environments.api.conditions import Reason
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.cluster.resources import DEPLOYMENT_ENVIRONMENTS, resource_of
from rasa_environments.desired.candidate import KINDS, candidate_children
from rasa_environments.desired.context import Context, candidate_key
from rasa_environments.desired.errors import SpecError
from rasa_environments.domain.facts import Problem
from rasa_environments.reconcile.children import apply_child
from rasa_environments.reconcile.ports import ChildApplier


async def apply_candidate(applier: ChildApplier, context: Context, model: ModelReference) -> Problem | None:
    """Bring the candidate's children into their desired state; return what is in the way.

    It concerns the ModelTag that waits for the candidate, never the environment. Raises OwnerGoneError.
    """
    try:
        objects = candidate_children(context, model)
    except SpecError as error:
        return Problem(Reason.INVALID_SPEC, str(error), field=error.path)
    owner = context.environment.metadata
    check = applier.owner_check(DEPLOYMENT_ENVIRONMENTS, owner.key, owner.uid)
    for child in objects:
        problem = await apply_child(applier, child, check)
        if problem is not None:
            return problem
    await _remove(applier, context.environment, {child["kind"] for child in objects})
    return None


async def remove_candidate(applier: ChildApplier, environment: DeploymentEnvironment) -> None:
    """Delete the candidate of an environment, if it has one. Raises ApiError."""
    await _remove(applier, environment, set())


async def _remove(applier: ChildApplier, environment: DeploymentEnvironment, wanted: set[str]) -> None:
    key = candidate_key(environment.metadata.key)
    for kind in KINDS:
        if kind not in wanted and applier.live(resource_of(kind), key) is not None:
            await applier.remove(resource_of(kind), key, environment.metadata.uid)
