"""Talking to the assistant of an environment."""

from __future__ import annotations

from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response

from rasa_model_server.errors import ApiError
from rasa_model_server.rasa_x.conversation import send_message
from rasa_model_server.rasa_x.environment_rules import PRODUCTION
from rasa_model_server.rasa_x.registry import Registry
from rasa_model_server.rasa_x.servers import RasaServerError, RasaServers
from rasa_model_server.web.answers import MessageRequest, json_response, read_json


class ChatHandlers:
    """The handler of /conversations."""

    def __init__(self, registry: Registry, servers: RasaServers) -> None:
        self._registry = registry
        self._servers = servers

    async def send_message(self, request: Request) -> Response:
        """Pass a message on to the environment in the query, production without one, and answer what it answers."""
        message = await read_json(request, TypeAdapter(MessageRequest))
        name = request.query_params.get("environment", PRODUCTION)
        environments = await self._registry.environments()
        environment = next((found for found in environments if found.name == name), None)
        if environment is None:
            known = ", ".join(sorted(found.name for found in environments)) or "none"
            raise ApiError(
                404, "EnvironmentNotFound", f"there is no environment {name!r}: those registered here are {known}"
            )
        try:
            answers = await send_message(
                self._servers, environment, str(request.path_params["sender"]), message.message
            )
        except RasaServerError as error:
            raise ApiError(
                502, "MessageSendFailed", f"the message could not be sent to the environment {name!r}: {error}"
            ) from None
        return json_response(answers)
