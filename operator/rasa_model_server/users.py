"""Users beside the one of `--username-file`: people who may promote to some environments only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError


class UsersFileError(Exception):
    """The users cannot be used. The message is one line, without anything of a password."""


class User(BaseModel):
    """Somebody who logs in, or has an api token."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    username: str = Field(min_length=1)
    password: SecretStr | None = None
    api_token: SecretStr | None = None
    permissions: frozenset[str] = frozenset()
    """As in Rasa X: `environments.<name>.write` lets a user promote to that environment."""


class UsersFile(BaseModel):
    """The file of the users."""

    model_config = ConfigDict(extra="forbid")

    users: tuple[User, ...]


@dataclass(frozen=True)
class Caller:
    """Who is calling, and what they may do beside reading, uploading and chatting."""

    username: str
    admin: bool = False
    permissions: frozenset[str] = frozenset()

    def may_promote(self, environment: str) -> bool:
        """Whether they may put the tag of this environment on a model, or take it from one."""
        return self.admin or promotion_to(environment) in self.permissions


def promotion_to(environment: str) -> str:
    """Return the permission that promoting to an environment takes (Rasa X, Deployment Environments)."""
    return f"environments.{environment}.write"


def read_users(file: Path) -> tuple[User, ...]:
    """Return the users in the file: `users:`, a list of username, password, api_token and permissions.

    Raises:
        UsersFileError: it cannot be read, is of another form, or two of them cannot be told apart.
    """
    try:
        content: object = yaml.safe_load(file.read_text(encoding="utf-8"))
        users = TypeAdapter(UsersFile).validate_python(content).users
    except (OSError, UnicodeDecodeError) as error:
        raise UsersFileError(f"it cannot be read ({type(error).__name__})") from None
    except yaml.YAMLError:
        # The error's own text quotes the line, which may hold a password.
        raise UsersFileError("it is not YAML") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "its top, where `users:` belongs"
        raise UsersFileError(f"it is wrong at {where}: {first['msg']}") from None
    names = [user.username for user in users]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsersFileError(f"it has the user {twice!r} twice")
    return users
