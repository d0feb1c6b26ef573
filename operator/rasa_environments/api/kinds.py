"""The three kinds, and the parsing of their objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydantic import ValidationError

from rasa_environments.api.base import JsonObject
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.limits import exceeded_limit
from rasa_environments.api.model_server import ModelServer
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.api.problems import problems

AnyResource = ModelServer | DeploymentEnvironment | ModelTag
MODELS: Final[Mapping[str, type[AnyResource]]] = {
    model.__name__: model for model in (ModelServer, DeploymentEnvironment, ModelTag)
}
"""The model of each kind."""


class InvalidObjectError(Exception):
    """An object that does not match its kind or exceeds a limit; `problems` has a line for each violation."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def parse(kind: str, obj: JsonObject) -> AnyResource:
    """Return the object as the model of its `kind`. Raises InvalidObjectError."""
    limit = exceeded_limit(obj.get("spec"))
    if limit is not None:
        raise InvalidObjectError(limit)
    try:
        return MODELS[kind].model_validate(obj)
    except ValidationError as error:
        raise InvalidObjectError(*problems(error)) from None
