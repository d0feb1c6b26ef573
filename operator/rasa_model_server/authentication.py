"""Who is calling, and whether they may."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum

import jwt

from rasa_model_server.credentials import Credentials
from rasa_model_server.errors import ApiError

TOKEN_LIFETIME = timedelta(hours=8)
MINIMUM_JWT_SECRET_BYTES = 32
"""HS256 wants a key as long as its hash (RFC 7518, section 3.2)."""

_ALGORITHM = "HS256"


class Permission(Enum):
    """What an operation takes."""

    NOTHING = "nothing"
    READ_CONFIGURATION = "read the configuration"
    READ_MODELS = "read models"
    WRITE_MODELS = "write models and tags"
    ENVIRONMENTS = "read and write environments"


class Credential(Enum):
    """What a caller can present, as in Rasa X."""

    SERVICE = "the service token (?token=)"
    API = "an api token (?api_token=)"
    LOGIN = "a JWT from /api/auth (Authorization: Bearer)"


OPENS: Mapping[Credential, frozenset[Permission]] = {
    Credential.SERVICE: frozenset({Permission.READ_CONFIGURATION, Permission.READ_MODELS}),
    Credential.API: frozenset({Permission.READ_MODELS, Permission.WRITE_MODELS}),
    Credential.LOGIN: frozenset({Permission.READ_MODELS, Permission.WRITE_MODELS, Permission.ENVIRONMENTS}),
}


class Authenticator:
    """Decides by the credentials of the server. With `anonymous`, everybody may do everything."""

    def __init__(self, credentials: Credentials, *, anonymous: bool = False) -> None:
        self._credentials = credentials
        self._anonymous = anonymous
        self._own_jwt_secret = secrets.token_hex(MINIMUM_JWT_SECRET_BYTES)

    def authorize(self, permission: Permission, query: Mapping[str, str], headers: Mapping[str, str]) -> None:
        """Return if the caller may.

        Raises:
            ApiError: 401 if nothing that was presented is accepted, 403 if it is but does not open this.
        """
        if permission is Permission.NOTHING or self._anonymous:
            return
        presented = self._presented(query, headers)
        accepted = [credential for credential, good in presented.items() if good]
        if any(permission in OPENS[credential] for credential in accepted):
            return
        opening = " or ".join(credential.value for credential in Credential if permission in OPENS[credential])
        if accepted:
            raise ApiError(
                403, "NotAuthorized", f"{accepted[0].value} may not {permission.value}: this takes {opening}"
            )
        if not presented:
            raise ApiError(401, "NotAuthenticated", f"no credentials were sent: this takes {opening}")
        wrong = " and ".join(credential.value for credential in presented)
        raise ApiError(401, "NotAuthenticated", f"{wrong} is not one that this server accepts (any more)")

    def log_in(self, username: str, password: str) -> str:
        """Return a JWT for the user, good for eight hours.

        Raises:
            ApiError: 401, the username or the password is wrong, or no login is configured.
        """
        if not self._credentials.login_configured:
            raise ApiError(401, "NotAuthenticated", "this server has no username and password configured")
        known = self._credentials.username.equals(username)
        if not (self._credentials.password.equals(password) and known):
            raise ApiError(401, "WrongCredentials", "the username or the password is wrong")
        now = datetime.now(UTC)
        claims = {"user": {"username": username, "roles": ["admin"]}, "iat": now, "exp": now + TOKEN_LIFETIME}
        return jwt.encode(claims, self._jwt_secret(), algorithm=_ALGORITHM)

    def _presented(self, query: Mapping[str, str], headers: Mapping[str, str]) -> dict[Credential, bool]:
        presented: dict[Credential, bool] = {}
        if "token" in query:
            presented[Credential.SERVICE] = self._credentials.token.equals(query["token"])
        if "api_token" in query:
            presented[Credential.API] = self._credentials.api_token.equals(query["api_token"])
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            presented[Credential.LOGIN] = self._valid(bearer.strip())
        return presented

    def _valid(self, bearer: str) -> bool:
        try:
            jwt.decode(bearer, self._jwt_secret(), algorithms=[_ALGORITHM], options={"require": ["exp"]})
        except jwt.InvalidTokenError:
            return False
        return True

    def _jwt_secret(self) -> str:
        """Return the key that JWTs are signed with: without a configured one, one that lives as long as the process."""
        return self._credentials.jwt_secret.reveal() or self._own_jwt_secret
