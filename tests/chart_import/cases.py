"""Values as users write them, and the import's results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rasa_chart_import.importing import HelmRelease, Imported, imported

from rasa_chart_import.findings import Finding, path_of
from rasa_chart_import.loading import merged
from rasa_environments.api.base import JsonObject

CHARTS = Path(__file__).parent / "charts"
RASA_X_0_2 = (1, 2, 4)
RASA_X_0_4 = (2, 11, 0)
ENTERPRISE = (4, 5, 8)


def from_yaml(text: str, chart: tuple[int, ...] = ENTERPRISE) -> Imported:
    """Return the result for a values file of the release `my` in namespace `bots`."""
    return from_values(dict(merged([("values.yaml", text)]).values), chart)


def from_values(values: dict[str, Any], chart: tuple[int, ...] | None = ENTERPRISE) -> Imported:
    """Return the result for values of the release `my` in namespace `bots`."""
    return imported(values, HelmRelease("my", "bots", chart))


def server(result: Imported) -> JsonObject:
    """The spec of the ModelServer."""
    spec: JsonObject = result.resources[0]["spec"]
    return spec


def defaults(result: Imported) -> JsonObject:
    """Return the defaults that the ModelServer gives all environments."""
    shared: JsonObject = server(result)["defaults"]
    return shared


def environments(result: Imported) -> dict[str, JsonObject]:
    """The specs of the environments by their names."""
    return {each["metadata"]["name"]: each["spec"] for each in result.resources[1:]}


def finding(result: Imported, path: str) -> Finding:
    """Return the only finding for a value."""
    (found,) = [each for each in result.findings if each.path == path_of(path)]
    return found


def secret_key(name: str, key: str) -> JsonObject:
    """A reference to a key of a Secret."""
    return {"secretKeyRef": {"name": name, "key": key}}
