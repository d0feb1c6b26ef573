"""environments.yml, as Rasa X before 1.0 reads it at its start."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from rasa_model_server.rasa_x.environment_rules import PRODUCTION, WORKER, registration_problem
from rasa_model_server.storage import EnvironmentRecord
from rasa_model_server.yaml_file import YamlFileError, read_yaml

_REQUIRED = (PRODUCTION, WORKER)
_VARIABLE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}")
_FORM = "write `rasa:`, and below it `<name>: {url: http://host:5005, token: ${RASA_TOKEN}}` for each environment"


class EnvironmentsFileError(Exception):
    """environments.yml cannot be used. The message is one line, without anything of a token."""


def read_environments(file: Path, variables: Mapping[str, str] = os.environ) -> tuple[EnvironmentRecord, ...]:
    """Return the environments in the file, with `${VARIABLE}` replaced by its value.

    Raises EnvironmentsFileError if it cannot be read, has another form, has no production or worker, or names a
    variable that is not set.
    """
    try:
        content = read_yaml(file)
    except YamlFileError as error:
        raise EnvironmentsFileError(str(error)) from None
    return environments_of(content, variables)


def environments_of(content: object, variables: Mapping[str, str]) -> tuple[EnvironmentRecord, ...]:
    """Return the environments in the content of such a file.

    Raises EnvironmentsFileError, as `read_environments`.
    """
    entries = content.get("rasa") if isinstance(content, dict) else None
    if not isinstance(entries, dict) or not entries:
        raise EnvironmentsFileError(f"it has no key `rasa` with environments: {_FORM}")
    missing = [name for name in _REQUIRED if name not in entries]
    if missing:
        raise EnvironmentsFileError(
            f"it has no environment called {' and none called '.join(missing)}: Rasa X always wants both "
            f"{' and '.join(_REQUIRED)}"
        )
    environments = tuple(_environment(str(name), entry, variables) for name, entry in entries.items())
    problem = registration_problem(environments)
    if problem is not None:
        raise EnvironmentsFileError(problem)
    return environments


def _environment(name: str, entry: object, variables: Mapping[str, str]) -> EnvironmentRecord:
    if not isinstance(entry, dict) or not isinstance(entry.get("url"), str):
        raise EnvironmentsFileError(f"its environment {name!r} has no url: {_FORM}")
    token = entry.get("token")
    if token is not None and not isinstance(token, str):
        raise EnvironmentsFileError(f"the token of its environment {name!r} is not text: put it in quotes")
    return EnvironmentRecord(
        name=name, url=_expanded(name, entry["url"], variables), token=_expanded(name, token or "", variables)
    )


def _expanded(name: str, text: str, variables: Mapping[str, str]) -> str:
    unset = next((found["name"] for found in _VARIABLE.finditer(text) if found["name"] not in variables), None)
    if unset is not None:
        raise EnvironmentsFileError(
            f"its environment {name!r} names ${{{unset}}}, and there is no such variable: set it"
        )
    return _VARIABLE.sub(lambda found: variables[found["name"]], text)
