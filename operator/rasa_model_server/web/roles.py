"""What a user needs, beyond a credential of the right kind: the roles of Rasa X."""

from __future__ import annotations

from enum import Enum

from starlette.requests import Request

from rasa_model_server.errors import ApiError
from rasa_model_server.users import Caller, promotion_to


class Role(Enum):
    """Who may do an operation, among those whose credential opens it."""

    ANYBODY = "anybody"
    PROMOTER = "promoter"
    """Whoever may promote to the environment that the tag in the path is of."""
    ADMIN = "admin"


def check_role(role: Role, caller: Caller, request: Request) -> None:
    """Return if the caller has the role.

    Raises:
        ApiError: 403, saying who lacks what on which environment.
    """
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
