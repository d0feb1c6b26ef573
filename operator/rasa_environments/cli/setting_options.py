"""An option for each setting of the operator: what it says, its type and its default are the setting's own."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, Final

import typer
from pydantic import ValidationError
from typer.models import OptionInfo

from rasa_environments.api.problems import problems
from rasa_environments.cli.cluster_options import ClusterOptions
from rasa_environments.runtime.settings import Settings

VARIABLE_PREFIX: Final = "RASA_ENVIRONMENTS_"
FLAGS: Final = {"namespaces": ("--namespace", "-n"), "allowed_injectors": ("--allowed-injector",)}
"""Of options that may be repeated."""
ELSEWHERE: Final = "credentials"
"""The setting that the options of the cluster make up (`with_cluster_options`)."""


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
    values = {name: () if value is None and name in FLAGS else value for name, value in given.items()}
    try:
        return Settings(credentials=where.source, **values)
    except ValidationError as error:
        raise typer.BadParameter("; ".join(problems(error))) from None


def _options() -> Iterator[inspect.Parameter]:
    """Yield the options, each with its variable RASA_ENVIRONMENTS_<NAME>."""
    for name, field in Settings.model_fields.items():
        if name == ELSEWHERE:
            continue
        repeated = name in FLAGS
        option: OptionInfo = typer.Option(
            None if repeated else field.default,
            *FLAGS.get(name, ()),
            help=field.description,
            envvar=VARIABLE_PREFIX + name.upper(),
            show_envvar=False,
        )
        annotation = list[str] | None if repeated else field.annotation
        yield inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=option, annotation=annotation)
