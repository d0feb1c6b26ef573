"""The Secrets that objects refer to: a change of one enqueues its users."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping

from rasa_environments.api.base import ObjectKey, SecretData
from rasa_environments.controller.queue import Request
from rasa_environments.controller.secret_references import SecretReferences


class ReferencedSecrets:
    """Reads Secrets by `read` (`cluster.secrets.Secrets.read`), and remembers who refers to them."""

    def __init__(self, read: Callable[[ObjectKey], Awaitable[SecretData | None]], references: SecretReferences) -> None:
        self._read = read
        self._references = references

    async def read(self, user: Request, names: Collection[ObjectKey]) -> Mapping[ObjectKey, SecretData | None]:
        """Return the content of each, None for a missing one; `user` is enqueued when one of them changes.

        They replace those that `user` referred to before. Raises ApiError.
        """
        self._references.set(user, names)
        return {name: await self._read(name) for name in names}
