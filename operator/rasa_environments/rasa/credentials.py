"""Credentials of a model server, kept out of every text."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Credentials:
    """The three credentials of a model server's HTTP API; `repr` shows which are set, never their values.

    The service token works only as `?token=` and only for reading; an API token (`?api_token=`) or a user's JWT also
    allows writing.
    """

    token: str | None = field(default=None, repr=False)
    api_token: str | None = field(default=None, repr=False)
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        given = [name for name in ("token", "api_token", "username", "password") if getattr(self, name)]
        return f"Credentials({', '.join(given) or 'none'})"

    @property
    def has_login(self) -> bool:
        """Whether they allow a user to log in."""
        return bool(self.username and self.password)

    @property
    def can_write(self) -> bool:
        """Whether they allow writing tags and models: an API token, or a user name with its password."""
        return bool(self.api_token) or self.has_login

    @property
    def secrets(self) -> tuple[str, ...]:
        """All values that must not appear in a text."""
        return tuple(value for value in (self.token, self.api_token, self.password) if value)
