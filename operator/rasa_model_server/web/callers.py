"""Who makes a request: the router leaves it in the request's scope."""

from __future__ import annotations

from starlette.requests import Request

from rasa_model_server.users import Caller

_CALLER = "rasa_model_server.caller"


def set_caller(request: Request, caller: Caller) -> None:
    """Leave in the request who makes it."""
    request.scope[_CALLER] = caller


def share_of(request: Request) -> str:
    """Return whose share of the server the request counts to: a user's, an address's where everybody is anonymous."""
    caller = request.scope[_CALLER]
    if isinstance(caller, Caller) and not caller.anonymous:
        return f"user {caller.username}"
    return f"address {request.client.host if request.client is not None else ''}"
