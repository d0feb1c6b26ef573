"""What the API consists of: the table of its operations."""

from __future__ import annotations

from pydantic import TypeAdapter

from rasa_model_server.authentication import Permission
from rasa_model_server.profiles import Profile
from rasa_model_server.web.answers import (
    ConfigurationAnswer,
    Environment,
    HealthAnswer,
    LoginAnswer,
    LoginRequest,
    ModelAnswer,
    StatusAnswer,
    VersionAnswer,
)
from rasa_model_server.web.models import ModelHandlers
from rasa_model_server.web.operations import Answer, Handler, Operation, Parameter
from rasa_model_server.web.service import ServiceHandlers

BASE = "/api"

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
_NO_STORE = {503: "The object store does not answer."}


def operations(models: ModelHandlers, service: ServiceHandlers, profile: Profile) -> list[Operation]:
    """Return all operations of the API, except the OpenAPI document itself."""
    return [
        *_model_operations(models, profile),
        *_pull_operations(models, profile),
        *_rasa_x_operations(service, profile),
        *_process_operations(service),
    ]


def _model_operations(models: ModelHandlers, profile: Profile) -> list[Operation]:
    collection = f"{BASE}/projects/{{project}}/models"
    tag = f"{collection}/{{model}}/tags/{{tag}}"
    model = TypeAdapter[object](ModelAnswer)
    write = Permission.WRITE_MODELS
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
            {400: "limit or offset is no number."} | _NO_MODEL | _NO_STORE,
            _LIST_PARAMETERS,
        ),
        Operation(
            "POST",
            collection,
            "uploadModel",
            "Upload a model",
            write,
            models.upload_model,
            {
                profile.model_uploaded: Answer("The model was taken in.", model),
                200: Answer("The same file was there already under this name.", model),
            },
            {
                400: "The file is not a model.",
                409: "The name is taken by another model.",
                413: "The model is too large.",
            }
            | _NO_MODEL
            | _NO_STORE,
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
            _BAD_NAME | _NO_MODEL | _NO_STORE,
        ),
        Operation(
            "PUT",
            tag,
            "putTag",
            "Tag a model, which takes the tag from any other",
            write,
            models.put_tag,
            tagged,
            _BAD_NAME | _NO_MODEL | _NO_STORE,
        ),
        Operation(
            "DELETE",
            tag,
            "deleteTag",
            "Take a tag from a model",
            write,
            models.delete_tag,
            tagged,
            _BAD_NAME | _NO_MODEL | _NO_STORE,
        ),
    ]


def _pull_operations(models: ModelHandlers, profile: Profile) -> list[Operation]:
    tag = "/projects/{project}/models/tags/{tag}"
    by_tag = "Pull the model that has a tag"
    return [
        *_pull(f"{BASE}/projects/{{project}}/models/{{model}}", "Model", "Pull a model", models.pull_model, profile),
        *_pull(f"{BASE}{tag}", "Tag", by_tag, models.pull_tag, profile),
        *_pull(f"{BASE}/models/tags/{{tag}}", "TagOfDefaultProject", by_tag, models.pull_tag, profile),
        *_pull(
            tag, "TagWithoutApi", f"{by_tag}, at the path of Rasa X 0.2x", models.pull_tag, profile, deprecated=True
        ),
    ]


def _pull(
    path: str, name: str, summary: str, handler: Handler, profile: Profile, *, deprecated: bool = False
) -> list[Operation]:
    headers = _MODEL_HEADERS
    whole = {
        200: Answer("The model.", media_type="application/gzip", headers=headers),
        profile.unchanged: Answer("The caller has it: If-None-Match names its ETag.", headers=headers),
    }
    part = {206: Answer("A range of it.", media_type="application/gzip", headers=headers)}
    refusals = _BAD_NAME | _NO_MODEL | _NO_STORE
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


def _rasa_x_operations(service: ServiceHandlers, profile: Profile) -> list[Operation]:
    environments = TypeAdapter[object](list[Environment])
    return [
        Operation(
            "POST",
            f"{BASE}/auth",
            "logIn",
            "Get a JWT for a username and a password",
            Permission.NOTHING,
            service.log_in,
            {200: Answer("A JWT, good for eight hours.", TypeAdapter(LoginAnswer))},
            {400: "The body is not a login.", 401: "The username or the password is wrong.", 413: "It is too large."},
            body=TypeAdapter(LoginRequest),
        ),
        Operation(
            "GET",
            f"{BASE}/environments",
            "listEnvironments",
            "List the registered environments",
            Permission.ENVIRONMENTS,
            service.list_environments,
            {200: Answer("Them, with tokens.", environments)},
            _NO_STORE,
        ),
        Operation(
            "PUT",
            f"{BASE}/environments",
            "replaceEnvironments",
            "Register environments in place of all others",
            Permission.ENVIRONMENTS,
            service.replace_environments,
            {profile.environments_written: Answer("They are registered.", environments)},
            {400: "The body is not a list of environments.", 413: "It is too large."} | _NO_STORE,
            body=environments,
        ),
        Operation(
            "GET",
            f"{BASE}/config",
            "readConfiguration",
            "Get endpoints.yml and credentials.yml",
            Permission.READ_CONFIGURATION,
            service.read_configuration,
            {200: Answer("Both as text, empty where the server was given none.", TypeAdapter(ConfigurationAnswer))},
        ),
    ]


def _process_operations(service: ServiceHandlers) -> list[Operation]:
    found: list[Operation] = []
    health = {200: Answer("It works.", TypeAdapter(dict[str, HealthAnswer]))}
    version = {200: Answer("Its version.", TypeAdapter(VersionAnswer))}
    for prefix, suffix in ((BASE, ""), ("", "WithoutApi")):
        found += [
            Operation(
                "GET",
                f"{prefix}/health",
                f"health{suffix}",
                "Health of this server",
                Permission.NOTHING,
                service.health,
                health,
                _NO_STORE,
            ),
            Operation(
                "GET",
                f"{prefix}/version",
                f"version{suffix}",
                "Version of this server",
                Permission.NOTHING,
                service.version,
                version,
            ),
        ]
    good = {200: Answer("Yes.", TypeAdapter(StatusAnswer))}
    metrics = {200: Answer("Metrics.", media_type="text/plain")}
    nothing = Permission.NOTHING
    return [
        *found,
        Operation("GET", "/healthz", "live", "Does the process work?", nothing, service.live, good),
        Operation("GET", "/readyz", "ready", "Does the store answer?", nothing, service.ready, good, _NO_STORE),
        Operation("GET", "/metrics", "metrics", "Metrics for Prometheus", nothing, service.metrics, metrics),
    ]
