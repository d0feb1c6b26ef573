"""`models`: what a model server has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.filesize import decimal

from rasa_environments.cli.cluster_options import ClusterOptions, Namespace
from rasa_environments.cli.exit_codes import NOT_PERMITTED, UNREACHABLE, ExitCode
from rasa_environments.cli.failures import execute
from rasa_environments.cli.layout import Cell, Column, Table
from rasa_environments.cli.model_server_access import (
    ModelServerName,
    ModelServerOptions,
    TokenFile,
    Url,
    model_server_client,
)
from rasa_environments.cli.output import Output, OutputFormat, show
from rasa_environments.rasa.listing import Model

RFC_3339 = "%Y-%m-%dT%H:%M:%SZ"
EXIT_CODES = {
    ExitCode.DONE: "the models are listed",
    ExitCode.FAILED: f"{UNREACHABLE}; the same for the model server",
    ExitCode.REFUSED: f"{NOT_PERMITTED}; or the model server refuses the credentials",
    ExitCode.NOT_FOUND: "there are no such models; or the ModelServer, or the Secret that it names, does not exist",
}


def models(
    where: ClusterOptions,
    tag: Annotated[
        str | None, typer.Option(help="Only the model that has this tag.", show_default="every model")
    ] = None,
    output: Output = OutputFormat.TEXT,
    model_server: ModelServerName = "default",
    url: Url = None,
    token_file: TokenFile = None,
    namespace: Namespace = None,
) -> None:
    """List the models of a ModelServer, the last trained first, with their tags.

    As JSON and YAML, each model has `name`, `hash`, `version` (of Rasa), `trainedAt` and `uploadedAt` (RFC 3339, UTC),
    `tags` and `size` (bytes); what the server does not say is null.
    """

    async def command() -> None:
        options = ModelServerOptions(model_server, url, token_file)
        async with model_server_client(where, namespace, options) as server:
            listed = await server.models(as_writer=token_file is not None)
        found = last_trained_first(model for model in listed if tag is None or tag in model.tags)
        show(
            output,
            text=lambda: drawn(found) if found else "no models found; upload one: kubectl rasa upload FILE",
            document=lambda: [as_json(model) for model in found],
            names=(model.name for model in found),
        )
        raise typer.Exit(ExitCode.DONE if found else ExitCode.NOT_FOUND)

    execute(command())


def last_trained_first(found: Iterable[Model]) -> tuple[Model, ...]:
    """Return the models in the order of their training; those of unknown age come last, by name."""
    return tuple(sorted(found, key=lambda model: (-(model.trained_at or 0), model.name)))


def as_json(model: Model) -> dict[str, object]:
    """Return a model as its JSON: times in RFC 3339 (UTC), sizes in bytes, null for what the server does not say."""
    return {
        "name": model.name,
        "hash": model.hash,
        "version": model.version,
        "trainedAt": _formatted(model.trained_at, RFC_3339),
        "uploadedAt": _formatted(model.uploaded_at, RFC_3339),
        "tags": sorted(model.tags),
        "size": model.size,
    }


def drawn(found: Sequence[Model]) -> Table:
    """Return the table of the models."""
    columns = (
        Column("MODEL"),
        Column("VERSION", leaves=2),
        Column("TRAINED (UTC)", leaves=3),
        Column("SIZE", leaves=1),
        Column("TAGS", wraps=True),
    )
    return Table(
        columns,
        [
            (
                Cell(model.name),
                Cell(model.version or "-"),
                Cell(_formatted(model.trained_at, "%Y-%m-%d %H:%M") or "-"),
                Cell(decimal(model.size) if model.size is not None else "-"),
                Cell(", ".join(sorted(model.tags)), "green") if model.tags else Cell("-", "dim"),
            )
            for model in found
        ],
    )


def _formatted(time: float | None, layout: str) -> str | None:
    return None if time is None else datetime.fromtimestamp(time, UTC).strftime(layout)
