"""References of objects to Secrets."""

from __future__ import annotations

from collections.abc import Iterable

from rasa_environments.api.base import ObjectKey
from rasa_environments.controller.queue import Request


class SecretReferences:
    """The objects that a change of a Secret affects."""

    def __init__(self) -> None:
        self._secrets: dict[Request, frozenset[ObjectKey]] = {}
        self._users: dict[ObjectKey, set[Request]] = {}

    def set(self, user: Request, secrets: Iterable[ObjectKey]) -> None:
        """Replace the Secrets that `user` refers to; without any, it is forgotten."""
        now, before = frozenset(secrets), self._secrets.pop(user, frozenset())
        if now:
            self._secrets[user] = now
        for secret in before - now:
            users = self._users[secret]
            users.discard(user)
            if not users:
                del self._users[secret]
        for secret in now - before:
            self._users.setdefault(secret, set()).add(user)

    def users(self, secret: ObjectKey) -> tuple[Request, ...]:
        """Return the objects that refer to the Secret."""
        return tuple(self._users.get(secret, ()))
