"""`upload`: sends a model file to the model server."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from rasa_environments.cli.cluster_options import ClusterOptions, Namespace
from rasa_environments.cli.exit_codes import NOT_PERMITTED, UNREACHABLE, ExitCode
from rasa_environments.cli.failures import execute
from rasa_environments.cli.model_server_access import (
    ModelServerName,
    ModelServerOptions,
    TokenFile,
    Url,
    model_server_client,
)
from rasa_environments.cli.tables import console

COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    DownloadColumn(),
    TransferSpeedColumn(),
    TimeRemainingColumn(),
)

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
    model_server: ModelServerName = "default",
    url: Url = None,
    token_file: TokenFile = None,
    namespace: Namespace = None,
) -> None:
    """Upload a model file to a ModelServer, with the credentials that it refers to."""
    size = file.stat().st_size

    async def command() -> None:
        async with model_server_client(where, namespace, ModelServerOptions(model_server, url, token_file)) as server:
            terminal = console(stderr=True)
            if not terminal.is_terminal:
                terminal.print(f"uploading {file.name} ({decimal(size)})")
            with Progress(*COLUMNS, console=terminal, transient=True, disable=not terminal.is_terminal) as shown:
                task = shown.add_task(file.name, total=size)
                name = await server.upload(file, partial(shown.advance, task))
        console().print(f"{name} is uploaded; promote it: kubectl rasa promote {name} ENVIRONMENT")

    execute(command())
