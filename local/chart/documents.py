"""values.yaml, values.schema.json and the README's table, made from the values' models."""

import inspect
import json
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from local.chart.base import JsonObject
from local.chart.values import ChartValues

HEADER = "# Generated from the models in local/chart by `make generate`: edit those.\n"
PLACEHOLDERS = ("enabled", "global")
"""Keys that only charts above this one set: in the schema, and not in values.yaml."""
WIDTH = 118


@dataclass(frozen=True)
class Entry:
    """A key of values.yaml, where it is, and what it is for; of a mapping of ours, `entries` are its keys."""

    path: tuple[str, ...]
    description: str
    default: object
    entries: tuple["Entry", ...] = ()


def entries(model: type[BaseModel], defaults: BaseModel, path: tuple[str, ...] = ()) -> Iterator[Entry]:
    """The keys of a model in their order, `enabled` first, with the defaults of an instance of it."""
    for name, field in sorted(model.model_fields.items(), key=lambda item: item[0] != "enabled"):
        key = field.alias or name
        if not path and key in PLACEHOLDERS:
            continue
        default = getattr(defaults, name)
        here = (*path, key)
        if isinstance(default, BaseModel):
            inner = tuple(entries(type(default), default, here))
            yield Entry(here, one_line(description(field, type(default))), None, inner)
        else:
            yield Entry(here, one_line(description(field)), default)


def description(field: FieldInfo, model: type[BaseModel] | None = None) -> str:
    """What is said of a field, else of the model that it holds."""
    said = field.description or (inspect.getdoc(model) if model else None)
    if not said:
        raise ValueError(f"a value without a description: {field}")
    return said


def one_line(said: str) -> str:
    """The text without its line ends."""
    return " ".join(said.split())


def values_yaml() -> str:
    """values.yaml, with a comment on each key."""
    return HEADER + "".join(_written(entry, "") for entry in entries(ChartValues, ChartValues()))


def _written(entry: Entry, indent: str) -> str:
    comment = textwrap.wrap(entry.description, WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ")
    between = "" if indent else "\n"
    key = entry.path[-1]
    if entry.entries:
        inner = "".join(_written(each, f"{indent}  ") for each in entry.entries)
        return f"{between}{chr(10).join(comment)}\n{indent}{key}:\n{inner}"
    return f"{between}{chr(10).join(comment)}\n{textwrap.indent(_dumped(key, entry.default), indent)}"


def _dumped(key: str, value: object) -> str:
    return yaml.safe_dump({key: value}, sort_keys=False, width=WIDTH)


def schema() -> str:
    """values.schema.json, of draft-07: with no references, so that Helm's messages name the key that is wrong."""
    whole = ChartValues.model_json_schema(by_alias=True)
    inlined = _inlined(whole, whole.get("$defs", {}))
    inlined.pop("$defs", None)
    return json.dumps({"$schema": "http://json-schema.org/draft-07/schema#", **inlined}, indent=2) + "\n"


def _inlined(node: Any, definitions: JsonObject) -> Any:
    """A schema with its definitions in place, and null as one of its types instead of an alternative."""
    if isinstance(node, list):
        return [_inlined(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    reference = node.get("$ref")
    if reference:
        described = {key: value for key, value in node.items() if key in ("description", "default")}
        return _inlined({**definitions[reference.rpartition("/")[2]], **described}, definitions)
    alternatives = node.get("anyOf", [])
    others = [option for option in alternatives if option != {"type": "null"}]
    if len(others) == 1 < len(alternatives):
        merged = {**others[0], **{key: value for key, value in node.items() if key != "anyOf"}}
        if "enum" in merged:
            merged["enum"] = [*merged["enum"], None]
        return _inlined({**merged, "type": [merged["type"], "null"]}, definitions)
    result: JsonObject = {}
    for key, value in node.items():
        if key == "properties":
            result[key] = {name: _inlined(item, definitions) for name, item in value.items()}
        elif key == "description":
            result[key] = one_line(value)
        elif key not in ("title", "default"):
            result[key] = _inlined(value, definitions)
    return result


def table() -> str:
    """A Markdown table of all keys, their defaults, and what they are for."""
    lines = ["| key | default | meaning |", "|---|---|---|"]
    lines += [_row(entry) for entry in _leaves(entries(ChartValues, ChartValues()))]
    return "\n".join(lines) + "\n"


def _leaves(found: Iterator[Entry] | tuple[Entry, ...]) -> Iterator[Entry]:
    for entry in found:
        if entry.entries:
            yield from _leaves(entry.entries)
        else:
            yield entry


def _row(entry: Entry) -> str:
    default = json.dumps(entry.default).replace("|", "\\|")
    meaning = entry.description.replace("|", "\\|")
    return f"| `{'.'.join(entry.path)}` | `{default}` | {meaning} |"


def readme(template: Path) -> str:
    """README.md: its template with the table of values in it."""
    return template.read_text(encoding="utf-8").replace("{{ values }}", table().rstrip("\n"))
