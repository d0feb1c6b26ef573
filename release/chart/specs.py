"""The specs of the resources as JSON schema of draft-07, so that Helm rejects typos in them as in any other value.

The API server prunes unknown fields, and Helm 3 only warns about them.
"""

from typing import Annotated, Any

from pydantic import WithJsonSchema

from rasa_environments.api import crd
from release.chart.base import JsonObject

DEFINITIONS = "#/definitions/"
SPEC = "x-spec"
"""Marks the place of a definition, which pydantic does not know."""
EnvironmentSpec = Annotated[JsonObject, WithJsonSchema({SPEC: "DeploymentEnvironment"})]
EnvironmentDefaults = Annotated[JsonObject, WithJsonSchema({SPEC: "Defaults"})]
ModelServerSpec = Annotated[JsonObject, WithJsonSchema({SPEC: "ModelServer"})]
ModelServerPart = Annotated[JsonObject, WithJsonSchema({SPEC: "ModelServerPart"})]
ModelTagSpec = Annotated[JsonObject, WithJsonSchema({SPEC: "ModelTag"})]

LEFT_OUT = ("description", "default", "format")
"""Keys of a spec's schema that do not affect validation."""


def definitions() -> dict[str, JsonObject]:
    """Return the schemas that the types above refer to."""
    specs = {resource.kind: closed(crd.schema(resource)["properties"]["spec"]) for resource in crd.RESOURCES}
    server = specs["ModelServer"]["properties"]
    defaults, server["defaults"] = server["defaults"], {"$ref": f"{DEFINITIONS}Defaults"}
    part = {key: value for key, value in specs["ModelServer"].items() if key != "required"}
    return {**specs, "Defaults": defaults, "ModelServerPart": part}


def closed(schema: JsonObject) -> JsonObject:
    """Return the structural schema of Kubernetes as one of draft-07 that allows no unknown fields."""
    found: JsonObject = {
        key: _closed(value) for key, value in schema.items() if not key.startswith("x-") and key not in LEFT_OUT
    }
    if "properties" in schema:
        found["properties"] = {name: closed(field) for name, field in schema["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            found.setdefault("additionalProperties", False)
    if schema.get("x-kubernetes-int-or-string"):
        found["type"] = ["integer", "string"]
        found.pop("anyOf", None)
    return found


def _closed(value: Any) -> Any:
    if isinstance(value, dict):
        return closed(value)
    return [_closed(item) for item in value] if isinstance(value, list) else value
