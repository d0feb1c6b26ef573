"""kubeconform with the schemas of each Kubernetes release, and of the custom resources; nothing is downloaded."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

import yaml

from rasa_environments.api.base import API_VERSION, JsonObject
from rasa_environments.api.crd import RESOURCES, definition

VERSIONS = ("1.30", "1.31", "1.32", "1.33", "1.34", "1.35", "1.36")
"""The releases that are supported."""
DEFINITIONS = "/api/_definitions.json"
"""Where the schemas of the package kubernetes-validate find their shared definitions."""
PLACE = "{{.NormalizedKubernetesVersion}}/{{.ResourceKind}}{{.KindSuffix}}.json"
"""Where kubeconform looks for the schema of a kind: for example v1.36.0/deployment-apps-v1.json."""


@dataclass(frozen=True)
class Verdict:
    """The errors of each object, and how many objects were checked or skipped."""

    problems: list[str] = field(default_factory=list)
    valid: int = 0
    skipped: int = 0


def released_schema(version: str, api_version: str, kind: str) -> JsonObject | None:
    """Return the schema of a kind in a release with everything it refers to; None if the release lacks the kind."""
    package = distribution("kubernetes-validate")
    folder = Path(str(package.locate_file(f"kubernetes_validate/kubernetes-json-schema/v{version}.0-local-strict")))
    file = folder / schema_name(api_version, kind)
    if not file.exists():
        return None
    schema = json.loads(file.read_text())
    definitions = definitions_of(folder)
    wanted, referred = list(references_of(schema)), dict[str, object]()
    while wanted:
        name = wanted.pop()
        if name not in referred:
            referred[name] = definitions[name]
            wanted += references_of(definitions[name])
    own = {key: value for key, value in schema.items() if key != "$id"}
    complete: JsonObject = json.loads(json.dumps({**own, "$defs": referred}).replace(f'"{DEFINITIONS}#', '"#'))
    return complete


@cache
def definitions_of(folder: Path) -> JsonObject:
    """Return the shared definitions for the schemas of a release."""
    definitions: JsonObject = json.loads((folder / "_definitions.json").read_text())["$defs"]
    return definitions


def references_of(schema: object) -> list[str]:
    """The names of the definitions that the schema refers to."""
    return re.findall(rf'"(?:{DEFINITIONS})?#/\$defs/([^"]+)"', json.dumps(schema))


def schema_name(api_version: str, kind: str) -> str:
    """The file with the schema of a kind: for example deployment-apps-v1.json."""
    group, _, version = api_version.rpartition("/")
    return "-".join([kind.lower(), *filter(None, [group.partition(".")[0]]), version]) + ".json"


def custom_schemas() -> dict[str, JsonObject]:
    """Return the JSON schemas of the custom resources, by file name."""
    schemas = dict[str, JsonObject]()
    for resource in RESOURCES:
        schema = closed(definition(resource)["spec"]["versions"][0]["schema"]["openAPIV3Schema"])
        schema["properties"]["metadata"] = {"type": "object"}
        schemas[schema_name(API_VERSION, resource.kind)] = schema
    return schemas


def closed(schema: JsonObject) -> JsonObject:
    """Return the structural schema as JSON schema: unknown properties are errors unless the CRD preserves them."""
    result = dict(schema)
    if schema.get("x-kubernetes-int-or-string"):
        result["type"] = ["integer", "string"]
    if "properties" in schema:
        result["properties"] = {name: closed(value) for name, value in schema["properties"].items()}
        result["additionalProperties"] = bool(schema.get("x-kubernetes-preserve-unknown-fields"))
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            result[key] = closed(schema[key])
    return result


@dataclass(frozen=True)
class Kubeconform:
    """The program with the schemas of all releases."""

    program: Path
    schemas: Path

    def judge(self, version: str, objects: Iterable[Mapping[str, object]], skip: tuple[str, ...] = ()) -> Verdict:
        """Validate the objects for a release; `skip` are kinds without a schema here."""
        objects = list(objects)
        self._write_schemas(version, {(str(obj["apiVersion"]), str(obj["kind"])) for obj in objects})
        release = ["-strict", "-kubernetes-version", f"{version}.0", "-schema-location", f"{self.schemas}/{PLACE}"]
        ran = subprocess.run(
            [self.program, *release, "-skip", ",".join(skip), "-output", "json", "-summary"],
            input=yaml.dump_all(objects, Dumper=yaml.CSafeDumper),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert ran.stdout, ran.stderr
        answer = json.loads(ran.stdout)
        problems = [f"{found['kind']} {found['name']}: {found['msg']}" for found in answer.get("resources") or ()]
        return Verdict(problems, answer["summary"]["valid"], answer["summary"]["skipped"])

    def _write_schemas(self, version: str, kinds: set[tuple[str, str]]) -> None:
        """Write the schemas of the release's kinds, and of the custom resources, to kubeconform's folder."""
        folder = self.schemas / f"v{version}.0"
        folder.mkdir(parents=True, exist_ok=True)
        own = custom_schemas()
        for api_version, kind in kinds:
            name = schema_name(api_version, kind)
            schema = own.get(name) or released_schema(version, api_version, kind)
            if schema is not None and not (folder / name).exists():
                (folder / name).write_text(json.dumps(schema))
