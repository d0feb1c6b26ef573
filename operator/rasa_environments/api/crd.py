"""The CustomResourceDefinitions, and `python -m rasa_environments.api.crd`, which writes them to crds/."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from rasa_environments.api.base import GROUP, VERSION, ApiModel, JsonObject
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_server import ModelServer
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.api.schema import structural_schema, without_defaults

HEADER = "# Generated from the models in operator/rasa_environments/api by `make generate`: edit those.\n"
UNOBSERVED = -1
LONGEST_NAME = 253
"""Longest metadata.name of any custom resource; in the schema, it bounds the cost of rules on names."""


@dataclass(frozen=True)
class Column:
    """A column of `kubectl get`; a wide one appears with `-o wide` only."""

    name: str
    path: str
    type: str = "string"
    wide: bool = False

    def entry(self) -> JsonObject:
        """Return the column as an entry of `additionalPrinterColumns`."""
        return {"name": self.name, "type": self.type, "jsonPath": self.path, **({"priority": 1} if self.wide else {})}


def condition(type_: str, field: str = "status") -> str:
    """Return the JSON path of a field of the condition of that type."""
    return f'.status.conditions[?(@.type=="{type_}")].{field}'


READY = Column("Ready", condition("Ready"))
REASON = Column("Reason", condition("Ready", "reason"))
MESSAGE = Column("Message", condition("Ready", "message"), wide=True)
AGE = Column("Age", ".metadata.creationTimestamp", "date")


@dataclass(frozen=True)
class Resource:
    """A kind: its model, its names, and how `kubectl` displays and selects it."""

    model: type[ApiModel]
    plural: str
    short_name: str
    columns: tuple[Column, ...]
    selectable: tuple[str, ...] = ()
    scale: bool = False

    @property
    def kind(self) -> str:
        """The kind, for example ModelTag."""
        return self.model.__name__

    @property
    def file_name(self) -> str:
        """The file in crds/ that holds its definition."""
        return f"{self.plural}.yaml"


RESOURCES = (
    Resource(
        ModelServer,
        "modelservers",
        "mserver",
        (
            READY,
            REASON,
            Column("Version", ".status.version"),
            Column("Environments", ".status.environmentCount", "integer"),
            AGE,
            Column("URL", ".spec.url", wide=True),
            Column("Tags", ".status.tagCount", "integer", wide=True),
            Column("Writable", condition("Writable"), wide=True),
            Column("Registered", condition("Registered"), wide=True),
            MESSAGE,
        ),
    ),
    Resource(
        DeploymentEnvironment,
        "deploymentenvironments",
        "denv",
        (
            READY,
            REASON,
            Column("Tag", ".status.tag"),
            Column("Desired", ".status.desiredModel.name"),
            Column("Served", ".status.servedModels[0].name"),
            Column("Serving", ".status.servingReplicas", "integer"),
            Column("Persisted", condition("ConversationsPersisted")),
            AGE,
            Column("URL", ".status.url", wide=True),
            Column("Registered", condition("Registered"), wide=True),
            MESSAGE,
        ),
        selectable=(".status.tag",),
        scale=True,
    ),
    Resource(
        ModelTag,
        "modeltags",
        "mtag",
        (
            READY,
            REASON,
            Column("Tag", ".status.tag"),
            Column("Model", ".status.taggedModel.name"),
            Column("Tagged", condition("Tagged")),
            Column("Served", condition("Served")),
            AGE,
            Column("Previous", ".status.previousModel.name", wide=True),
            Column("Promoted-By", ".status.history[0].promotedBy", wide=True),
            MESSAGE,
        ),
        selectable=(".status.taggedModel.name",),
    ),
)


def definition(resource: Resource) -> JsonObject:
    """Return the CustomResourceDefinition of a kind."""
    scale = {
        "specReplicasPath": ".spec.replicas",
        "statusReplicasPath": ".status.replicas",
        "labelSelectorPath": ".status.selector",
    }
    version: JsonObject = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "additionalPrinterColumns": [column.entry() for column in resource.columns],
        "subresources": {"status": {}, **({"scale": scale} if resource.scale else {})},
        **({"selectableFields": [{"jsonPath": path} for path in resource.selectable]} if resource.selectable else {}),
        "schema": {"openAPIV3Schema": schema(resource)},
    }
    names = {
        "kind": resource.kind,
        "listKind": f"{resource.kind}List",
        "plural": resource.plural,
        "singular": resource.kind.lower(),
        "shortNames": [resource.short_name],
        "categories": ["rasa"],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{resource.plural}.{GROUP}"},
        "spec": {"group": GROUP, "scope": "Namespaced", "names": names, "versions": [version]},
    }


def schema(resource: Resource) -> JsonObject:
    """Return the OpenAPI schema of a kind.

    A status has no defaults, since the operator writes all of it, except for the first observedGeneration: tools that
    compare generations (kstatus) must not take an object as current before the operator has read it. For metadata, the
    API server lets a CRD restrict the name only, and allows no description.
    """
    result = structural_schema(resource.model)
    fields = result["properties"]
    envelope = {
        "apiVersion": {"description": f"Group and version of the resource: {GROUP}/{VERSION}.", "type": "string"},
        "kind": {"description": f"Kind of the resource: {resource.kind}.", "type": "string"},
        "metadata": {"type": "object", "properties": {"name": {"type": "string", "maxLength": LONGEST_NAME}}},
    }
    status = {**without_defaults(fields["status"]), "default": {"observedGeneration": UNOBSERVED}}
    result["properties"] = {**envelope, "spec": fields["spec"], "status": status}
    result["required"] = ["spec"]
    return result


class _Dumper(yaml.SafeDumper):
    """Writes repeated values in full instead of as anchors, and indents lists as `kubectl` does."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)


def text(resource: Resource) -> str:
    """Return the definition as a YAML document; equal models give equal text."""
    return HEADER + yaml.dump(definition(resource), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def files() -> Mapping[str, str]:
    """Return name and text of every file in crds/."""
    return {resource.file_name: text(resource) for resource in RESOURCES}


def differences(directory: Path) -> list[str]:
    """Return the differences between `directory` and the models, each as `name: problem`."""
    wanted = files()
    found = {path.name: path.read_text(encoding="utf-8") for path in sorted(directory.glob("*.yaml"))}
    missing = [f"{name}: is missing" for name in wanted if name not in found]
    differing = [f"{name}: differs from the models" for name in wanted if name in found and found[name] != wanted[name]]
    foreign = [f"{name}: belongs to no kind" for name in found if name not in wanted]
    return missing + differing + foreign


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the definitions, or compare them with --check; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m rasa_environments.api.crd", description=__doc__)
    parser.add_argument("--directory", type=Path, default=Path("crds"), help="where the files are (default: crds)")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where a file differs")
    options = parser.parse_args(arguments)
    directory: Path = options.directory
    if options.check:
        problems = differences(directory)
        for problem in problems:
            sys.stderr.write(f"{directory}/{problem}; run `make generate` and commit the result\n")
        return 1 if problems else 0
    directory.mkdir(parents=True, exist_ok=True)
    for path in directory.glob("*.yaml"):
        path.unlink()
    for name, content in files().items():
        (directory / name).write_text(content, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
