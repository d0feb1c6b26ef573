"""The way from a command to a model server: directly, or through the API server if it is inside the cluster."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from rasa_environments.api.base import ObjectKey
from rasa_environments.cli.access import Session, session
from rasa_environments.cli.cluster_options import ClusterOptions
from rasa_environments.cli.exit_codes import ExitCode
from rasa_environments.cli.failures import CommandError
from rasa_environments.cli.partial import PartialServer
from rasa_environments.cluster.client import ApiError
from rasa_environments.cluster.errors import ConfigurationError
from rasa_environments.cluster.resources import MODEL_SERVERS, SECRETS, SERVICES
from rasa_environments.cluster.service_proxy import ServiceProxy, service_url
from rasa_environments.domain.advice import detailed_message_of
from rasa_environments.rasa.address import ModelServerAddress
from rasa_environments.rasa.credentials import Credentials
from rasa_environments.rasa.errors import RefusedOnTheWayError, ServiceProxyError, UnreachableError
from rasa_environments.rasa.model_server import ModelServerClient
from rasa_environments.rasa.transport import http_client

FORWARD = "forward its port (kubectl port-forward), and name the address by --url"

ModelServerName = Annotated[str, typer.Option("--model-server", help="Name of the ModelServer.")]
Url = Annotated[
    str | None,
    typer.Option(
        help="Address to use from here. Without it, a Service is reached through the API server.",
        show_default="the ModelServer's",
    ),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        help="File with the api token, instead of the Secret of the ModelServer, which you then need not read.",
        exists=True,
        dir_okay=False,
        readable=True,
        show_default="the Secret's `apiToken`",
    ),
]


@dataclass(frozen=True)
class ModelServerOptions:
    """Which model server, and how to reach it."""

    name: str = "default"
    url: str | None = None
    token_file: Path | None = None


@asynccontextmanager
async def model_server_client(
    where: ClusterOptions, namespace: str | None, options: ModelServerOptions
) -> AsyncIterator[ModelServerClient]:
    """Yield a client of the ModelServer.

    Raises ApiError, ConfigurationError, and CommandError for a Secret or token that is missing, and for a server that
    is not reached.
    """
    async with session(where, namespace) as connected:
        server = await connected.get(PartialServer, MODEL_SERVERS, options.name)
        credentials = await _credentials(connected, server, options.token_file)
        proxy = None if options.url or where.source.in_cluster else await _proxy(connected, server)
    if proxy is not None and not all(token.isascii() for token in (credentials.token, credentials.api_token) if token):
        raise CommandError(
            f"ModelServer {server.metadata.key}: a token has characters other than ASCII, which no header carries "
            f"through the API server; use another token, or {FORWARD}"
        )
    url = proxy.url if proxy is not None else options.url or server.spec.url
    address = ModelServerAddress(url, server.spec.project, server.spec.model_path)
    http = http_client() if proxy is None else http_client(authorities=proxy.authorities, headers=proxy.headers)
    async with http:
        try:
            yield ModelServerClient(http, address, credentials, through_api_server=proxy is not None)
        except (UnreachableError, RefusedOnTheWayError) as error:
            message = detailed_message_of(error)
            denied = isinstance(error, ServiceProxyError) and error.status in (401, 403)
            code = ExitCode.REFUSED if denied else ExitCode.FAILED
            raise CommandError(message if options.url else f"{message}; or {FORWARD}", code) from None


async def _proxy(connected: Session, server: PartialServer) -> ServiceProxy | None:
    """Return the way through the API server, or None if the address leads to no Service.

    Raises CommandError if the kubeconfig's own way to the API server cannot be used for it.
    """
    there = service_url(server.spec.url, server.metadata.namespace)
    if there is None or (there.may_be_elsewhere and not await _exists(connected, there.service)):
        return None
    try:
        return await connected.client.service_proxy(there)
    except ConfigurationError as error:
        raise CommandError(f"ModelServer {server.metadata.key}: {error}; {FORWARD}") from None


async def _exists(connected: Session, service: ObjectKey) -> bool:
    """Return whether there is such a Service; False if the user may not know."""
    try:
        return await connected.client.find(SERVICES, service, metadata_only=True) is not None
    except ApiError as error:
        if error.status != 403:
            raise
        return False


async def _credentials(connected: Session, server: PartialServer, token_file: Path | None) -> Credentials:
    """Return the token in the file, else the credentials in the Secret that the ModelServer refers to."""
    if token_file is not None:
        return Credentials(api_token=_token_in(token_file))
    reference = server.spec.credentials_secret_ref
    if reference is None:
        return Credentials()
    key = ObjectKey(server.metadata.namespace, reference.name)
    try:
        secret = await connected.client.get(SECRETS, key)
    except ApiError as error:
        if error.status != 404:
            raise
        raise CommandError(
            f"ModelServer {server.metadata.key}: Secret {key} of credentialsSecretRef not found; "
            "create it with keys token and apiToken",
            ExitCode.NOT_FOUND,
        ) from None
    data = {name: _text(value) for name, value in (secret.get("data") or {}).items()}
    return Credentials(data.get("token"), data.get("apiToken"), data.get("username"), data.get("password"))


def _token_in(file: Path) -> str:
    """Return the token in a file, without the newline at its end. Raises CommandError if it has none."""
    try:
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"--token-file {file} cannot be read ({type(error).__name__}); name another") from None
    if not token or not token.isprintable() or len(token.split()) > 1:
        raise CommandError(f"--token-file {file} does not hold one token on one line; write the api token there")
    return token


def _text(value: str) -> str | None:
    """Return a value of a Secret without the trailing newline that `echo` adds; None if it is not text."""
    try:
        return b64decode(value, validate=True).decode().rstrip("\r\n") or None
    except (binascii.Error, UnicodeDecodeError):
        return None
