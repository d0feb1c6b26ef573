"""What `kubectl rasa` completes from: its commands, options and arguments, read from the application."""

from collections.abc import Iterator
from enum import Enum
from typing import Any, Final, Literal, get_args, get_origin

import typer.main
from pydantic import TypeAdapter

from rasa_environments.cli.application import application
from rasa_environments.cli.completion.words import Command, Option, Source, Values

COMMAND: Final = TypeAdapter(Command)
SOURCES: Final = {
    "actions": Source.NONE,
    "cluster": Source.CLUSTERS,
    "context": Source.CONTEXTS,
    "environment": Source.ENVIRONMENTS,
    "model": Source.MODELS,
    "model_server": Source.MODEL_SERVERS,
    "namespace": Source.NAMESPACES,
    "namespaces": Source.NAMESPACES,
    "lease_namespace": Source.NAMESPACES,
    "operator_namespace": Source.NAMESPACES,
    "tag": Source.TAGS,
    "user": Source.USERS,
    "kubeconfig": Source.FILES,
    "directory": Source.FILES,
    "file": Source.FILES,
    "values": Source.FILES,
    "env_file": Source.FILES,
    "token_file": Source.FILES,
}
"""Where the values of a parameter come from, by its name."""
SOURCES_OF: Final = {("rollback", "to"): Source.HISTORY, ("status", "name"): Source.ENVIRONMENTS}
"""The same where the name alone does not tell."""
SPECIAL: Final = str.maketrans(dict.fromkeys("`$\"'\\", ""))
"""Left out of descriptions, which some shells evaluate."""


def completion_table() -> str:
    """Return the file with the commands, as JSON with a line for each."""
    group: Any = typer.main.get_command(application)
    lines = (COMMAND.dump_json(_command(name, command)).decode() for name, command in group.commands.items())
    return "[\n" + ",\n".join(lines) + "\n]\n"


def _command(name: str, command: Any) -> Command:
    parameters = list(command.params)
    arguments = [each for each in parameters if each.param_type_name == "argument"]
    options = [each for each in parameters if each.param_type_name == "option"]
    return Command(
        name,
        tuple(option for each in options for option in _options(name, each)),
        tuple((each.name, _values(name, each)) for each in arguments),
    )


def _options(command: str, parameter: Any) -> Iterator[Option]:
    """Yield the option; of a switch that can be turned off, one for each way."""
    text = (parameter.help or "").partition(". ")[0].partition("\n")[0].rstrip(".").translate(SPECIAL)
    values = None if parameter.is_flag else _values(command, parameter)
    yield Option(tuple(parameter.opts), text, values, parameter.multiple)
    if parameter.secondary_opts:
        yield Option(tuple(parameter.secondary_opts), text)


def _values(command: str, parameter: Any) -> Values:
    source = SOURCES_OF.get((command, parameter.name)) or SOURCES.get(parameter.name, Source.NONE)
    return Values(source, _choices(parameter.type_descriptor.annotation))


def _choices(annotation: Any) -> tuple[str, ...]:
    """Return the words that a type allows; none for a type of which there are too many values."""
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return tuple(str(each.value) for each in annotation)
    return tuple(map(str, get_args(annotation))) if get_origin(annotation) is Literal else ()
