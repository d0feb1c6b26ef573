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
from rasa_environments.cli.failures import CommandError, execute
from rasa_environments.cli.model_file import check_model_file
from rasa_environments.cli.model_server_access import (
    ModelServerName,
    ModelServerOptions,
    TokenFile,
    Url,
    model_server_client,
)
from rasa_environments.cli.output import Output, OutputFormat, show
from rasa_environments.cli.tables import console
from rasa_environments.cli.writing import SUFFIXES, DryRun, DryRunOption
from rasa_environments.rasa.listing import MODEL_SUFFIX
from rasa_environments.rasa.model_server import ModelServerClient

COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    DownloadColumn(),
    TransferSpeedColumn(),
    TimeRemainingColumn(),
)

EXIT_CODES = {
    ExitCode.DONE: "the model is on the model server; with --dry-run: nothing is known to prevent it",
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
    dry_run: DryRunOption = DryRun.NONE,
    output: Output = OutputFormat.TEXT,
    namespace: Namespace = None,
) -> None:
    """Upload a model file to a ModelServer, with the credentials that it refers to.

    As JSON and YAML, it prints the `name` and the `size` (bytes) of the model. A dry run reads the file, and checks
    that it is an archive as `rasa train` writes them; --dry-run=server also checks that the model server accepts the
    credentials and has no model of that name. The content is inspected only by the model server.
    """
    size = file.stat().st_size

    async def command() -> None:
        async with model_server_client(where, namespace, ModelServerOptions(model_server, url, token_file)) as server:
            if dry_run is DryRun.NONE:
                name = await send(server, file, size)
                told = f"{name} is uploaded; promote it: kubectl rasa promote {name} ENVIRONMENT"
            else:
                name = await rehearse(server, file, dry_run)
                told = f"POST {server.models_url}: {name} ({decimal(size)}){SUFFIXES[dry_run]}"
        show(output, text=lambda: told, document=lambda: {"name": name, "size": size}, names=[name])

    execute(command())


async def send(server: ModelServerClient, file: Path, size: int) -> str:
    """Upload the file with a progress bar, and return the model's name. Raises RasaError."""
    terminal = console(stderr=True)
    if not terminal.is_terminal:
        terminal.print(f"uploading {file.name} ({decimal(size)})")
    with Progress(*COLUMNS, console=terminal, transient=True, disable=not terminal.is_terminal) as shown:
        task = shown.add_task(file.name, total=size)
        return await server.upload(file, partial(shown.advance, task))


async def rehearse(server: ModelServerClient, file: Path, dry_run: DryRun) -> str:
    """Check what can be checked without sending the file, and return the model's name.

    Raises CommandError and RasaError where the upload would.
    """
    check_model_file(file)
    name = file.name.removesuffix(MODEL_SUFFIX)
    if dry_run is DryRun.SERVER:
        await server.check_write()
        if any(model.name == name for model in await server.models(as_writer=True)):
            raise CommandError(
                f"{server.models_url} already has a model {name}, and a name is never overwritten; rename the file",
                ExitCode.REFUSED,
            )
    return name
