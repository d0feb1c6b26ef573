"""Objects of the group as the API server gives them."""

from __future__ import annotations

from typing import Any, TypeVar

from rasa_environments.api.base import API_VERSION, JsonObject
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_server import ModelServer
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.rasa.errors import RasaError
from rasa_environments.rasa.peers import Peer

E = TypeVar("E", bound=RasaError)


def body(
    kind: str, name: str, spec: JsonObject, *, namespace: str = "bots", version: int = 1, age: int = 0, uid: str = "uid"
) -> JsonObject:
    """Return an object; a greater age means an older object."""
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": uid,
            "resourceVersion": str(version),
            "creationTimestamp": f"2026-01-{28 - age:02}T00:00:00Z",
        },
        "spec": spec,
    }


def server_body(
    name: str = "default", *, namespace: str = "bots", version: int = 1, uid: str = "uid", **spec: Any
) -> JsonObject:
    """A ModelServer."""
    spec = {"url": "http://rasa-x:5002", **spec}
    return body("ModelServer", name, spec, namespace=namespace, version=version, uid=uid)


def environment_body(
    name: str, *, namespace: str = "bots", version: int = 1, age: int = 0, uid: str = "uid", **spec: Any
) -> JsonObject:
    """A DeploymentEnvironment."""
    return body("DeploymentEnvironment", name, spec, namespace=namespace, version=version, age=age, uid=uid)


def tag_body(
    name: str, *, namespace: str = "bots", version: int = 1, age: int = 0, uid: str = "uid", **spec: Any
) -> JsonObject:
    """A ModelTag."""
    spec = {"model": "model-1", **spec}
    return body("ModelTag", name, spec, namespace=namespace, version=version, age=age, uid=uid)


def server(name: str = "default", *, namespace: str = "bots", **spec: Any) -> ModelServer:
    """A ModelServer as the operator knows it."""
    return ModelServer.model_validate(server_body(name, namespace=namespace, **spec))


def environment(
    name: str, *, namespace: str = "bots", version: int = 1, age: int = 0, uid: str = "uid", **spec: Any
) -> DeploymentEnvironment:
    """A DeploymentEnvironment as the operator knows it."""
    return DeploymentEnvironment.model_validate(
        environment_body(name, namespace=namespace, version=version, age=age, uid=uid, **spec)
    )


def tag(name: str, *, namespace: str = "bots", version: int = 1, age: int = 0, **spec: Any) -> ModelTag:
    """A ModelTag as the operator knows it."""
    return ModelTag.model_validate(tag_body(name, namespace=namespace, version=version, age=age, **spec))


def rasa_error(kind: type[E], peer: Peer) -> E:
    """An error of a Rasa server."""
    return kind(peer, "http://rasa:5005", "is odd")


def server_error(kind: type[E], problem: str = "is odd") -> E:
    """An error of the model server."""
    return kind(Peer.MODEL_SERVER, "http://rasa-x:5002", problem)
