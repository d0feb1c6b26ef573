"""The shortest objects of each kind, and variants of them."""

from __future__ import annotations

from typing import Any

from rasa_environments.api.base import API_VERSION, ApiModel, JsonObject
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_server import ModelServer
from rasa_environments.api.model_tag import ModelTag

MODELS: dict[str, type[ApiModel]] = {
    "ModelServer": ModelServer,
    "DeploymentEnvironment": DeploymentEnvironment,
    "ModelTag": ModelTag,
}


def an_object(kind: str, spec: JsonObject, name: str = "production") -> JsonObject:
    """An object of that kind."""
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name, "namespace": "api-tests"}, "spec": spec}


def environment(name: str = "production", **spec: Any) -> JsonObject:
    """An environment of Rasa 3.6.21."""
    return an_object("DeploymentEnvironment", {"rasa": {"version": "3.6.21"}, **spec}, name)


def model_server(name: str = "default", **spec: Any) -> JsonObject:
    """A model server."""
    return an_object("ModelServer", {"url": "http://model-server:5002", **spec}, name)


def model_tag(name: str = "production", **spec: Any) -> JsonObject:
    """A tag."""
    return an_object("ModelTag", {"model": "20260101-120000", **spec}, name)


SECRET = {"secretKeyRef": {"name": "passwords", "key": "rabbitmq"}}
