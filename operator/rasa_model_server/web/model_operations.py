"""The operations on models and tags."""

from __future__ import annotations

from pydantic import TypeAdapter

from rasa_model_server.authentication import Permission
from rasa_model_server.rasa_x.profiles import Profile
from rasa_model_server.web.answers import ModelAnswer
from rasa_model_server.web.models import ModelHandlers
from rasa_model_server.web.operations import BASE, NO_STORE, Answer, Handler, Operation, Parameter
from rasa_model_server.web.roles import Role

_PULL_PARAMETERS = (
    Parameter("If-None-Match", "header", "ETag of the model that the caller has, quoted or bare."),
    Parameter("Range", "header", "One range of bytes to send."),
    Parameter("If-Range", "header", "Follow Range only if the model still has this ETag."),
)
_LIST_PARAMETERS = (
    Parameter("limit", "query", "Send at most so many.", {"type": "integer", "minimum": 0}),
    Parameter("offset", "query", "Skip so many.", {"type": "integer", "minimum": 0}),
    Parameter("tag", "query", "Only the model that has this tag."),
)
_MODEL_HEADERS = {
    "ETag": "The model's hash, in quotes.",
    "filename": "What to call the file: <model>.tar.gz.",
}
_BAD_NAME = {400: "The name cannot be one of a model or tag."}
_NO_MODEL = {404: "There is no such model, tag or project."}
_NOT_TAGGED = {404: "There is no such model or project, or production cannot load the model, or is not reachable."}


def model_operations(models: ModelHandlers, profile: Profile) -> list[Operation]:
    """Return the operations on models and tags."""
    return [*_written_and_listed(models, profile), *_pulled(models, profile)]


def _written_and_listed(models: ModelHandlers, profile: Profile) -> list[Operation]:
    collection = f"{BASE}/projects/{{project}}/models"
    tag = f"{collection}/{{model}}/tags/{{tag}}"
    model = TypeAdapter[object](ModelAnswer)
    write = Permission.WRITE_MODELS
    uploaded = {
        profile.model_uploaded: Answer("The model was taken in.", model if profile.model_uploaded != 204 else None)
    }
    if profile.repeated_upload_accepted:
        uploaded[200] = Answer("The same file was there already under this name.", model)
    tagged = {profile.tag_written: Answer("Done.")}
    return [
        Operation(
            "GET",
            collection,
            "listModels",
            "List the models, the last trained first",
            Permission.READ_MODELS,
            models.list_models,
            {
                200: Answer(
                    "The models.",
                    TypeAdapter(list[ModelAnswer]),
                    headers={"X-Total-Count": "How many there are in all."},
                )
            },
            {400: "limit or offset is no number."} | _NO_MODEL | NO_STORE,
            _LIST_PARAMETERS,
        ),
        Operation(
            "POST",
            collection,
            "uploadModel",
            "Upload a model",
            write,
            models.upload_model,
            uploaded,
            {413: "The model is too large.", 429: "Too many uploads are under way."}
            | _NO_MODEL
            | NO_STORE
            | {
                profile.model_exists: "The name is taken by another model.",
                profile.model_refused: "The file is not a model, or not one that production can load.",
            },
            body="model",
        ),
        Operation(
            "DELETE",
            f"{collection}/{{model}}",
            "deleteModel",
            "Delete a model and its tags",
            write,
            models.delete_model,
            {204: Answer("It is gone.")},
            _BAD_NAME | _NO_MODEL | NO_STORE,
            role=Role.ADMIN,
        ),
        Operation(
            "PUT",
            tag,
            "putTag",
            "Tag a model, which takes the tag from any other",
            write,
            models.put_tag,
            tagged,
            _BAD_NAME | _NOT_TAGGED | NO_STORE,
            role=Role.PROMOTER,
        ),
        Operation(
            "DELETE",
            tag,
            "deleteTag",
            "Take a tag from a model",
            write,
            models.delete_tag,
            tagged,
            _BAD_NAME | _NOT_TAGGED | NO_STORE,
            role=Role.PROMOTER,
        ),
    ]


def _pulled(models: ModelHandlers, profile: Profile) -> list[Operation]:
    tag = "/projects/{project}/models/tags/{tag}"
    by_tag = "Pull the model that has a tag"
    found = [
        *_pull(f"{BASE}/projects/{{project}}/models/{{model}}", "Model", "Pull a model", models.pull_model, profile),
        *_pull(f"{BASE}{tag}", "Tag", by_tag, models.pull_tag, profile),
    ]
    if profile.tags_without_project:
        found += _pull(f"{BASE}/models/tags/{{tag}}", "TagOfDefaultProject", by_tag, models.pull_tag, profile)
    if profile.paths_without_api:
        summary = f"{by_tag}, at the path of Rasa X 0.2x"
        found += _pull(tag, "TagWithoutApi", summary, models.pull_tag, profile, deprecated=True)
    return found


def _pull(
    path: str, name: str, summary: str, handler: Handler, profile: Profile, *, deprecated: bool = False
) -> list[Operation]:
    headers = _MODEL_HEADERS
    whole = {
        200: Answer("The model.", media_type="application/gzip", headers=headers),
        profile.unchanged: Answer("The caller has it: If-None-Match names its ETag.", headers=headers),
    }
    part = {206: Answer("A range of it.", media_type="application/gzip", headers=headers)}
    refusals = _BAD_NAME | _NO_MODEL | NO_STORE
    read = Permission.READ_MODELS
    return [
        Operation(
            "GET",
            path,
            f"pull{name}",
            summary,
            read,
            handler,
            whole | part,
            refusals | {416: "The range is outside of the model."},
            _PULL_PARAMETERS,
            deprecated=deprecated,
        ),
        Operation(
            "HEAD",
            path,
            f"head{name}",
            f"{summary}: its headers only",
            read,
            handler,
            whole,
            refusals,
            _PULL_PARAMETERS[:1],
            deprecated=deprecated,
        ),
    ]
