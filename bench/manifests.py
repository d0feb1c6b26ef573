"""What the contenders are given to do."""

from typing import Any

from rasa_environments.api.base import API_VERSION

RASA_VERSION = "3.6.21"
CREDENTIALS = "model-server-credentials"


def environment(name: str) -> dict[str, Any]:
    """Return the shortest environment there is."""
    spec = {"rasa": {"version": RASA_VERSION}}
    return {"apiVersion": API_VERSION, "kind": "DeploymentEnvironment", "metadata": {"name": name}, "spec": spec}


def environments(count: int, first: int = 1) -> list[dict[str, Any]]:
    """So many environments, numbered in their names."""
    return [environment(environment_name(number)) for number in range(first, first + count)]


def environment_name(number: int) -> str:
    """Return the name of an environment, which is also its tag."""
    return f"environment-{number:04}"


def model_server(url: str) -> dict[str, Any]:
    """Return the ModelServer `default`."""
    spec = {"url": url, "credentialsSecretRef": {"name": CREDENTIALS}}
    return {"apiVersion": API_VERSION, "kind": "ModelServer", "metadata": {"name": "default"}, "spec": spec}


def model_tag(name: str, model: str) -> dict[str, Any]:
    """Return a ModelTag."""
    return {"apiVersion": API_VERSION, "kind": "ModelTag", "metadata": {"name": name}, "spec": {"model": model}}


def credentials(token: str, api_token: str) -> dict[str, Any]:
    """Return the Secret that the ModelServer names."""
    data = {"token": token, "apiToken": api_token}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": CREDENTIALS}, "stringData": data}
