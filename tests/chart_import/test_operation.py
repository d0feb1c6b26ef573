"""The operator can create objects from every import, and finds no conflicts between environments."""

from __future__ import annotations

import pytest

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_server import ModelServer
from rasa_environments.desired.merging import merged_spec
from rasa_environments.domain.secret_values import named_values

from .cases import from_values
from .operated import operated
from .samples import SAMPLES, changed

GENERATIONS = {"0.26.0": "1.8.1-full", "0.42.6": "2.8.15-full", "1.0.1": "2.8.15-full"}
"""Version of Rasa X to the tag of a Rasa of its time."""


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
    assert secrets == {ObjectKey("bots", f"my-{name}") for name in ("rasa", "rabbit", "postgresql", "redis")}
