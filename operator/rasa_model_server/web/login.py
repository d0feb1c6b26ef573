"""Logins."""

from __future__ import annotations

from fastapi import APIRouter, Request

from rasa_model_server.authentication import Authenticator
from rasa_model_server.web.answers import LoginAnswer, LoginRequest, read_json
from rasa_model_server.web.openapi import SLOW_BODY, json_body, refusals

_REFUSALS = {
    400: "The body is not a login.",
    401: "The username or the password is wrong.",
    413: "It is too large.",
    429: "Too many logins of this user, or from this address, failed.",
}


def login_router(authenticator: Authenticator) -> APIRouter:
    """Return the routes of /auth."""
    router = APIRouter()

    @router.post(
        "/api/auth",
        operation_id="logIn",
        summary="Get a JWT for a username and a password",
        response_description="A JWT, good for eight hours.",
        responses=refusals(_REFUSALS, SLOW_BODY),
        openapi_extra=json_body(LoginRequest),
    )
    async def log_in(request: Request) -> LoginAnswer:
        """Send the JWT as `Authorization: Bearer <JWT>`."""
        login = await read_json(request, LoginRequest)
        address = request.client.host if request.client is not None else ""
        return LoginAnswer(access_token=authenticator.log_in(login.username, login.password, address))

    return router
