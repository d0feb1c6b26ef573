"""The OpenAPI document: all of the API, and nothing else. That answers are in it is checked in every other test."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts

from rasa_model_server.application import create_application
from rasa_model_server.settings import Settings
from tests.model_server.conftest import ModelServer

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_every_route_is_in_the_document_and_every_operation_is_routed(
    shared_server: ModelServer, settings: Settings
) -> None:
    routes = iter_route_contexts(create_application(settings).routes)
    routed = {(route.path, method) for route in routes for method in route.methods or set()}

    document = (await shared_server.client.get("/openapi.json")).json()

    described = {(path, method.upper()) for path, item in document["paths"].items() for method in item}
    # The router adds HEAD to each GET.
    assert described <= routed
    assert {(path, method) for path, method in routed - described if method != "HEAD"} == set()


async def test_the_document_refers_to_nothing_that_is_not_in_it(shared_server: ModelServer) -> None:
    document = (await shared_server.client.get("/openapi.json")).json()

    references = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))

    assert references
    assert references <= document["components"]["schemas"].keys()
    used = {name for item in operations(document) for scheme in item.get("security", []) for name in scheme}
    assert used == document["components"]["securitySchemes"].keys()


async def test_every_operation_has_a_name_of_its_own(shared_server: ModelServer) -> None:
    document = (await shared_server.client.get("/openapi.json")).json()

    names = Counter(item["operationId"] for item in operations(document))

    assert [name for name, count in names.items() if count > 1] == []


async def test_every_variable_of_a_path_is_described(shared_server: ModelServer) -> None:
    document = (await shared_server.client.get("/openapi.json")).json()

    for path, item in document["paths"].items():
        for operation in item.values():
            described = [found["name"] for found in operation.get("parameters", []) if found["in"] == "path"]
            assert sorted(described) == sorted(re.findall(r"{(\w+)}", path))


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for item in document["paths"].values():
        yield from item.values()
