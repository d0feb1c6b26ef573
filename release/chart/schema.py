"""values.schema.json, generated from the models of the values: draft-07, which all versions of Helm support."""

import json
from typing import Any

from release.chart.base import JsonObject
from release.chart.specs import DEFINITIONS, SPEC, definitions
from release.chart.values import ChartValues

LEFT_OUT = ("title", "default", "$defs")
"""Keys of pydantic's schema that are dropped: a default in a schema does nothing, and values.yaml has the real ones."""


def schema() -> str:
    """Return the schema.

    Only the specs of resources are references; all the rest is inlined, so that Helm's messages name it.
    """
    whole = ChartValues.model_json_schema(by_alias=True)
    document = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        **_plain(whole, whole.get("$defs", {})),
        "definitions": definitions(),
    }
    return json.dumps(document, indent=2) + "\n"


def one_line(said: str) -> str:
    """Return the text on one line."""
    return " ".join(said.split())


def _plain(node: JsonObject, models: JsonObject) -> JsonObject:
    """Return a schema with inlined models, and null as one of its types instead of an alternative."""
    if SPEC in node:
        return {"$ref": DEFINITIONS + node[SPEC]}
    if "$ref" in node:
        model = models[node["$ref"].rpartition("/")[2]]
        return _plain({**model, "description": node.get("description", model.get("description", ""))}, models)
    if {"type": "null"} in node.get("anyOf", ()):
        return _plain(_nullable(node), models)
    return {key: _value(key, value, models) for key, value in node.items() if key not in LEFT_OUT}


def _nullable(node: JsonObject) -> JsonObject:
    """Return a schema that allows null as a schema with one more type."""
    (other,) = (option for option in node["anyOf"] if option != {"type": "null"})
    types = other["type"] if isinstance(other["type"], list) else [other["type"]]
    merged = {**other, **{key: value for key, value in node.items() if key != "anyOf"}, "type": [*types, "null"]}
    return {**merged, "enum": [*merged["enum"], None]} if "enum" in merged else merged


def _value(key: str, value: Any, models: JsonObject) -> Any:
    """Return the value of a key of a schema."""
    if key == "properties":
        return {name: _plain(field, models) for name, field in value.items()}
    if key == "description":
        return one_line(value)
    if key == "anyOf":
        return [_plain(option, models) for option in value]
    return _plain(value, models) if isinstance(value, dict) else value
