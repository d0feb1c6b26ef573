"""Conventions of every schema in crds/."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import yaml

from rasa_environments.api.base import JsonObject
from rasa_environments.api.crd import RESOURCES, Resource, definition, files
from rasa_environments.api.rules import PRESERVE

FREE_FORM = ("podTemplate", "template", "endpoints", "config")


@dataclass(frozen=True)
class Field:
    """A schema and its path."""

    path: tuple[str, ...]
    schema: JsonObject

    def __str__(self) -> str:
        return ".".join(self.path)

    @property
    def free_form(self) -> bool:
        return any(name in FREE_FORM for name in self.path)


def version(resource: Resource) -> JsonObject:
    result: JsonObject = definition(resource)["spec"]["versions"][0]
    return result


def root(resource: Resource) -> JsonObject:
    result: JsonObject = version(resource)["schema"]["openAPIV3Schema"]
    return result


def fields(path: tuple[str, ...], schema: JsonObject) -> Iterator[Field]:
    """Yield the schema and every nested one."""
    yield Field(path, schema)
    for name, field in schema.get("properties", {}).items():
        yield from fields((*path, name), field)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from fields((*path, f"({key})"), schema[key])


ALL = [field for resource in RESOURCES for field in fields((resource.kind,), root(resource))]
NAMED = [field for field in ALL if not field.path[-1].startswith("(") and "metadata" not in field.path]
SPECS = [field for field in ALL if "spec" in field.path]


def those(candidates: list[Field], wrong: Callable[[Field], bool]) -> list[str]:
    """Return the paths of violations, among at least ten candidates: with none, the test would prove nothing."""
    assert len(candidates) > 10
    return [str(field) for field in candidates if wrong(field)]


def test_every_field_is_described() -> None:
    assert those(NAMED, lambda field: not field.schema.get("description", "").endswith(".")) == []


def test_every_value_has_one_type() -> None:
    assert (
        those(ALL, lambda field: ("type" in field.schema) == field.schema.get("x-kubernetes-int-or-string", False))
        == []
    )


def test_no_schema_refers_to_another_or_offers_a_choice() -> None:
    alien = {"$ref", "$defs", "anyOf", "oneOf", "allOf", "not", "title", "const", "nullable"}

    assert those(ALL, lambda field: not alien.isdisjoint(field.schema)) == []


def test_only_what_is_meant_to_be_free_form_keeps_unknown_fields() -> None:
    free = {field.path[-1] for field in ALL if PRESERVE in field.schema}

    assert free - {"models", "containers", "(items)"} == set(FREE_FORM)
    assert all(field.free_form for field in ALL if PRESERVE in field.schema)
    objects = [field for field in ALL if field.schema.get("type") == "object" and not field.free_form]
    assert all({"properties", "additionalProperties"} & field.schema.keys() for field in objects)


def test_whatever_a_person_writes_has_a_limit() -> None:
    limits = {"array": "maxItems", "string": "maxLength"}

    def unlimited(field: Field) -> bool:
        is_map = "additionalProperties" in field.schema
        limit = "maxProperties" if is_map else limits.get(field.schema.get("type", "string"))
        is_map_value = field.path[-1] == "(additionalProperties)"
        return not (limit is None or is_map_value or limit in field.schema or "enum" in field.schema)

    assert those([field for field in SPECS if not field.free_form], unlimited) == []


def test_a_namespace_of_a_secret_cannot_be_written() -> None:
    references = [field for field in SPECS if field.path[-1] == "secretKeyRef"]

    assert references
    assert all(set(field.schema["properties"]) == {"name", "key"} for field in references)


def test_no_field_that_the_model_server_may_give_has_a_default_which_would_hide_that_of_the_server() -> None:
    defaults = [str(field) for field in SPECS if field.path[0] == "DeploymentEnvironment" and "default" in field.schema]
    server_defaults = [str(field) for field in SPECS if "defaults" in field.path and "default" in field.schema]

    assert defaults == ["DeploymentEnvironment.spec.modelServerRef.name", "DeploymentEnvironment.spec.replicas"]
    assert server_defaults == []


def test_a_status_has_no_default_but_the_generation_before_the_first() -> None:
    statuses = [field for field in ALL if len(field.path) > 1 and field.path[1] == "status"]

    found = {str(field): field.schema["default"] for field in statuses if "default" in field.schema}
    assert found == {f"{resource.kind}.status": {"observedGeneration": -1} for resource in RESOURCES}


def test_every_integer_has_a_format() -> None:
    integers = [field for field in ALL if field.schema.get("type") == "integer"]

    generations = {str(field) for field in integers if field.schema["format"] == "int64"}
    assert {path.rpartition(".")[2] for path in generations} == {"observedGeneration"}
    assert those(integers, lambda field: field.schema["format"] not in {"int32", "int64"}) == []


def test_every_list_says_how_it_is_merged_and_how_long_it_may_be() -> None:
    lists = [field for field in ALL if field.schema.get("type") == "array" and not field.free_form]

    assert those(lists, lambda field: not {"x-kubernetes-list-type", "maxItems"} <= field.schema.keys()) == []


def test_references_and_selectors_are_replaced_as_a_whole() -> None:
    whole = [
        field
        for field in ALL
        if field.path[-1].endswith(("KeyRef", "SecretRef", "ServerRef", "podSelector", "namespaceSelector"))
    ]

    assert those(whole, lambda field: field.schema.get("x-kubernetes-map-type") != "atomic") == []


def test_lists_of_conditions_are_maps_by_type() -> None:
    conditions = [field for field in ALL if field.path[-1] == "conditions"]

    assert len(conditions) == len(RESOURCES)
    assert all(field.schema["x-kubernetes-list-map-keys"] == ["type"] for field in conditions)


def test_no_document_has_anchors_and_all_are_written_the_same_twice() -> None:
    once, again = files(), files()

    assert once == again
    tokens = [token for text in once.values() for token in yaml.scan(text)]
    assert not [token for token in tokens if isinstance(token, yaml.AnchorToken | yaml.AliasToken)]
