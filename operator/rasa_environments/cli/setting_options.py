"""An option and a variable for each setting of the operator, with the setting's own type, default and description.

typer reads both, so pydantic-settings would add a second reader of variables, and nothing else.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, Final

import typer
from pydantic import ValidationError
from typer.models import OptionInfo

from rasa_environments.api.durations import format_duration
from rasa_environments.api.problems import problems
from rasa_environments.cli.cluster_options import ClusterOptions
from rasa_environments.cli.duration_option import METAVAR, seconds
from rasa_environments.runtime.settings import Settings, unset_meaning

VARIABLE_PREFIX: Final = "RASA_ENVIRONMENTS_"
REPEATED: Final = {"namespaces": ("--namespace", "-n"), "allowed_injectors": ("--allowed-injector",)}
"""Flags of the options that may be given several times."""
CREDENTIALS: Final = "credentials"
"""The setting that the options for the cluster make up (`with_cluster_options`)."""


def with_setting_options(command: Callable[[Settings], None]) -> Callable[..., None]:
    """Return the command, with an option for each setting and a parameter `where` in place of the settings."""

    @wraps(command)
    def wrapped(where: ClusterOptions, **given: Any) -> None:
        command(settings_of(where, given))

    where = inspect.Parameter("where", inspect.Parameter.KEYWORD_ONLY, annotation=ClusterOptions)
    parameters = [where, *_options()]
    wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {each.name: each.annotation for each in parameters}
    return wrapped


def settings_of(where: ClusterOptions, given: dict[str, Any]) -> Settings:
    """Return the settings for the values of all options. Raises typer.BadParameter where they do not fit."""
    values = {name: () if value is None and name in REPEATED else value for name, value in given.items()}
    try:
        return Settings(credentials=where.source, **values)
    except ValidationError as error:
        raise typer.BadParameter("; ".join(problems(error))) from None


def flags(setting: str) -> tuple[str, ...]:
    """Return the flags of a setting's option, `--log-format`; of a switch, the one that turns it on."""
    return REPEATED.get(setting, (f"--{setting.replace('_', '-')}",))


def variable(setting: str) -> str:
    """Return the variable of a setting: RASA_ENVIRONMENTS_LOG_FORMAT."""
    return VARIABLE_PREFIX + setting.upper()


def _options() -> Iterator[inspect.Parameter]:
    """Yield the options, as typer reads them from the parameters of a function."""
    for name, field in Settings.model_fields.items():
        if name == CREDENTIALS:
            continue
        repeated = name in REPEATED
        option: OptionInfo = typer.Option(
            None if repeated else field.default,
            *(flags(name) if repeated else ()),
            help=field.description,
            envvar=variable(name),
            show_envvar=False,
            show_default=unset_meaning(field) or True,
        )
        if field.annotation is float:
            option.parser, option.metavar, option.show_default = seconds, METAVAR, format_duration(field.default)
        annotation = list[str] | None if repeated else field.annotation
        yield inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=option, annotation=annotation)
