"""Which environments have a candidate, and for which model."""

from __future__ import annotations

from rasa_environments.api.base import ModelReference
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_server import ModelServer
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.desired.profiles import rules_of
from rasa_environments.domain.lister import Lister, server_of_environment, server_of_tag
from rasa_environments.domain.verification import verifying_model


def obstacle(environment: DeploymentEnvironment, server: ModelServer) -> str | None:
    """Return why no candidate can run next to an environment; None if one can."""
    if environment.spec.external is not None:
        return "its server runs elsewhere"
    if environment.spec.suspend:
        return "it is suspended"
    if rules_of(server).configured_by_server:
        return f"with the profile {server.spec.profile}, Rasa X decides which model a server pulls"
    return None


def wanted_candidate(environment: DeploymentEnvironment, lister: Lister) -> ModelReference | None:
    """Return the model that the environment's candidate is to serve; None if it is to have no candidate."""
    tag = lister.followed(environment)
    server = lister.servers.get(server_of_environment(environment))
    if tag is None or server is None or tag.spec.verification is None or tag.metadata.deletion_timestamp is not None:
        return None
    if environment.metadata.deletion_timestamp is not None or obstacle(environment, server) is not None:
        return None
    return verifying_model(tag.status)


def hosts(tag: ModelTag, lister: Lister) -> tuple[tuple[DeploymentEnvironment, ...], tuple[str, ...]]:
    """Return the environments that pull the tag and can have a candidate, and why the others cannot."""
    key = server_of_tag(tag)
    server = lister.servers.get(key)
    if server is None:
        return (), ()
    found = [(each, obstacle(each, server)) for each in lister.eligible_followers(key, tag.tag)]
    obstacles = tuple(f"{each.metadata.key}: {why}" for each, why in found if why is not None)
    return tuple(each for each, why in found if why is None), obstacles


def candidates_in_use(lister: Lister) -> int:
    """Return how many candidates all ModelTags together ask for."""
    return sum(len(hosts(tag, lister)[0]) for tag in lister.tags if verifying_model(tag.status) is not None)
