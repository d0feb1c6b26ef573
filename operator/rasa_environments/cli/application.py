"""All commands in one application."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import PurePath
from typing import Annotated, Final, TypeAlias

import typer

from rasa_environments.cli import (
    approve,
    can_promote,
    models,
    promote,
    render,
    resume,
    rollback,
    run,
    status,
    upload,
)
from rasa_environments.cli.cluster_options import with_cluster_options
from rasa_environments.cli.exit_codes import ExitCode, listed

KUBECTL_PLUGIN = "kubectl-rasa"
Command: TypeAlias = tuple[Callable[..., None], Mapping[ExitCode, str]]
"""A command, with what its exit codes mean."""

application = typer.Typer(
    help="Rasa deployment environments on Kubernetes: which model each one serves, and how to change it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMANDS: Final[tuple[Command, ...]] = (
    (with_cluster_options(status.status), status.EXIT_CODES),
    (with_cluster_options(promote.promote), promote.EXIT_CODES),
    (with_cluster_options(rollback.rollback), rollback.EXIT_CODES),
    (with_cluster_options(approve.approve), approve.EXIT_CODES),
    (with_cluster_options(resume.resume), resume.EXIT_CODES),
    (with_cluster_options(can_promote.can_promote), can_promote.EXIT_CODES),
    (with_cluster_options(upload.upload), upload.EXIT_CODES),
    (with_cluster_options(models.models), models.EXIT_CODES),
    (render.render, render.EXIT_CODES),
    (with_cluster_options(run.run), run.EXIT_CODES),
)
IMPORTER: Final = "rasa_chart_import"
"""The package with one more command; the operator's image does without it."""


def commands() -> Iterator[Command]:
    """Yield the commands in the order of their help."""
    yield from COMMANDS[:-1]
    if find_spec(IMPORTER) is not None:
        importer = import_module(f"{IMPORTER}.command")
        yield importer.import_, importer.EXIT_CODES
    yield COMMANDS[-1]


for command, exit_codes in commands():
    application.command(epilog=listed(exit_codes))(command)


def print_version(asked: bool) -> None:
    """Print the version and exit, if requested."""
    if asked:
        typer.echo(f"rasa-environments {version('rasa-environments')}")
        raise typer.Exit


@application.callback()
def options(
    _version: Annotated[
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Accept the options before the command."""


def main() -> None:
    """Run the command in the arguments; as a kubectl plugin, its name in help texts is `kubectl rasa`."""
    name = PurePath(sys.argv[0]).name
    application(prog_name="kubectl rasa" if name == KUBECTL_PLUGIN else "rasa-environments")
