"""Logins: JWTs that name a user and end with the user's password."""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import jwt
from pydantic import BaseModel, ValidationError

from rasa_model_server.credentials import Credentials
from rasa_model_server.users import Caller

TOKEN_LIFETIME = timedelta(hours=8)
MINIMUM_JWT_SECRET_BYTES = 32
"""HS256 wants a key as long as its hash (RFC 7518, section 3.2)."""

_ALGORITHM = "HS256"
_PURPOSE = b"rasa-model-server: logins\0"


@dataclass(frozen=True)
class Account:
    """Somebody who can log in."""

    caller: Caller
    password: str = field(repr=False)


class _Subject(BaseModel):
    username: str


class _Claims(BaseModel):
    user: _Subject
    account: str


class Logins:
    """Signs JWTs and reads them.

    A JWT holds no role, and a fingerprint of the account: with another password, or another role, it is of no account
    any more. The key is made of the JWT secret and the api token, and the fingerprint of the password too: with the JWT
    secret alone, which Rasa X shares with its environments, nobody makes a login.
    """

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._own_secret = secrets.token_hex(MINIMUM_JWT_SECRET_BYTES)

    def issue(self, account: Account) -> str:
        """Return a JWT for the account, good for eight hours."""
        now = datetime.now(UTC)
        claims = {
            "user": {"username": account.caller.username},
            "account": self._fingerprint(account),
            "iat": now,
            "exp": now + TOKEN_LIFETIME,
        }
        return jwt.encode(claims, self._key(), algorithm=_ALGORITHM)

    def caller(self, token: str, accounts_of: Callable[[str], Iterable[Account]]) -> Caller | None:
        """Return whose login the JWT is, given the current accounts, or None if it is invalid or has expired."""
        try:
            decoded = jwt.decode(token, self._key(), algorithms=[_ALGORITHM], options={"require": ["exp"]})
            claims = _Claims.model_validate(decoded)
        except (jwt.InvalidTokenError, ValidationError, ValueError, RecursionError):
            return None
        claimed = claims.account.encode("utf-8", "replace")
        for account in accounts_of(claims.user.username):
            if hmac.compare_digest(self._fingerprint(account).encode(), claimed):
                return account.caller
        return None

    def _key(self) -> bytes:
        secret = self._credentials.jwt_secret.reveal() or self._own_secret
        api_token = self._credentials.api_token.reveal() or ""
        return hmac.digest(secret.encode(), _PURPOSE + api_token.encode(), "sha256")

    def _fingerprint(self, account: Account) -> str:
        role = "admin" if account.caller.admin else "user"
        described = json.dumps([role, account.caller.username, account.password])
        return hmac.digest(self._key(), described.encode(), "sha256").hex()
