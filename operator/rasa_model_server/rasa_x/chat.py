"""Talking to the assistant of an environment."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request

from rasa_model_server.authentication import Permission
from rasa_model_server.errors import ApiError
from rasa_model_server.rasa_x.conversation import BotMessage, send_message
from rasa_model_server.rasa_x.environment_rules import PRODUCTION
from rasa_model_server.rasa_x.registry import Registry
from rasa_model_server.rasa_x.servers import RasaServerError, RasaServers
from rasa_model_server.web.access import Access
from rasa_model_server.web.answers import MessageRequest, read_json
from rasa_model_server.web.openapi import NAME_SCHEMA, NO_STORE, SLOW_BODY, UNAUTHORIZED, json_body, refusals

_REFUSALS = {
    400: "The body is not a message.",
    404: "There is no such environment.",
    413: "The body is too large.",
    502: "The environment's server does not answer, or refuses the token that is registered for it.",
}


def chat_router(registry: Registry, servers: RasaServers, access: Access, *, without_api: bool) -> APIRouter:
    """Return the routes of /conversations, which are also at the paths of Rasa X 0.2x if `without_api`."""
    router = APIRouter()

    async def say(
        request: Request,
        sender: Annotated[str, Path(json_schema_extra=dict(NAME_SCHEMA))],
        environment: Annotated[str, Query(description="Name of the environment.")] = PRODUCTION,
    ) -> list[BotMessage]:
        """Answer with a list of messages, as Rasa's REST channel does."""
        message = await read_json(request, MessageRequest)
        environments = await registry.environments()
        found = next((known for known in environments if known.name == environment), None)
        if found is None:
            names = ", ".join(sorted(known.name for known in environments)) or "none"
            unknown = f"there is no environment {environment!r}: those registered here are {names}"
            raise ApiError(404, "EnvironmentNotFound", unknown)
        try:
            return await send_message(servers, found, sender, message.message)
        except RasaServerError as error:
            raise ApiError(
                502, "MessageSendFailed", f"the message could not be sent to the environment {environment!r}: {error}"
            ) from None

    for prefix, suffix in (("/api", ""), ("", "WithoutApi")) if without_api else (("/api", ""),):
        router.post(
            f"{prefix}/conversations/{{sender}}/messages",
            dependencies=access.takes(Permission.CHAT),
            operation_id=f"sendMessage{suffix}",
            summary="Say something to the assistant of an environment",
            response_description="What it answers.",
            responses=refusals(_REFUSALS, NO_STORE, UNAUTHORIZED, SLOW_BODY),
            openapi_extra=json_body(MessageRequest),
            deprecated=not prefix or None,
        )(say)
    return router
