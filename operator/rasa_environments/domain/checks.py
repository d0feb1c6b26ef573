"""What has to hold before anything is made for an environment: a list of small checks, the first that fails decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from rasa_environments.api.conditions import Reason
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_server import ModelServer, Profile
from rasa_environments.desired.errors import SpecError
from rasa_environments.desired.profiles import require_tag_of_its_name
from rasa_environments.domain.access import unusable
from rasa_environments.domain.conflicts import problem_of
from rasa_environments.domain.facts import Problem
from rasa_environments.domain.lister import Lister, server_of_environment

CHOICE: Final = (Profile.OPEN_SOURCE, Profile.RASA_PRO)
"""Profiles of ModelServers whose environments may choose the other one."""

Check: TypeAlias = Callable[[DeploymentEnvironment, ModelServer, Lister], Problem | None]


def namespace_allowed(environment: DeploymentEnvironment, server: ModelServer, lister: Lister) -> Problem | None:
    """Check that the ModelServer lets the environment's namespace use it."""
    namespace = environment.metadata.namespace
    return unusable(server, namespace, lister.labels_of(namespace))


def not_claimed_by_older(environment: DeploymentEnvironment, _: ModelServer, lister: Lister) -> Problem | None:
    """Check that no older environment has the name, tag, queue, database or host that this one needs for itself."""
    conflict = lister.conflict(environment)
    return None if conflict is None else problem_of(conflict, environment)


def profile_fits_server(environment: DeploymentEnvironment, server: ModelServer, _: Lister) -> Problem | None:
    """Check that an environment chooses its profile only where its ModelServer leaves the choice."""
    chosen, given = environment.spec.profile, Profile(server.spec.profile)
    if chosen is None or given in CHOICE:
        return None
    return Problem(
        Reason.INVALID_SPEC,
        f"spec.profile {chosen} does not go with ModelServer {server.metadata.key}, whose profile {given} decides what "
        f"its environments run: leave spec.profile out, or refer to a ModelServer of the profile {' or '.join(CHOICE)}",
    )


def tag_matches_name(environment: DeploymentEnvironment, server: ModelServer, _: Lister) -> Problem | None:
    """Check that the tag is the environment's name, where the server's profile wants it so."""
    try:
        require_tag_of_its_name(environment, server)
    except SpecError as error:
        return Problem(Reason.INVALID_SPEC, str(error))
    return None


CHECKS: Final[tuple[Check, ...]] = (
    namespace_allowed,
    not_claimed_by_older,
    profile_fits_server,
    tag_matches_name,
)


def usable_server(environment: DeploymentEnvironment, lister: Lister) -> ModelServer | Problem:
    """Return the environment's ModelServer, or why it cannot be used."""
    server = lister.server(server_of_environment(environment))
    if isinstance(server, Problem):
        return server
    problems = (check(environment, server, lister) for check in CHECKS)
    return next((problem for problem in problems if problem is not None), server)
