"""Manifests as users write them."""

from __future__ import annotations

from typing import Any

from rasa_environments.api.base import API_VERSION, JsonObject

RASA_VERSION = "3.6.21"
CREDENTIALS = "model-server-credentials"


def environment(name: str = "production", *, annotations: dict[str, str] | None = None, **spec: Any) -> JsonObject:
    """Return the shortest possible environment, with additional fields in its spec."""
    return {
        "apiVersion": API_VERSION,
        "kind": "DeploymentEnvironment",
        "metadata": {"name": name, **({"annotations": annotations} if annotations else {})},
        "spec": {"rasa": {"version": RASA_VERSION}, **spec},
    }


def model_server(url: str, name: str = "default", **spec: Any) -> JsonObject:
    """A ModelServer with credentials that may pull and tag."""
    return {
        "apiVersion": API_VERSION,
        "kind": "ModelServer",
        "metadata": {"name": name},
        "spec": {"url": url, "credentialsSecretRef": {"name": CREDENTIALS}, **spec},
    }


def model_tag(name: str = "production", **spec: Any) -> JsonObject:
    """A ModelTag."""
    return {"apiVersion": API_VERSION, "kind": "ModelTag", "metadata": {"name": name}, "spec": spec}


def secret(name: str, **values: str) -> JsonObject:
    """A Secret; `_` in a key stands for `-`."""
    data = {key.replace("_", "-"): value for key, value in values.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}


def config_map(name: str, **data: str) -> JsonObject:
    """A ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def secret_value(name: str, key: str) -> JsonObject:
    """Return a reference to a value in a Secret."""
    return {"secretKeyRef": {"name": name, "key": key}}
