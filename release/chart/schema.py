"""values.schema.json, made from the values' models: draft-07, which all versions of Helm read."""

import json
from typing import Any

from release.chart.base import JsonObject
from release.chart.specs import DEFINITIONS, SPEC, definitions
from release.chart.values import ChartValues

LEFT_OUT = ("title", "default", "$defs")
"""What pydantic says besides: a default in a schema does nothing, and the real ones are in values.yaml."""


def schema() -> str:
    """The schema. It refers to the specs of resources; all the rest stands in its place, as Helm's messages name it."""
    whole = ChartValues.model_json_schema(by_alias=True)
    document = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        **_plain(whole, whole.get("$defs", {})),
        "definitions": definitions(),
    }
    return json.dumps(document, indent=2) + "\n"


def one_line(said: str) -> str:
    """The text without its line ends."""
    return " ".join(said.split())


def _plain(node: JsonObject, models: JsonObject) -> JsonObject:
    """A schema with its models in their place, and null as one of its types instead of an alternative."""
    if SPEC in node:
        return {"$ref": DEFINITIONS + node[SPEC]}
    if "$ref" in node:
        model = models[node["$ref"].rpartition("/")[2]]
        return _plain({**model, "description": node.get("description", model.get("description", ""))}, models)
    if {"type": "null"} in node.get("anyOf", ()):
        return _plain(_nullable(node), models)
    return {key: _value(key, value, models) for key, value in node.items() if key not in LEFT_OUT}


def _nullable(node: JsonObject) -> JsonObject:
    """A schema with one alternative to null, as a schema of two types."""
    (other,) = (option for option in node["anyOf"] if option != {"type": "null"})
    merged = {**other, **{key: value for key, value in node.items() if key != "anyOf"}, "type": [other["type"], "null"]}
    return {**merged, "enum": [*merged["enum"], None]} if "enum" in merged else merged


def _value(key: str, value: Any, models: JsonObject) -> Any:
    """The value of a key of a schema."""
    if key == "properties":
        return {name: _plain(field, models) for name, field in value.items()}
    if key == "description":
        return one_line(value)
    if key == "anyOf":
        return [_plain(option, models) for option in value]
    return _plain(value, models) if isinstance(value, dict) else value
