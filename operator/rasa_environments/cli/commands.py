"""The commands, each imported when it is asked for: `run` needs none of what the others print with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from typing import Annotated, Final

import typer

from rasa_environments.cli.cluster_options import with_cluster_options
from rasa_environments.cli.exit_codes import ExitCode, listed

MODULES: Final[Mapping[str, str]] = {
    "status": "rasa_environments.cli.status",
    "doctor": "rasa_environments.cli.doctor",
    "promote": "rasa_environments.cli.promote",
    "rollback": "rasa_environments.cli.rollback",
    "history": "rasa_environments.cli.history",
    "approve": "rasa_environments.cli.approve",
    "resume": "rasa_environments.cli.resume",
    "freeze": "rasa_environments.cli.freeze",
    "verification": "rasa_environments.cli.verification",
    "retry": "rasa_environments.cli.retry",
    "can-promote": "rasa_environments.cli.can_promote",
    "upgrade-plan": "rasa_environments.cli.upgrade_plan",
    "upload": "rasa_environments.cli.upload",
    "models": "rasa_environments.cli.models",
    "backup": "rasa_environments.cli.backup",
    "restore": "rasa_environments.cli.restore",
    "render": "rasa_environments.cli.render",
    "import": "rasa_chart_import.command",
    "run": "rasa_environments.cli.run",
}
"""The module of each command, in the order of their help."""
OPTIONAL: Final = "import"
"""The command of another package, which the operator's image does without."""
OFFLINE: Final = frozenset({"import", "render"})
"""Commands that make no request to an API server."""


def application_of(names: Iterable[str] = MODULES) -> typer.Typer:
    """Return an application with these commands."""
    application = typer.Typer(
        help="Rasa deployment environments on Kubernetes: which model each one serves, and how to change it.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    application.callback()(options)
    for name in names:
        if name != OPTIONAL or find_spec(MODULES[name].partition(".")[0]) is not None:
            command, exit_codes = _command(name)
            application.command(name, epilog=listed(exit_codes))(command)
    return application


def _command(name: str) -> tuple[Callable[..., None], Mapping[ExitCode, str]]:
    """Return the function of a command, and what its exit codes mean."""
    module = import_module(MODULES[name])
    function = getattr(module, "import_" if name == OPTIONAL else name.replace("-", "_"))
    return function if name in OFFLINE else with_cluster_options(function), module.EXIT_CODES


def print_version(asked: bool) -> None:
    """Print the version and exit, if requested."""
    if asked:
        typer.echo(f"rasa-environments {version('rasa-environments')}")
        raise typer.Exit


def options(
    _version: Annotated[
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Accept the options before the command."""
