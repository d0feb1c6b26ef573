"""The OpenAPI 3.1 document of the API, from the table of operations. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from rasa_model_server import __version__
from rasa_model_server.authentication import OPENS, Credential, Permission
from rasa_model_server.names import MAXIMUM_NAME_LENGTH
from rasa_model_server.web import answers
from rasa_model_server.web.operations import Answer, Operation, Parameter

_SCHEMAS = "#/components/schemas/"
_SCHEME_NAMES = {
    Credential.SERVICE: "serviceToken",
    Credential.API: "apiToken",
    Credential.LOGIN: "login",
}
_BODIES: tuple[type[BaseModel], ...] = (
    answers.ModelAnswer,
    answers.ErrorAnswer,
    answers.LoginRequest,
    answers.LoginAnswer,
    answers.Environment,
    answers.EnvironmentsFileAnswer,
    answers.MessageRequest,
    answers.ConfigurationAnswer,
    answers.EnvironmentHealthAnswer,
    answers.EnvironmentFailureAnswer,
    answers.HealthAnswer,
    answers.VersionAnswer,
    answers.RasaXVersionAnswer,
    answers.StatusAnswer,
)


def openapi_document(operations: Sequence[Operation]) -> dict[str, object]:
    """Return the document."""
    paths: dict[str, dict[str, object]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    for path, item in paths.items():
        names = re.findall(r"{(\w+)}", path)
        if names:
            item["parameters"] = [_path_parameter(name) for name in names]
    _, definitions = models_json_schema(
        [(body, "serialization") for body in _BODIES], ref_template=_SCHEMAS + "{model}"
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Rasa model server",
            "version": __version__,
            "description": "Models and tags for Rasa, with the API of Rasa X.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": definitions["$defs"], "securitySchemes": _security_schemes()},
    }


def _operation(operation: Operation) -> dict[str, object]:
    refusals = dict(operation.refusals)
    if operation.permission is not Permission.NOTHING:
        refusals |= {401: "No credentials, or wrong ones.", 403: "The credentials do not open this."}
    if operation.body is not None and operation.body != "model":
        refusals |= {408: "The body took too long."}
    described: dict[str, object] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "security": [
            {_SCHEME_NAMES[credential]: []} for credential in Credential if operation.permission in OPENS[credential]
        ],
        "responses": {str(status): _answer(answer) for status, answer in operation.answers.items()}
        | {str(status): _refusal(meaning) for status, meaning in refusals.items()},
    }
    if operation.parameters:
        described["parameters"] = [_parameter(parameter) for parameter in operation.parameters]
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": _request_content(operation.body)}
    if operation.deprecated:
        described["deprecated"] = True
    return described


def _answer(answer: Answer) -> dict[str, object]:
    described: dict[str, object] = {"description": answer.description}
    if answer.body is not None:
        described["content"] = {"application/json": {"schema": _schema(answer.body)}}
    elif answer.media_type is not None:
        described["content"] = {answer.media_type: {}}
    if answer.headers:
        described["headers"] = {
            name: {"description": meaning, "schema": {"type": "string"}} for name, meaning in answer.headers.items()
        }
    return described


def _refusal(meaning: str) -> dict[str, object]:
    return {"description": meaning, "content": {"application/json": {"schema": {"$ref": f"{_SCHEMAS}ErrorAnswer"}}}}


def _parameter(parameter: Parameter) -> dict[str, object]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.description,
        "schema": dict(parameter.schema),
    }


def _path_parameter(name: str) -> dict[str, object]:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "schema": {"type": "string", "minLength": 1, "maxLength": MAXIMUM_NAME_LENGTH},
    }


def _request_content(body: TypeAdapter[object] | str) -> Mapping[str, object]:
    if isinstance(body, TypeAdapter):
        return {"application/json": {"schema": _schema(body)}}
    part = {"type": "string", "contentMediaType": "application/gzip", "description": "<model>.tar.gz"}
    form = {"type": "object", "required": [body], "properties": {body: part}}
    return {"multipart/form-data": {"schema": form}}


def _schema(body: TypeAdapter[object]) -> Mapping[str, object]:
    schema = body.json_schema(mode="serialization", ref_template=_SCHEMAS + "{model}")
    definitions = schema.pop("$defs", None)
    return schema if definitions is not None or "title" not in schema else {"$ref": _SCHEMAS + str(schema["title"])}


def _security_schemes() -> dict[str, object]:
    return {
        "serviceToken": {"type": "apiKey", "in": "query", "name": "token"},
        "apiToken": {"type": "apiKey", "in": "query", "name": "api_token"},
        "login": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    }
