"""Opens clients of model servers, on a shared pool of connections or on one with authorities of its own."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable

from rasa_environments.rasa.address import ModelServerAddress
from rasa_environments.rasa.credentials import Credentials
from rasa_environments.rasa.model_server import ModelServerClient
from rasa_environments.rasa.transport import HttpClient

Close = Callable[[], Awaitable[None]]
ClientsThatTrust = Callable[[ssl.SSLContext], HttpClient]
"""Creates a client for servers whose certificates these authorities have signed."""


class Connector:
    """Opens clients; those without own authorities share `http`."""

    def __init__(self, http: HttpClient, trusting: ClientsThatTrust) -> None:
        self._http = http
        self._trusting = trusting

    def open(
        self, address: ModelServerAddress, credentials: Credentials, authorities: ssl.SSLContext | None
    ) -> tuple[ModelServerClient, Close]:
        """Return a client, and how to close the connections that it shares with no other."""
        pool = None if authorities is None else self._trusting(authorities)
        client = ModelServerClient(pool or self._http, address, credentials)
        return client, _nothing if pool is None else pool.aclose


async def _nothing() -> None:
    """Leave the shared connections open."""
