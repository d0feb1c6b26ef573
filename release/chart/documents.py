"""values.yaml and the README's table, generated from the models of the values."""

import inspect
import json
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from release.chart.schema import one_line
from release.chart.values import ChartValues

HEADER = "# Generated from the models in release/chart by `make generate`: edit those.\n"
PLACEHOLDERS = ("enabled", "global")
"""Keys that only parent charts set: in the schema, but not in values.yaml."""
WIDTH = 118


@dataclass(frozen=True)
class Entry:
    """A key of values.yaml, its path and purpose; for one of our mappings, `entries` are its keys."""

    path: tuple[str, ...]
    description: str
    default: object
    entries: tuple["Entry", ...] = ()


def entries(model: type[BaseModel], defaults: BaseModel, path: tuple[str, ...] = ()) -> Iterator[Entry]:
    """Yield the keys of a model in order, `enabled` first, with the defaults of an instance."""
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
    """Return the description of a field, else of the model that it holds."""
    said = field.description or (inspect.getdoc(model) if model else None)
    if not said:
        raise ValueError(f"a value without a description: {field}")
    return said


def values_yaml() -> str:
    """Return values.yaml, with a comment on each key."""
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


def table() -> str:
    """Return a Markdown table of all keys, their defaults and their meaning."""
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
    """Return README.md: its template with the table of values."""
    return template.read_text(encoding="utf-8").replace("{{ values }}", table().rstrip("\n"))
