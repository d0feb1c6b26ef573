"""A client for each ModelServer, with the credentials of its Secret."""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.model_server import ModelServer, ModelServerSpec
from rasa_environments.cluster.secrets import Secrets
from rasa_environments.judge.findings import Problem
from rasa_environments.rasa.address import ModelServerAddress
from rasa_environments.rasa.credentials import Credentials
from rasa_environments.rasa.model_server import ModelServerClient
from rasa_environments.reconcile.queue import Kind, Request
from rasa_environments.reconcile.references import SecretReferences
from rasa_environments.reconcile.secret_values import decoded, missing_credentials


@dataclass(frozen=True)
class _Connection:
    address: ModelServerAddress
    credentials: Credentials
    client: ModelServerClient


class Connections:
    """Clients by ModelServer; a client is kept, with its login, until the address or the credentials change."""

    def __init__(self, http: httpx.AsyncClient, secrets: Secrets, references: SecretReferences) -> None:
        self._http = http
        self._secrets = secrets
        self._references = references
        self._connections: dict[ObjectKey, _Connection] = {}
        self._renewed: set[ObjectKey] = set()

    def forget(self, server: ObjectKey) -> None:
        """Drops the client of a server that is gone."""
        self._connections.pop(server, None)
        self._renewed.discard(server)

    def renewed(self, server: ObjectKey) -> bool:
        """Whether the client is another than at the last call: the address or the credentials changed."""
        renewed = server in self._renewed
        self._renewed.discard(server)
        return renewed

    def can_write(self, server: ObjectKey) -> bool:
        """Whether there are credentials that write tags."""
        connection = self._connections.get(server)
        return connection is not None and connection.credentials.can_write

    async def connect(self, server: ModelServer) -> ModelServerClient | Problem:
        """The server's client, or why there is none."""
        key = server.metadata.key
        address = address_of(server.spec)
        credentials = await self._credentials(server)
        if isinstance(credentials, Problem):
            self.forget(key)
            return credentials
        connection = self._connections.get(key)
        if connection is None or (connection.address, connection.credentials) != (address, credentials):
            client = ModelServerClient(self._http, address, credentials)
            connection = self._connections[key] = _Connection(address, credentials, client)
            self._renewed.add(key)
        return connection.client

    async def _credentials(self, server: ModelServer) -> Credentials | Problem:
        reference = server.spec.credentials_secret_ref
        user = Request(Kind.MODEL_SERVER, server.metadata.key)
        if reference is None:
            self._references.set(user, ())
            return Credentials()
        secret = ObjectKey(server.metadata.namespace, reference.name)
        self._references.set(user, (secret,))
        data = await self._secrets.read(secret)
        if data is None:
            return missing_credentials(server, secret)
        values = {name: decoded(value) or None for name, value in data.items()}
        return Credentials(values.get("token"), values.get("apiToken"), values.get("username"), values.get("password"))


def address_of(spec: ModelServerSpec) -> ModelServerAddress:
    """Where the server's resources live."""
    return ModelServerAddress(spec.url, spec.project, spec.model_path)
