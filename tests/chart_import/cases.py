"""Values as users write them, and the import's results."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rasa_chart_import.all_sources import SOURCES
from rasa_chart_import.compose.project import Surroundings, resolved
from rasa_chart_import.compose.reading import mergeable
from rasa_chart_import.findings import Finding, path_of
from rasa_chart_import.loading import merged
from rasa_chart_import.rasa_x import resources as rasa_x
from rasa_chart_import.sources import HelmRelease, Imported, Source, SourceName, imported
from rasa_environments.api.base import JsonObject

RASA_X_0_2 = (1, 2, 4)
RASA_X_0_4 = (2, 11, 0)
ENTERPRISE = (4, 5, 8)
RASA_X = rasa_x.SOURCE
SWITCHED = (2, 0, 0)
"""Release since which a Rasa server of the chart runs only where `enabled` is true."""


def from_yaml(text: str, chart: tuple[int, ...] = ENTERPRISE) -> Imported:
    """Return the result for a values file of the release `my` in namespace `bots`, whose Rasa servers run."""
    return from_values(dict(merged([("values.yaml", text)]).values), chart)


def from_values(values: dict[str, Any], chart: tuple[int, ...] | None = ENTERPRISE) -> Imported:
    """Return the result for values of the release `my` in namespace `bots`, whose Rasa servers run."""
    return from_chart(RASA_X, running(values, chart), chart)


def from_chart(source: Source, values: dict[str, Any], chart: tuple[int, ...] | None = None) -> Imported:
    """Return the result for values as they are, of the release `my` in namespace `bots`."""
    return imported(source, values, HelmRelease("my", "bots", chart))


def from_compose(
    *texts: str, environment: Mapping[str, str] | None = None, files: Mapping[str, str] | None = None, options: str = ""
) -> Imported:
    """Return the result for docker-compose files in a directory that has these files beside them.

    `options` are the names that --env-file is given.
    """
    beside = files or {}
    surroundings = Surroundings(
        Path(), environment or {}, list(map(Path, options.split())), lambda file: beside.get(str(file))
    )
    read = [(f"{number}.yml" if number else "docker-compose.yml", text) for number, text in enumerate(texts)]
    values = resolved(merged(read, form=mergeable), surroundings)
    return imported(named(SourceName.COMPOSE), values.values, HelmRelease("my", "bots"), values.notes)


def named(name: SourceName) -> Source:
    """Return a source by its name."""
    return next(source for source in SOURCES if source.name is name)


def running(values: dict[str, Any], chart: tuple[int, ...] | None) -> dict[str, Any]:
    """Return the values with every Rasa server enabled that they do not say otherwise of."""
    rasa = values.get("rasa", {})
    versions = rasa.get("versions", {}) if isinstance(rasa, dict) else None
    if (chart is not None and chart < SWITCHED) or not isinstance(versions, dict):
        return values
    both = {"rasaProduction": {}, **versions}
    enabled = {key: {"enabled": True, **each} if isinstance(each, dict) else each for key, each in both.items()}
    return {**values, "rasa": {**rasa, "versions": enabled}}


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
    made = (each for each in result.resources if each["kind"] == "DeploymentEnvironment")
    return {each["metadata"]["name"]: each["spec"] for each in made}


def finding(result: Imported, path: str) -> Finding:
    """Return the only finding for a value."""
    (found,) = [each for each in result.findings if each.path == path_of(path)]
    return found


def secret_key(name: str, key: str) -> JsonObject:
    """A reference to a key of a Secret."""
    return {"secretKeyRef": {"name": name, "key": key}}
