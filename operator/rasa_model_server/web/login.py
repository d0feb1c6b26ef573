"""Logins."""

from __future__ import annotations

from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response

from rasa_model_server.authentication import Authenticator
from rasa_model_server.web.answers import LoginAnswer, LoginRequest, json_response, read_json


class LoginHandlers:
    """The handler of /auth."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator

    async def log_in(self, request: Request) -> Response:
        """Answer a username and a password with a JWT."""
        login = await read_json(request, TypeAdapter(LoginRequest))
        address = request.client.host if request.client is not None else ""
        token = self._authenticator.log_in(login.username, login.password, address)
        return json_response(LoginAnswer(access_token=token))
