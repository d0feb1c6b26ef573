"""What a command prints on standard output: text for people; JSON, YAML and names for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import Annotated

import typer
import yaml
from rich.console import Console, RenderableType

from rasa_environments.api.base import JsonObject
from rasa_environments.cli.tables import console
from rasa_environments.cli.visible_text import visible
from rasa_environments.cluster.resources import Resource, resource_of


class OutputFormat(StrEnum):
    """The formats of every command."""

    TEXT = "text"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"


class Objects(StrEnum):
    """The formats of objects, which have no text for people but YAML."""

    YAML = "yaml"
    JSON = "json"
    NAME = "name"


Output = Annotated[
    OutputFormat,
    typer.Option("--output", "-o", help="Output format: text for people, the others for programs."),
]


def show(
    output: OutputFormat,
    *,
    text: Callable[[], RenderableType],
    document: Callable[[], object],
    names: Iterable[str],
) -> None:
    """Print one result in the format; only what that format needs is computed.

    `document` returns plain data, with the fields that the reference describes; `names` are one a line.
    """
    match output:
        case OutputFormat.TEXT:
            console().print(text(), crop=False)
        case OutputFormat.JSON:
            sys.stdout.write(json.dumps(document(), indent=2) + "\n")
        case OutputFormat.YAML:
            sys.stdout.write(as_yaml([document()]))
        case OutputFormat.NAME:
            sys.stdout.writelines(f"{name}\n" for name in names)


def show_objects(output: Objects, objects: Sequence[JsonObject]) -> None:
    """Print the objects in the format."""
    if output is Objects.YAML:
        sys.stdout.write(as_yaml(objects, explicit_start=True))
        return
    show(
        OutputFormat(output),
        text=str,
        document=lambda: {"apiVersion": "v1", "kind": "List", "items": objects},
        names=(name_of(resource_of(obj["kind"]), obj["metadata"]["name"]) for obj in objects),
    )


def note_unread(unread: Iterable[str]) -> None:
    """Say on stderr what is not shown, since it could not be read."""
    sys.stderr.writelines(f"note: not shown: {visible(text)}\n" for text in unread)


def show_object(output: OutputFormat, resource: Resource, obj: JsonObject) -> None:
    """Print an object as `kubectl get` does; as text nothing, since messages have said it."""
    if output is not OutputFormat.TEXT:
        named = name_of(resource, obj["metadata"]["name"])
        show(output, text=str, document=lambda: without_managed_fields(obj), names=[named])


def messages(output: OutputFormat) -> Console:
    """Return where to say what is done and what is waited for: standard output, unless programs read that."""
    return console(stderr=output is not OutputFormat.TEXT)


def name_of(resource: Resource, name: str) -> str:
    """Return an object's name as `kubectl get -o name` prints it: `modeltag.rasa-environments.io/production`."""
    group = f".{resource.group}" if resource.group else ""
    return f"{resource.kind.lower()}{group}/{name}"


def without_managed_fields(obj: JsonObject) -> JsonObject:
    """Return the object as kubectl prints it by default."""
    metadata = {name: value for name, value in obj["metadata"].items() if name != "managedFields"}
    return {**obj, "metadata": metadata}


def as_yaml(documents: Iterable[object], *, explicit_start: bool = False) -> str:
    """Return the documents as YAML, in the order of their fields."""
    return yaml.dump_all(documents, Dumper=_Dumper, sort_keys=False, explicit_start=explicit_start, width=120)


class _Dumper(yaml.SafeDumper):
    """Writes multi-line text, such as endpoints.yml, as blocks, and repeated values in full instead of as anchors."""

    def ignore_aliases(self, data: object) -> bool:
        """Return True for every value."""
        del data
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
