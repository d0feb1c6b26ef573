"""`upload`: sends a model file to the model server."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.model_server import ModelServer
from rasa_environments.cli.access import Session, session
from rasa_environments.cli.cluster_options import ClusterOptions, Namespace
from rasa_environments.cli.exit_codes import NOT_PERMITTED, UNREACHABLE, ExitCode
from rasa_environments.cli.failures import CommandError, execute
from rasa_environments.cli.tables import console
from rasa_environments.cluster.client import ApiError
from rasa_environments.cluster.resources import MODEL_SERVERS, SECRETS
from rasa_environments.domain.advice import detailed_message_of
from rasa_environments.rasa.address import ModelServerAddress
from rasa_environments.rasa.credentials import Credentials
from rasa_environments.rasa.errors import RefusedOnTheWayError, UnreachableError
from rasa_environments.rasa.model_server import ModelServerClient
from rasa_environments.rasa.transport import http_client

COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    DownloadColumn(),
    TransferSpeedColumn(),
    TimeRemainingColumn(),
)
FORWARD = "from outside the cluster, forward its port (kubectl port-forward) and name the address by --url"

EXIT_CODES = {
    ExitCode.DONE: "the model is on the model server",
    ExitCode.FAILED: f"{UNREACHABLE}; the same for the model server",
    ExitCode.REFUSED: f"{NOT_PERMITTED}; or the model server refuses the credentials or the file",
    ExitCode.NOT_FOUND: "the ModelServer, or the Secret that it names, does not exist",
}


def upload(
    file: Annotated[
        Path,
        typer.Argument(help="Model file, *.tar.gz.", exists=True, dir_okay=False, readable=True, show_default=False),
    ],
    where: ClusterOptions,
    model_server: Annotated[str, typer.Option(help="Name of the ModelServer.")] = "default",
    url: Annotated[
        str | None,
        typer.Option(
            help="Address to use from here, if the one in its spec works only inside the cluster.",
            show_default="the ModelServer's",
        ),
    ] = None,
    namespace: Namespace = None,
) -> None:
    """Upload a model file to a ModelServer, with the credentials that it refers to."""
    size = file.stat().st_size

    async def command() -> None:
        async with session(where, namespace) as connected:
            server = await connected.get(ModelServer, MODEL_SERVERS, model_server)
            credentials = await credentials_of(connected, server)
        address = ModelServerAddress(url or server.spec.url, server.spec.project, server.spec.model_path)
        terminal = console(stderr=True)
        if not terminal.is_terminal:
            terminal.print(f"uploading {file.name} ({decimal(size)})")
        with Progress(*COLUMNS, console=terminal, transient=True, disable=not terminal.is_terminal) as shown:
            task = shown.add_task(file.name, total=size)
            name = await send(file, address, credentials, partial(shown.advance, task), inside=url is None)
        console().print(f"{name} is uploaded; promote it: kubectl rasa promote {name} ENVIRONMENT")

    execute(command())


async def credentials_of(connected: Session, server: ModelServer) -> Credentials:
    """Return the credentials in the Secret that the ModelServer refers to; none if it refers to none."""
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


def _text(value: str) -> str | None:
    """Return a value of a Secret without the trailing newline that `echo` adds; None if it is not text."""
    try:
        return b64decode(value, validate=True).decode().rstrip("\r\n") or None
    except (binascii.Error, UnicodeDecodeError):
        return None


async def send(
    file: Path, address: ModelServerAddress, credentials: Credentials, sent: Callable[[int], None], *, inside: bool
) -> str:
    """Upload the file and return the model's name; `inside` marks a cluster-internal URL."""
    async with http_client() as http:
        try:
            return await ModelServerClient(http, address, credentials).upload(file, sent)
        except (UnreachableError, RefusedOnTheWayError) as error:
            message = detailed_message_of(error)
            raise CommandError(f"{message}; {FORWARD}" if inside else message) from None
