"""Conversion of a pydantic model to the structural OpenAPI schema that a CustomResourceDefinition requires.

Structural means: no references, one type per value, and no alternatives that only trial reveals
(https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema).
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from typing import Any

from pydantic.alias_generators import to_camel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import DataclassSchema, ModelSchema

from rasa_environments.api.base import ApiModel, JsonObject
from rasa_environments.api.rules import PRESERVE, VALIDATIONS

DROPPED = ("title", "$defs", "propertyNames")
ORDER = ("description", "type", "default", "enum")
_OURS = f"{__package__}."


def structural_schema(model: type[ApiModel]) -> JsonObject:
    """Return the schema of `model`, with references resolved inline."""
    document = model.model_json_schema(by_alias=True, schema_generator=_WithDescriptions)
    return _structural(document, document.get("$defs", {}))


class _WithDescriptions(GenerateJsonSchema):
    """Describes each field by the docstring under it.

    pydantic can do so, too (`use_attribute_docstrings`), but reads the source of all models whenever they are imported,
    which takes every command a tenth of a second.
    """

    def model_schema(self, schema: ModelSchema) -> JsonSchemaValue:
        """Return the schema of a model."""
        return _described(schema["cls"], super().model_schema(schema))

    def dataclass_schema(self, schema: DataclassSchema) -> JsonSchemaValue:
        """Return the schema of a dataclass."""
        return _described(schema["cls"], super().dataclass_schema(schema))


def _described(cls: type, schema: JsonObject) -> JsonObject:
    """Add the docstrings of the fields of a class, and of those that it inherits."""
    aliases = {name: field.alias for name, field in cls.model_fields.items()} if issubclass(cls, ApiModel) else {}
    for base in reversed(cls.__mro__):
        if base.__module__.startswith(_OURS):
            for name, text in _docstrings(base.__module__).get(base.__name__, {}).items():
                field = schema["properties"].get(aliases.get(name) or to_camel(name))
                if field is not None:
                    field["description"] = text
    return schema


@cache
def _docstrings(module: str) -> Mapping[str, Mapping[str, str]]:
    """Return the docstrings of the fields of each class of a module."""
    source = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: dict(_fields(node)) for node in source.body if isinstance(node, ast.ClassDef)}


def _fields(definition: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """Yield name and docstring of each field of a class."""
    for field, below in pairwise(definition.body):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, inspect.cleandoc(text)


def without_defaults(schema: Mapping[str, Any]) -> JsonObject:
    """Return the schema without the defaults of its fields, at any depth."""
    result = {key: value for key, value in schema.items() if key != "default"}
    if "properties" in result:
        result["properties"] = {name: without_defaults(field) for name, field in result["properties"].items()}
    if "items" in result:
        result["items"] = without_defaults(result["items"])
    return result


def _structural(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> JsonObject:
    flat = _without_alternatives(_inlined(schema, definitions), definitions)
    result = {key: value for key, value in flat.items() if key not in DROPPED}
    if "const" in result:
        result["enum"] = [result.pop("const")]
    if result.get("default", ...) is None:
        del result["default"]
    if "properties" in result:
        result["properties"] = {name: _structural(field, definitions) for name, field in result["properties"].items()}
    _bounded(result)
    for key in ("items", "additionalProperties"):
        if isinstance(result.get(key), Mapping):
            result[key] = _structural(result[key], definitions)
    if "description" in result:
        result["description"] = " ".join(result["description"].split())
    first = {key: result[key] for key in ORDER if key in result}
    last = {key: result[key] for key in (VALIDATIONS,) if key in result}
    return {**first, **{key: value for key, value in result.items() if key not in {*first, *last}}, **last}


def _bounded(schema: JsonObject) -> None:
    """Add what the API conventions require of numbers, lists and maps.

    Source: https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md.
    Raises ValueError for a list or map without a size limit.
    """
    if schema.get("type") == "integer":
        schema.setdefault("format", "int32")
    elif schema.get("type") == "array":
        schema.setdefault("x-kubernetes-list-type", "atomic")
        if "maxItems" not in schema and PRESERVE not in schema["items"]:
            raise ValueError(f"a list without maxItems: {schema}")
    elif isinstance(schema.get("additionalProperties"), Mapping) and "maxProperties" not in schema:
        raise ValueError(f"a map without maxProperties: {schema}")


def _inlined(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> JsonObject:
    """Return the definition that `schema` refers to, overridden by the keys of `schema` itself."""
    if "$ref" not in schema:
        return dict(schema)
    definition = definitions[schema["$ref"].removeprefix("#/$defs/")]
    return {**_inlined(definition, definitions), **{key: value for key, value in schema.items() if key != "$ref"}}


def _without_alternatives(schema: JsonObject, definitions: Mapping[str, Any]) -> JsonObject:
    """Return an optional field as the type it has if present.

    Raises ValueError for any other choice between schemas.
    """
    if "anyOf" not in schema:
        return schema
    present = [alternative for alternative in schema["anyOf"] if alternative.get("type") != "null"]
    if len(present) != 1:
        raise ValueError(f"a choice between {len(present)} schemas cannot be structural: {schema}")
    own = {key: value for key, value in schema.items() if key != "anyOf"}
    return {**_inlined(present[0], definitions), **own}
