"""Who is calling, and whether they may."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from hmac import compare_digest

import jwt
from pydantic import BaseModel, SecretStr, ValidationError

from rasa_model_server.credentials import Credentials
from rasa_model_server.errors import ApiError
from rasa_model_server.users import Caller, User

TOKEN_LIFETIME = timedelta(hours=8)
MINIMUM_JWT_SECRET_BYTES = 32
"""HS256 wants a key as long as its hash (RFC 7518, section 3.2)."""

_ALGORITHM = "HS256"
_ADMIN = "admin"


class Permission(Enum):
    """What an operation takes."""

    NOTHING = "nothing"
    READ_CONFIGURATION = "read the configuration"
    READ_MODELS = "read models"
    WRITE_MODELS = "write models and tags"
    CHAT = "talk to an assistant"
    ENVIRONMENTS = "read and write environments"


class Credential(Enum):
    """What a caller can present, as in Rasa X."""

    SERVICE = "the service token (?token=)"
    API = "an api token (?api_token=)"
    LOGIN = "a JWT from /api/auth (Authorization: Bearer)"


_USER = frozenset({Permission.READ_MODELS, Permission.WRITE_MODELS, Permission.CHAT})
OPENS: Mapping[Credential, frozenset[Permission]] = {
    Credential.SERVICE: frozenset({Permission.READ_CONFIGURATION, Permission.READ_MODELS}),
    Credential.API: _USER,
    Credential.LOGIN: _USER | {Permission.ENVIRONMENTS},
}


class _Subject(BaseModel):
    username: str = ""
    roles: list[str] = []


class _Claims(BaseModel):
    user: _Subject = _Subject()


class Authenticator:
    """Decides by the credentials of the server. With `anonymous`, everybody may do everything.

    A credential that is right, but of a kind that does not open something, is answered with `another_kind`.
    """

    def __init__(
        self,
        credentials: Credentials,
        users: tuple[User, ...] = (),
        *,
        anonymous: bool = False,
        another_kind: int = 403,
    ) -> None:
        self._credentials = credentials
        self._users = {user.username: user for user in users}
        self._anonymous = anonymous
        self._another_kind = another_kind
        self._own_jwt_secret = secrets.token_hex(MINIMUM_JWT_SECRET_BYTES)

    def authorize(self, permission: Permission, query: Mapping[str, str], headers: Mapping[str, str]) -> Caller:
        """Return who is calling, if they present what the permission takes.

        Raises:
            ApiError: 401 if nothing that was presented is accepted, `another_kind` if it is but does not open this.
        """
        if permission is Permission.NOTHING or self._anonymous:
            return Caller("anonymous", admin=self._anonymous)
        presented = self._presented(query, headers)
        accepted = {credential: caller for credential, caller in presented.items() if caller is not None}
        for credential, caller in accepted.items():
            if permission in OPENS[credential]:
                return caller
        opening = " or ".join(credential.value for credential in Credential if permission in OPENS[credential])
        if accepted:
            wrong_kind = next(iter(accepted)).value
            message = f"{wrong_kind} may not {permission.value}: this takes {opening}"
            raise ApiError(self._another_kind, "NotAuthorized", message)
        if not presented:
            raise ApiError(401, "NotAuthenticated", f"no credentials were sent: this takes {opening}")
        wrong = " and ".join(credential.value for credential in presented)
        raise ApiError(401, "NotAuthenticated", f"{wrong} is not one that this server accepts (any more)")

    def accepts(self, query: Mapping[str, str], headers: Mapping[str, str]) -> bool:
        """Return whether the caller presents any credential of this server, or everybody may do everything."""
        return self._anonymous or any(caller is not None for caller in self._presented(query, headers).values())

    def log_in(self, username: str, password: str) -> str:
        """Return a JWT for the user, good for eight hours.

        Raises:
            ApiError: 401, the username or the password is wrong, or no login is configured.
        """
        if not (self._credentials.login_configured or self._users):
            raise ApiError(401, "NotAuthenticated", "this server has no username and password configured")
        admin = self._is_admin(username, password)
        user = self._users.get(username)
        if not admin and (user is None or not _equal(user.password, password)):
            raise ApiError(401, "WrongCredentials", "the username or the password is wrong")
        now = datetime.now(UTC)
        roles = [_ADMIN] if admin else []
        claims = {"user": {"username": username, "roles": roles}, "iat": now, "exp": now + TOKEN_LIFETIME}
        return jwt.encode(claims, self._jwt_secret(), algorithm=_ALGORITHM)

    def _is_admin(self, username: str, password: str) -> bool:
        known = self._credentials.username.equals(username)
        return self._credentials.password.equals(password) and known

    def _presented(self, query: Mapping[str, str], headers: Mapping[str, str]) -> dict[Credential, Caller | None]:
        presented: dict[Credential, Caller | None] = {}
        if "token" in query:
            right = self._credentials.token.equals(query["token"])
            presented[Credential.SERVICE] = Caller("the service token") if right else None
        if "api_token" in query:
            presented[Credential.API] = self._owner(query["api_token"])
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            presented[Credential.LOGIN] = self._subject(bearer.strip())
        return presented

    def _owner(self, api_token: str) -> Caller | None:
        if self._credentials.api_token.equals(api_token):
            return Caller(_ADMIN, admin=True)
        owner = next((user for user in self._users.values() if _equal(user.api_token, api_token)), None)
        return Caller(owner.username, permissions=owner.permissions) if owner is not None else None

    def _subject(self, bearer: str) -> Caller | None:
        """Return who the JWT is of. The role is in it; what a user may, apart from that, is as the users are now."""
        try:
            claims = jwt.decode(bearer, self._jwt_secret(), algorithms=[_ALGORITHM], options={"require": ["exp"]})
            subject = _Claims.model_validate(claims).user
        except (jwt.InvalidTokenError, ValidationError):
            return None
        known = self._users.get(subject.username)
        return Caller(
            subject.username,
            admin=_ADMIN in subject.roles,
            permissions=known.permissions if known is not None else frozenset(),
        )

    def _jwt_secret(self) -> str:
        """Return the key that JWTs are signed with: without a configured one, one that lives as long as the process."""
        return self._credentials.jwt_secret.reveal() or self._own_jwt_secret


def _equal(secret: SecretStr | None, candidate: str) -> bool:
    if secret is None or not secret.get_secret_value():
        return False
    return compare_digest(secret.get_secret_value().encode(), candidate.encode("utf-8", "surrogateescape"))
