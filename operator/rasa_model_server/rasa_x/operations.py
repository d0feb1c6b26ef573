"""The operations that a server has beside models and tags: logins, environments, configuration, chat, versions."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import TypeAdapter

from rasa_model_server.authentication import Permission
from rasa_model_server.rasa_x.chat import ChatHandlers
from rasa_model_server.rasa_x.environments import ENVIRONMENTS_WRITTEN, EnvironmentHandlers
from rasa_model_server.rasa_x.profiles import Profile
from rasa_model_server.web.answers import (
    ConfigurationAnswer,
    Environment,
    EnvironmentFailureAnswer,
    EnvironmentHealthAnswer,
    EnvironmentsFileAnswer,
    LoginAnswer,
    LoginRequest,
    MessageRequest,
    RasaXVersionAnswer,
)
from rasa_model_server.web.configuration import ConfigurationHandlers
from rasa_model_server.web.health import RasaXHealthHandlers
from rasa_model_server.web.login import LoginHandlers
from rasa_model_server.web.operations import BASE, NO_STORE, Answer, Operation, Parameter
from rasa_model_server.web.roles import Role


@dataclass(frozen=True)
class RasaXHandlers:
    """What only Rasa X has: it talks to the servers of its environments."""

    health: RasaXHealthHandlers
    chat: ChatHandlers


def common_operations(
    login: LoginHandlers, configuration: ConfigurationHandlers, environments: EnvironmentHandlers, profile: Profile
) -> list[Operation]:
    """Return the operations that every profile has."""
    in_file = profile.rasa_x is not None and profile.rasa_x.environments_in_file
    return [
        Operation(
            "POST",
            f"{BASE}/auth",
            "logIn",
            "Get a JWT for a username and a password",
            Permission.NOTHING,
            login.log_in,
            {200: Answer("A JWT, good for eight hours.", TypeAdapter(LoginAnswer))},
            {
                400: "The body is not a login.",
                401: "The username or the password is wrong.",
                413: "It is too large.",
                429: "Too many logins of this user, or from this address, failed.",
            },
            body=TypeAdapter(LoginRequest),
        ),
        *(_environments_of_file(environments) if in_file else _environments_of_store(environments)),
        Operation(
            "GET",
            f"{BASE}/config",
            "readConfiguration",
            "Get endpoints.yml and credentials.yml",
            Permission.READ_CONFIGURATION,
            configuration.read_configuration,
            {200: Answer("Both as text, with their variables as written.", TypeAdapter(ConfigurationAnswer))},
        ),
    ]


def rasa_x_operations(handlers: RasaXHandlers, profile: Profile) -> list[Operation]:
    """Return the operations that only the profiles of Rasa X have."""
    found = _health_and_version(handlers.health)
    found.append(_chat(BASE, "sendMessage", handlers.chat))
    if profile.paths_without_api:
        found.append(_chat("", "sendMessageWithoutApi", handlers.chat))
    return found


def _environments_of_file(environments: EnvironmentHandlers) -> list[Operation]:
    return [
        Operation(
            "GET",
            f"{BASE}/environments",
            "showEnvironmentsFile",
            "Show environments.yml as it was read at the start",
            Permission.ENVIRONMENTS,
            environments.show_environments_file,
            {200: Answer("It, with tokens.", TypeAdapter(EnvironmentsFileAnswer))},
            {400: "There is none."},
            role=Role.ADMIN,
        )
    ]


def _environments_of_store(environments: EnvironmentHandlers) -> list[Operation]:
    listed = TypeAdapter[object](list[Environment])
    return [
        Operation(
            "GET",
            f"{BASE}/environments",
            "listEnvironments",
            "List the registered environments",
            Permission.ENVIRONMENTS,
            environments.list_environments,
            {200: Answer("Them, with tokens.", listed)},
            NO_STORE,
            role=Role.ADMIN,
        ),
        Operation(
            "PUT",
            f"{BASE}/environments",
            "replaceEnvironments",
            "Register environments in place of all others",
            Permission.ENVIRONMENTS,
            environments.replace_environments,
            {ENVIRONMENTS_WRITTEN: Answer("They are registered.", listed)},
            {400: "The body is not a list of environments.", 413: "It is too large."} | NO_STORE,
            body=listed,
            role=Role.ADMIN,
        ),
    ]


def _health_and_version(health: RasaXHealthHandlers) -> list[Operation]:
    of_environments = TypeAdapter[object](dict[str, EnvironmentHealthAnswer | EnvironmentFailureAnswer])
    return [
        Operation(
            "GET",
            f"{BASE}/health",
            "health",
            "What the server of each environment says of itself",
            Permission.NOTHING,
            health.health,
            {200: Answer("By the name of the environment.", of_environments)},
            NO_STORE,
        ),
        Operation(
            "GET",
            f"{BASE}/version",
            "version",
            "Versions of Rasa X and of each environment",
            Permission.NOTHING,
            health.version,
            {200: Answer("Them.", TypeAdapter(RasaXVersionAnswer))},
            NO_STORE,
        ),
    ]


def _chat(prefix: str, name: str, chat: ChatHandlers) -> Operation:
    return Operation(
        "POST",
        f"{prefix}/conversations/{{sender}}/messages",
        name,
        "Say something to the assistant of an environment",
        Permission.CHAT,
        chat.send_message,
        {200: Answer("What it answers.", TypeAdapter(list[dict[str, object]]))},
        {
            400: "The body is not a message.",
            404: "There is no such environment.",
            413: "The body is too large.",
            502: "The environment's server does not answer, or refuses the token that is registered for it.",
        }
        | NO_STORE,
        (Parameter("environment", "query", "Name of the environment, production without it."),),
        body=TypeAdapter(MessageRequest),
        deprecated=not prefix,
    )
