"""What keeps an environment from being looked after at all."""

from __future__ import annotations

from rasa_environments.api.conditions import Reason
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_server import ModelServer
from rasa_environments.desired.errors import SpecError
from rasa_environments.desired.profiles import require_tag_of_its_name
from rasa_environments.domain.access import missing, unusable
from rasa_environments.domain.conflicts import problem_of
from rasa_environments.domain.facts import Problem
from rasa_environments.domain.lister import Lister, server_of_environment


class BlockedError(Exception):
    """The pass cannot go on: the problem says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def usable_server(lister: Lister, environment: DeploymentEnvironment, server: ModelServer | None) -> ModelServer:
    """The server, if it is there, lets the environment's namespace use it, and no older environment is in the way.

    Raises BlockedError otherwise.
    """
    key = server_of_environment(environment)
    namespace = environment.metadata.namespace
    problem = unusable(server, key, namespace, lister.labels_of(namespace))
    if problem is not None or server is None:
        raise BlockedError(problem or missing(key))
    conflict = lister.conflict(environment)
    if conflict is not None:
        raise BlockedError(problem_of(conflict, environment))
    try:
        require_tag_of_its_name(environment, server)
    except SpecError as error:
        raise BlockedError(Problem(Reason.INVALID_SPEC, str(error))) from error
    return server
