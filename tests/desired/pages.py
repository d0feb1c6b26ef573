"""What the lines of a vendor's page mean, and what an environment's children contain."""

from __future__ import annotations

import re
import shlex
from typing import Any

import yaml

from rasa_environments.api.base import JsonObject
from tests.desired.contexts import children_by_kind, context

JWT = {"JWT_SECRET": "value of jwtSecret"}
"""The operator's value if no JWT secret is given."""


def variables(fragment: str) -> dict[str, str]:
    """Return the variables that a compose fragment sets, by name, as written; the last of a name counts."""
    lines = re.findall(r"^ +([A-Z][A-Z_]+): (.+)$", fragment, re.MULTILINE)
    return {name: str(yaml.safe_load(value)) for name, value in lines}


def default_of(value: str) -> str | None:
    """Return the value that compose uses if the variable in it is not set; None: the page leaves it to the user."""
    variable = re.fullmatch(r"\$\{\w+(?::-(?P<default>[^}]*))?\}", value)
    return variable["default"] if variable else value


def arguments(command: str) -> list[str]:
    """Return the words of a command line, with Kubernetes' `$(VAR)` in place of compose's `${VAR}`."""
    return [re.sub(r"\$\{(\w+)\}", r"$(\1)", word) for word in shlex.split(command)]


def experimental(profile: str, version: str, **more: Any) -> dict[str, JsonObject]:
    """Return the children of the page's environment `experimental`, whose spec sets nothing but its version.

    `more` is as in contexts.context; `spec` and `server` are merged over the page's own settings.
    """
    spec = {"rasa": {"version": version}, "environment": "experimental", **more.pop("spec", {})}
    server = {"profile": profile, "url": "http://rasa-x:5002", **more.pop("server", {})}
    values = {**JWT, **more.pop("secret_values", {})}
    name = more.pop("name", "rasa-experimental")
    return children_by_kind(context(spec, name=name, server=server, secret_values=values, **more))


def container(children: dict[str, JsonObject]) -> JsonObject:
    """The container of the Rasa server."""
    found: JsonObject = children["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    return found


def plain_variables(children: dict[str, JsonObject]) -> dict[str, str]:
    """Return the variables of the container whose values are in the pod template."""
    return {entry["name"]: entry["value"] for entry in container(children)["env"] if "value" in entry}


def secret_variables(children: dict[str, JsonObject]) -> set[str]:
    """Return the variables of the container whose values are in the environment's own Secret."""
    secret = children["Secret"]
    references = {
        entry["name"]: entry["valueFrom"]["secretKeyRef"]
        for entry in container(children)["env"]
        if "valueFrom" in entry
    }
    return {
        name
        for name, reference in references.items()
        if reference["name"] == secret["metadata"]["name"] and reference["key"] in secret["data"]
    }


def files(children: dict[str, JsonObject]) -> dict[str, Any]:
    """endpoints.yml and credentials.yml as Rasa reads them."""
    return {name: yaml.safe_load(text) for name, text in children["ConfigMap"]["data"].items()}


def mounted_files(children: dict[str, JsonObject]) -> dict[str, str]:
    """The files of the ConfigMap by where they are in the container."""
    mounts = container(children)["volumeMounts"]
    return {mount["mountPath"]: mount["subPath"] for mount in mounts if mount["name"] == "config"}
