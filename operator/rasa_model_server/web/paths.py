"""Parameters in paths: the project, and names of models and tags."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Depends, Path

from rasa_model_server.errors import ApiError
from rasa_model_server.names import name_problem
from rasa_model_server.web.openapi import NAME_SCHEMA

COLLECTION = "/api/projects/{project}/models"

NameInPath = Annotated[str, Path(json_schema_extra=dict(NAME_SCHEMA))]


def require_name(kind: Literal["model", "tag"], name: str) -> str:
    """Return the name.

    Raises ApiError (400) if it cannot be the name of a model or tag.
    """
    problem = name_problem(kind, name)
    if problem is not None:
        raise ApiError(400, "BadName", problem)
    return name


def require_project(project: str, served: str) -> None:
    """Return if the project is the one that is served.

    Raises ApiError (404) if it is not.
    """
    if project != served:
        raise ApiError(
            404, "ProjectNotFound", f"there is no project {project!r}: the project of this server is {served!r}"
        )


def not_found(message: str) -> ApiError:
    """Return the error that says that there is no such model or tag."""
    return ApiError(404, "ModelNotFound", message)


async def _model_name(model: NameInPath) -> str:
    return require_name("model", model)


async def _tag_name(tag: NameInPath) -> str:
    return require_name("tag", tag)


ModelName = Annotated[str, Depends(_model_name)]
TagName = Annotated[str, Depends(_tag_name)]
