"""What the operator makes of an import, without a cluster."""

from __future__ import annotations

from rasa_chart_import.sources import Imported
from rasa_environments.api.base import JsonObject
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_server import ModelServer
from rasa_environments.desired.context import Context
from rasa_environments.desired.environment import children
from rasa_environments.desired.merging import merged_spec
from rasa_environments.domain.lister import Lister
from rasa_environments.domain.secret_values import named_values

TOKENS = ("RASA_X_TOKEN", "JWT_SECRET")


def operated(result: Imported) -> dict[str, JsonObject]:
    """Return the Deployments that the operator makes, by name. Raises SpecError where it makes none."""
    lister = Lister()
    server = ModelServer.model_validate(result.resources[0])
    lister.servers.put(server)
    environments = [DeploymentEnvironment.model_validate(each) for each in result.resources[1:]]
    for environment in environments:
        lister.environments.put(environment)
    assert [lister.conflict(environment) for environment in environments] == [None] * len(environments)
    deployed = [environment for environment in environments if environment.spec.external is None]
    return {made["metadata"]["name"]: made for each in deployed for made in _deployments(each, server)}


def _deployments(environment: DeploymentEnvironment, server: ModelServer) -> list[JsonObject]:
    spec = merged_spec(environment, server)
    names = [*TOKENS, *(variable.name for variable in named_values(environment, server, spec))]
    made = children(Context(environment, server, spec, dict.fromkeys(names, "x"), "salt"))
    return [child for child in made if child["kind"] == "Deployment"]


def pod_of(deployment: JsonObject) -> JsonObject:
    """Return the pod template of a Deployment."""
    template: JsonObject = deployment["spec"]["template"]
    return template
