"""The registry of a Rasa Enterprise, as its administrator sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rasa_environments.api.base import JsonObject
from tests import loopback

USER = "administrator"
PASSWORD = "password-9d41f6"
LOGIN = {"RASA_MODEL_SERVER_USERNAME": USER, "RASA_MODEL_SERVER_PASSWORD": PASSWORD}
"""Variables of a model server that knows the administrator."""


@dataclass(frozen=True)
class Registry:
    """Its environments, read and written by its API."""

    server: str
    """Base address of the Rasa Enterprise."""

    def entries(self) -> list[JsonObject]:
        """Return all entries, in order."""
        answer = loopback.get(self._url, headers=self._login())
        entries: list[JsonObject] = answer.raise_for_status().json()
        return entries

    def names(self) -> set[str]:
        """The names of all that is registered."""
        return {entry["name"] for entry in self.entries()}

    def find(self, name: str) -> dict[str, Any] | None:
        """The entry of that name."""
        return next((entry for entry in self.entries() if entry["name"] == name), None)

    def add(self, entry: JsonObject) -> None:
        """Register one more, as somebody does in the user interface."""
        self._replace([*self.entries(), entry])

    def remove(self, name: str) -> None:
        """Remove an entry if it exists."""
        self._replace([entry for entry in self.entries() if entry["name"] != name])

    def _replace(self, entries: list[JsonObject]) -> None:
        loopback.put(self._url, json=entries, headers=self._login()).raise_for_status()

    @property
    def _url(self) -> str:
        return f"{self.server}/api/environments"

    def _login(self) -> dict[str, str]:
        body = {"username": USER, "password": PASSWORD}
        answer = loopback.post(f"{self.server}/api/auth", json=body).raise_for_status()
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}
