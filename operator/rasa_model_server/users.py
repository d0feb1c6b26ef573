"""Users besides the one of `--username-file`, who may promote to some environments only."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError

from rasa_model_server.credentials import same_secret
from rasa_model_server.yaml_file import YamlFileError, read_yaml

logger = logging.getLogger(__name__)


class UsersFileError(Exception):
    """The users file is unusable. The message is one line and contains no password."""


@dataclass(frozen=True)
class Caller:
    """Who is calling, and what they may do besides reading, uploading and chatting."""

    username: str
    admin: bool = False
    permissions: frozenset[str] = frozenset()
    anonymous: bool = False

    def may_promote(self, environment: str) -> bool:
        """Whether they may put the tag of this environment on a model, or take it from one."""
        return self.admin or promotion_to(environment) in self.permissions


def promotion_to(environment: str) -> str:
    """Return the permission that promoting to an environment requires (Rasa X, Deployment Environments)."""
    return f"environments.{environment}.write"


class User(BaseModel):
    """A user who logs in or has an api token."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    username: str = Field(min_length=1)
    password: SecretStr | None = None
    api_token: SecretStr | None = None
    permissions: frozenset[str] = frozenset()
    """As in Rasa X: `environments.<name>.write` lets a user promote to that environment."""

    @property
    def caller(self) -> Caller:
        """The user as a caller without admin rights."""
        return Caller(self.username, permissions=self.permissions)


class UsersFile(BaseModel):
    """The file of the users."""

    model_config = ConfigDict(extra="forbid")

    users: tuple[User, ...]


class UserStore(Protocol):
    """The current users."""

    @property
    def configured(self) -> bool:
        """Whether there may be any."""
        ...

    def named(self, username: str) -> User | None:
        """Return the user of this name, or None."""
        ...

    def with_api_token(self, api_token: str) -> User | None:
        """Return the user whose api token this is, or None."""
        ...


class NoUsers:
    """No users."""

    configured = False

    def named(self, _: str) -> User | None:
        """Return None."""
        return None

    def with_api_token(self, _: str) -> User | None:
        """Return None."""
        return None


class UsersOfFile:
    """The users in a file, which is read again when it changes. While it cannot be used, there are none.

    Raises UsersFileError if the file cannot be used at the start.
    """

    configured = True

    def __init__(self, file: Path) -> None:
        self._file = file
        self._read_at = _version(file)
        self._users = {user.username: user for user in read_users(file)}

    def named(self, username: str) -> User | None:
        """Return the user of this name, or None."""
        return self._current().get(username)

    def with_api_token(self, api_token: str) -> User | None:
        """Return the user whose api token this is, or None."""
        owners = (
            user
            for user in self._current().values()
            if user.api_token is not None
            and user.api_token.get_secret_value()
            and same_secret(user.api_token.get_secret_value(), api_token)
        )
        return next(owners, None)

    def _current(self) -> Mapping[str, User]:
        version = _version(self._file)
        if version != self._read_at:
            self._read_at = version
            try:
                self._users = {user.username: user for user in read_users(self._file)}
            except UsersFileError as error:
                logger.warning("%s: %s: none of its users are let in", self._file, error)
                self._users = {}
        return self._users


def _version(file: Path) -> tuple[int, int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def read_users(file: Path) -> tuple[User, ...]:
    """Return the users in the file: `users:`, a list of username, password, api_token and permissions.

    Raises UsersFileError if it cannot be read, has another form, or has two users that cannot be told apart.
    """
    try:
        content = read_yaml(file)
        users = TypeAdapter(UsersFile).validate_python(content).users
    except YamlFileError as error:
        raise UsersFileError(str(error)) from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "its top, where `users:` belongs"
        raise UsersFileError(f"it is wrong at {where}: {first['msg']}") from None
    names = [user.username for user in users]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsersFileError(f"it has the user {twice!r} twice")
    tokens = [user.api_token.get_secret_value() for user in users if user.api_token is not None]
    if len(set(tokens)) < len(tokens):
        raise UsersFileError("it has two users with the same api_token: give each one of their own")
    return users
