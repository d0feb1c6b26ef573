"""All commands under one name."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import PurePath
from typing import Annotated

import typer

from rasa_environments.cli.can_promote import can_promote
from rasa_environments.cli.import_helm_values import import_helm_values
from rasa_environments.cli.promote import promote
from rasa_environments.cli.render import render
from rasa_environments.cli.rollback import rollback
from rasa_environments.cli.run import run
from rasa_environments.cli.status import status
from rasa_environments.cli.upload import upload

KUBECTL_PLUGIN = "kubectl-rasa"

application = typer.Typer(
    help="Rasa deployment environments on Kubernetes: which model each one serves, and how to change it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (status, promote, rollback, can_promote, upload, render, import_helm_values, run):
    application.command()(command)


def print_version(asked: bool) -> None:
    """Prints the version and ends, where it is asked for."""
    if asked:
        typer.echo(f"rasa-environments {version('rasa-environments')}")
        raise typer.Exit


@application.callback()
def options(
    _version: Annotated[
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Options before the command."""


def main() -> None:
    """Runs the command that the arguments name. As a plugin of kubectl it is called what its users type."""
    name = PurePath(sys.argv[0]).name
    application(prog_name="kubectl rasa" if name == KUBECTL_PLUGIN else "rasa-environments")
