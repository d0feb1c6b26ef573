"""Clients for ModelServers, with the credentials of their Secrets and the authorities to trust."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from rasa_environments.api.base import ObjectKey, SecretData, secret_of
from rasa_environments.api.conditions import Reason
from rasa_environments.api.model_server import ModelServer, ModelServerSpec
from rasa_environments.controller.queue import Kind, Request
from rasa_environments.desired.tls import AUTHORITIES, CertificateSource, agrees_with_scheme
from rasa_environments.domain.certificates import (
    certificates_of,
    context_of,
    source_of_server,
)
from rasa_environments.domain.facts import Problem
from rasa_environments.domain.secret_contents import decoded, missing_credentials
from rasa_environments.domain.secret_values import credentials_secret
from rasa_environments.rasa.address import ModelServerAddress
from rasa_environments.rasa.credentials import Credentials
from rasa_environments.reconcile.ports import Connection, SecretReader

Contents = Mapping[ObjectKey, SecretData | None]
Close = Callable[[], Awaitable[None]]
Open = Callable[[ModelServerAddress, Credentials, ssl.SSLContext | None], tuple[Connection, Close]]
"""Opens a client of a model server, which trusts these authorities, or those of the image (None)."""


@dataclass(frozen=True)
class _Connection:
    address: ModelServerAddress
    credentials: Credentials
    authorities: str | None
    client: Connection
    close: Close


class Clients:
    """Clients by ModelServer; a client is kept, with its login, until address, credentials or authorities change."""

    def __init__(self, secrets: SecretReader, open_client: Open) -> None:
        self._secrets = secrets
        self._open = open_client
        self._clients: dict[ObjectKey, _Connection] = {}
        self._changed: set[ObjectKey] = set()

    async def forget(self, server: ObjectKey) -> None:
        """Close the client of a server that is gone."""
        await _close(self._clients.pop(server, None))
        self._changed.discard(server)

    async def close(self) -> None:
        """Close all clients."""
        for server in list(self._clients):
            await self.forget(server)

    def changed(self, server: ObjectKey) -> bool:
        """Return whether the client was replaced since the last call, due to another address or credentials."""
        changed = server in self._changed
        self._changed.discard(server)
        return changed

    def can_write(self, server: ObjectKey) -> bool:
        """Return whether there are credentials for writing tags."""
        connection = self._clients.get(server)
        return connection is not None and connection.credentials.can_write

    async def connect(self, server: ModelServer) -> Connection | Problem:
        """Return the server's client, or why there is none."""
        key = server.metadata.key
        address = address_of(server.spec)
        source = source_of_server(server)
        secrets = await self._read(server, source)
        credentials = _credentials(server, secrets)
        if isinstance(credentials, Problem):
            await self.forget(key)
            return credentials
        authorities = _authorities(server, source, secrets)
        if isinstance(authorities, Problem):
            await self.forget(key)
            return authorities
        connection = self._clients.get(key)
        wanted = (address, credentials, authorities)
        if connection is not None and (connection.address, connection.credentials, connection.authorities) == wanted:
            return connection.client
        client, close = self._open(address, credentials, None if authorities is None else context_of(authorities))
        self._clients[key] = _Connection(address, credentials, authorities, client, close)
        self._changed.add(key)
        await _close(connection)
        return client

    async def _read(self, server: ModelServer, source: CertificateSource | None) -> Contents:
        """Return the Secrets that the server refers to; their changes enqueue it."""
        credentials = credentials_secret(server)
        names = [
            *([] if credentials is None else [credentials]),
            *([] if source is None else [secret_of(source.secret)]),
        ]
        return await self._secrets.read(Request(Kind.MODEL_SERVER, server.metadata.key), names)


def _credentials(server: ModelServer, secrets: Contents) -> Credentials | Problem:
    secret = credentials_secret(server)
    if secret is None:
        return Credentials()
    data = secrets[secret]
    if data is None:
        return missing_credentials(server, secret)
    values = {name: decoded(value) or None for name, value in data.items()}
    return Credentials(values.get("token"), values.get("apiToken"), values.get("username"), values.get("password"))


def _authorities(server: ModelServer, source: CertificateSource | None, secrets: Contents) -> str | Problem | None:
    """Return the server's own authorities; None to trust those of the image."""
    if not agrees_with_scheme(server.spec.tls, server.spec.url):
        return contradicting_tls(server)
    if source is None:
        return None
    files = certificates_of(secrets[secret_of(source.secret)], source)
    return files if isinstance(files, Problem) else files[AUTHORITIES]


async def _close(connection: _Connection | None) -> None:
    if connection is not None:
        await connection.close()


def contradicting_tls(server: ModelServer) -> Problem:
    """Return the problem that `tls` contradicts the URL."""
    mode = server.spec.tls.mode if server.spec.tls is not None else ""
    scheme = "https" if mode == "Required" else "http"
    return Problem(
        Reason.INVALID_SPEC,
        f"ModelServer {server.metadata.key}: spec.tls.mode {mode} contradicts spec.url {server.spec.url}: make it "
        f"{scheme}, or leave spec.tls out",
    )


def address_of(spec: ModelServerSpec) -> ModelServerAddress:
    """Return the URLs of the server's resources."""
    return ModelServerAddress(spec.url, spec.project, spec.model_path)
