"""The operator can create objects from every import, and finds no conflicts between environments."""

from __future__ import annotations

import pytest
from rasa_chart_import.importing import Imported

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_server import ModelServer
from rasa_environments.desired.context import Context
from rasa_environments.desired.environment import children
from rasa_environments.desired.merging import merged_spec
from rasa_environments.desired.secret_variables import secret_variables
from rasa_environments.domain.lister import Lister
from rasa_environments.domain.secret_values import named_values

from .cases import from_values
from .samples import SAMPLES, changed

GENERATIONS = {"0.26.0": "1.8.1-full", "0.42.6": "2.8.15-full", "1.0.1": "2.8.15-full"}
"""Version of Rasa X to the tag of a Rasa of its time."""
TOKENS = ("RASA_X_TOKEN", "JWT_SECRET")


def operated(result: Imported) -> list[str]:
    """The Deployments that the operator makes. Raises SpecError where it makes none."""
    lister = Lister()
    server = ModelServer.model_validate(result.resources[0])
    lister.servers.put(server)
    environments = [DeploymentEnvironment.model_validate(each) for each in result.resources[1:]]
    for environment in environments:
        lister.environments.put(environment)
    assert [lister.conflict(environment) for environment in environments] == [None] * len(environments)
    deployed = [environment for environment in environments if environment.spec.external is None]
    return [name for environment in deployed for name in _deployments(environment, server)]


def _deployments(environment: DeploymentEnvironment, server: ModelServer) -> list[str]:
    spec = merged_spec(environment, server)
    assert secret_variables(spec)
    names = [*TOKENS, *(variable.name for variable in named_values(environment, server, spec))]
    made = children(Context(environment, server, spec, dict.fromkeys(names, "x"), "salt"))
    return [child["metadata"]["name"] for child in made if child["kind"] == "Deployment"]


@pytest.mark.parametrize("rasa_x", GENERATIONS)
@pytest.mark.parametrize("path", SAMPLES)
def test_the_operator_runs_what_comes_of_each_value(path: str, rasa_x: str) -> None:
    around, value = SAMPLES[path]
    values = changed(around, path.replace("*", "rasaStaging"), value)
    if path != "rasax.tag":
        values = changed(values, "rasax.tag", rasa_x)
    if path not in ("rasa.tag", "rasa.version", "rasa.name"):
        values = changed(values, "rasa.tag", GENERATIONS[rasa_x])

    assert {"production-rasa", "worker-rasa"} <= {*operated(from_values(values))}


def test_the_secrets_that_are_referred_to_are_the_chart_s_or_those_that_are_asked_for() -> None:
    result = from_values({"rasa": {"tag": "2.8.15-full"}})
    server = ModelServer.model_validate(result.resources[0])
    environment = DeploymentEnvironment.model_validate(result.resources[1])

    variables = named_values(environment, server, merged_spec(environment, server))

    secrets = {ObjectKey(each.source.namespace or "", each.source.name) for each in variables}
    assert secrets == {ObjectKey("bots", f"my-{name}") for name in ("rasa", "rabbitmq", "postgresql", "redis")}
