"""Authorization: the dependencies of routes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from fastapi import Depends, Request
from fastapi.security import APIKeyQuery, HTTPBearer

from rasa_model_server.authentication import OPENS, Authenticator, Credential, Permission
from rasa_model_server.errors import ApiError
from rasa_model_server.users import Caller, promotion_to

_CALLER = "rasa_model_server.caller"


class Role(Enum):
    """The role that an operation requires, besides a credential that grants it."""

    ANYBODY = "anybody"
    PROMOTER = "promoter"
    """Whoever may promote to the environment that the tag in the path is of."""
    ADMIN = "admin"


class Access:
    """Authorizes requests, and stores the caller in them."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator
        self._schemes: Mapping[Credential, APIKeyQuery | HTTPBearer] = {
            Credential.SERVICE: APIKeyQuery(name="token", scheme_name="serviceToken", auto_error=False),
            Credential.API: APIKeyQuery(name="api_token", scheme_name="apiToken", auto_error=False),
            Credential.LOGIN: HTTPBearer(scheme_name="login", bearerFormat="JWT", auto_error=False),
        }

    def takes(self, permission: Permission, role: Role = Role.ANYBODY) -> list[Any]:
        """Return the dependencies of a route that requires the permission and the role.

        The schemes are for the OpenAPI document: `admit` decides, which also tells one wrong credential from another.
        """

        async def admitted(request: Request) -> None:
            self.admit(request, permission, role)

        return [*(Depends(self._schemes[credential]) for credential in opening(permission)), Depends(admitted)]

    def security(self, permission: Permission) -> list[dict[str, list[str]]]:
        """Return the schemes that grant the permission, in the form of the OpenAPI document."""
        return [{self._schemes[credential].scheme_name: []} for credential in opening(permission)]

    def admit(self, request: Request, permission: Permission, role: Role = Role.ANYBODY) -> None:
        """Return if the caller has the permission and the role.

        Raises ApiError (401 or 403), which says what the caller lacks.
        """
        caller = self._authenticator.authorize(permission, request.query_params, request.headers)
        _check_role(role, caller, request)
        request.scope[_CALLER] = caller


def opening(permission: Permission) -> list[Credential]:
    """Return the credentials that grant the permission."""
    return [credential for credential in Credential if permission in OPENS[credential]]


def share_of(request: Request) -> str:
    """Return whose share the request counts towards: the user's, or the address's where everybody is anonymous."""
    caller = request.scope[_CALLER]
    if isinstance(caller, Caller) and not caller.anonymous:
        return f"user {caller.username}"
    return f"address {request.client.host if request.client is not None else ''}"


def _check_role(role: Role, caller: Caller, request: Request) -> None:
    match role:
        case Role.PROMOTER:
            tag = str(request.path_params["tag"])
            if not caller.may_promote(tag):
                raise ApiError(
                    403,
                    "NotAuthorized",
                    f"the user {caller.username!r} lacks {promotion_to(tag)}, which moving the tag {tag!r} takes: "
                    "ask an admin for it",
                )
        case Role.ADMIN:
            if not caller.admin:
                raise ApiError(403, "NotAuthorized", f"the user {caller.username!r} is no admin, and this takes one")
        case Role.ANYBODY:
            pass
