"""Who is calling, and whether they may."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from enum import Enum
from math import ceil

from rasa_model_server.credentials import Credentials, same_secret
from rasa_model_server.errors import ApiError
from rasa_model_server.login_limits import LoginLimits
from rasa_model_server.logins import Account, Logins
from rasa_model_server.users import Caller, NoUsers, UserStore

_ADMIN = "admin"

TOKEN_HEADER = "x-rasa-token"
API_TOKEN_HEADER = "x-rasa-api-token"
"""Headers that stand for `?token=` and `?api_token=`: on a way on which URLs are logged, as the Kubernetes API server
does in its audit log, and on which `Authorization` is for somebody else."""


class Permission(Enum):
    """What an operation requires."""

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


class Authenticator:
    """Authenticates callers by the credentials of the server. With `anonymous`, everybody may do everything.

    A valid credential of a kind that does not grant the permission is answered with the status `another_kind`.
    """

    def __init__(
        self,
        credentials: Credentials,
        users: UserStore | None = None,
        *,
        anonymous: bool = False,
        another_kind: int = 403,
    ) -> None:
        self._credentials = credentials
        self._users = users or NoUsers()
        self._anonymous = anonymous
        self._another_kind = another_kind
        self._logins = Logins(credentials)
        self._limits = LoginLimits()
        self._nobodys_password = secrets.token_hex()

    def authorize(self, permission: Permission, query: Mapping[str, str], headers: Mapping[str, str]) -> Caller:
        """Return the caller, if they present a credential that grants the permission.

        Raises ApiError: 401 if nothing that was presented is accepted, `another_kind` if something is, but does not
        grant the permission.
        """
        if permission is Permission.NOTHING or self._anonymous:
            return Caller("anonymous", admin=self._anonymous, anonymous=True)
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

    def log_in(self, username: str, password: str, address: str) -> str:
        """Return a JWT for the user who calls from this address, good for eight hours.

        Raises ApiError: 401 if the username or password is wrong or no login is configured, 429 after too many
        failures.
        """
        if not (self._credentials.login_configured or self._users.configured):
            raise ApiError(401, "NotAuthenticated", "this server has no username and password configured")
        wait = ceil(self._limits.wait(username, address))
        if wait > 0:
            message = f"too many logins of this user or from this address failed: try again in {wait} seconds"
            raise ApiError(429, "TooManyLogins", message, {"Retry-After": str(wait)})
        account = self._account(username, password)
        if account is None:
            self._limits.failed(username, address)
            raise ApiError(401, "WrongCredentials", "the username or the password is wrong")
        self._limits.succeeded(username, address)
        return self._logins.issue(account)

    def _account(self, username: str, password: str) -> Account | None:
        """Return the account with this name and password. An unknown name takes as long as a known one."""
        known = list(self._accounts(username))
        compared = known or [Account(Caller(username), self._nobodys_password)]
        right = [account for account in compared if same_secret(account.password, password)]
        return right[0] if known and right else None

    def _accounts(self, username: str) -> Iterator[Account]:
        """Yield the accounts of this name as they are now: the admin's, and a user's."""
        password = self._credentials.password.reveal()
        if password is not None and self._credentials.username.equals(username):
            yield Account(Caller(username, admin=True), password)
        user = self._users.named(username)
        if user is not None and user.password is not None and user.password.get_secret_value():
            yield Account(user.caller, user.password.get_secret_value())

    def _presented(self, query: Mapping[str, str], headers: Mapping[str, str]) -> dict[Credential, Caller | None]:
        presented: dict[Credential, Caller | None] = {}
        token = query.get("token", headers.get(TOKEN_HEADER))
        if token is not None:
            right = self._credentials.token.equals(token)
            presented[Credential.SERVICE] = Caller("the service token") if right else None
        api_token = query.get("api_token", headers.get(API_TOKEN_HEADER))
        if api_token is not None:
            presented[Credential.API] = self._owner(api_token)
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            presented[Credential.LOGIN] = self._logins.caller(bearer.strip(), self._accounts)
        return presented

    def _owner(self, api_token: str) -> Caller | None:
        if self._credentials.api_token.equals(api_token):
            return Caller(_ADMIN, admin=True)
        owner = self._users.with_api_token(api_token)
        return owner.caller if owner is not None else None
