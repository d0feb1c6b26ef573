"""A docker-compose project: its file with the variables of the environment, of `.env` and of `env_file`.

Source: docs.docker.com, "Environment variables precedence", and "env_file" in the reference of the Compose file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from rasa_chart_import.compose.env_file import Variable, raw_variables_of, variables_of
from rasa_chart_import.compose.interpolation import Interpolated, TemplateError, Unset, interpolated
from rasa_chart_import.compose.reading import SERVICES, prepared, rasa_servers
from rasa_chart_import.findings import Path, shown
from rasa_chart_import.loading import Values, ValuesError

ENV_FILE = ".env"
Read = Callable[[FilePath], str | None]
"""Returns the text of a file; None if there is none."""


@dataclass(frozen=True)
class Surroundings:
    """Where a project is, and what is set there."""

    directory: FilePath
    """The directory of the first file, which paths in it are relative to."""
    environment: Mapping[str, str] = field(repr=False)
    env_files: Sequence[FilePath]
    """Files that replace `.env`."""
    read: Read


@dataclass
class _Project:
    """A project as far as it is read."""

    surroundings: Surroundings
    variables: dict[str, Variable] = field(default_factory=dict, repr=False)
    looked_in: list[str] = field(default_factory=list)
    """The files of variables that are there."""
    places: dict[Path, str] = field(default_factory=dict)
    notes: dict[Path, str] = field(default_factory=dict)

    def lookup(self, name: str) -> str | None:
        """Return a variable of the project: the environment comes before files."""
        found = self.surroundings.environment.get(name)
        return self.variables[name].value if found is None and name in self.variables else found


def resolved(values: Values, surroundings: Surroundings) -> Values:
    """Return the values with their variables replaced, and with what the files of `env_file` set.

    The notes name each variable that is set nowhere, and where it was looked for. Raises ValuesError for a file that
    docker compose would refuse.
    """
    project = _Project(surroundings, places=dict(values.places))
    try:
        _read_variables(project)
        found: Any = _interpolated(project, values.values, ())
        found = prepared(found)
        if not isinstance(found.get(SERVICES), Mapping):
            return Values(found, project.places, project.notes)
        services = dict(found[SERVICES])
        for name in rasa_servers(found):
            services[name] = _with_env_files(project, name, services[name])
    except ValuesError:
        raise
    except ValueError as error:
        raise ValuesError(f"{error}; see docs.docker.com, Syntax for environment files") from None
    return Values({**found, SERVICES: services}, project.places, project.notes)


def _read_variables(project: _Project) -> None:
    """Read `.env`, or what is named in place of it; a later file takes precedence."""
    named = project.surroundings.env_files
    for file in named or [project.surroundings.directory / ENV_FILE]:
        text = project.surroundings.read(file)
        if text is None and named:
            raise ValuesError(f"--env-file {file} not found: check the path")
        if text is not None:
            project.looked_in.append(str(file))
            project.variables |= variables_of(str(file), text, project.lookup)


def _interpolated(project: _Project, value: Any, path: Path) -> Any:
    """Return a value with the variables in each of its texts replaced; a list is one value of the report."""
    if isinstance(value, Mapping):
        return {key: _interpolated(project, inner, (*path, key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [_within(project, item, path) for item in value]
    return _text(project, value, path) if isinstance(value, str) else value


def _within(project: _Project, item: Any, path: Path) -> Any:
    if isinstance(item, Mapping):
        return {key: _within(project, inner, path) for key, inner in item.items()}
    if isinstance(item, list):
        return [_within(project, inner, path) for inner in item]
    return _text(project, item, path) if isinstance(item, str) else item


def _text(project: _Project, text: str, path: Path) -> str:
    try:
        found = interpolated(text, project.lookup)
    except TemplateError as error:
        raise ValuesError(f"{_place(project, path)}: {shown(path)}: {error}") from None
    note = _note(project, found)
    if note is not None:
        before = project.notes.get(path)
        project.notes[path] = note if before is None else f"{before}; {note}"
    return Unset(found.text) if found.unset else found.text


def _place(project: _Project, path: Path) -> str:
    return next((project.places[path[:end]] for end in range(len(path), 0, -1) if path[:end] in project.places), "")


def _note(project: _Project, found: Interpolated) -> str | None:
    """Return which variables are set nowhere, or have their default since there is no file of variables at all."""
    if found.unset:
        where = " nor in ".join(["neither in the environment", *(project.looked_in or [f"a file {ENV_FILE}"])])
        return f"{_listed(found.unset)} set {where}"
    if found.by_default and not project.looked_in:
        names = ", ".join(dict.fromkeys(found.by_default))
        return f"by the default that the file has for {names}, as there is no {ENV_FILE}"
    return None


def _listed(names: Sequence[str]) -> str:
    distinct = list(dict.fromkeys(names))
    return f"{', '.join(distinct)} {'is' if len(distinct) == 1 else 'are'}"


def _with_env_files(project: _Project, name: str, service: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a service whose `environment` has what its files set, too, and the values of variables without one."""
    place = (SERVICES, name)
    own = service.get("environment")
    own = dict(own) if isinstance(own, Mapping) else {}
    variables = {key: project.lookup(key) if value is None else value for key, value in own.items()}
    from_files: dict[str, Variable] = {}
    missing: list[str] = []

    def known(variable: str) -> str | None:
        found = project.lookup(variable)
        return found if found is not None or variables.get(variable) is None else str(variables[variable])

    for file, required, raw in _env_files(service):
        text = project.surroundings.read(project.surroundings.directory / file)
        if text is None:
            missing += [file] if required else []
            continue
        for variable, read in (raw_variables_of(text) if raw else variables_of(file, text, known)).items():
            from_files[variable] = read
            if variable not in own:
                project.places[(*place, "environment", variable)] = f"{file}:{read.line}"
    if missing:
        project.notes[(*place, "env_file")] = f"not found in {project.surroundings.directory}: {', '.join(missing)}"
    read_through = {key: value for key, value in service.items() if key != "env_file" or missing}
    merged = {key: read.value for key, read in from_files.items()} | variables
    return {**read_through, **({"environment": merged} if merged else {})}


def _env_files(service: Mapping[str, Any]) -> Iterator[tuple[str, bool, bool]]:
    """Yield the files that a service names, each with whether it has to be there, and whether it is raw."""
    given = service.get("env_file")
    for each in given if isinstance(given, list) else [given]:
        if isinstance(each, str):
            yield each, True, False
        elif isinstance(each, Mapping) and isinstance(path := each.get("path"), str):
            yield path, each.get("required") is not False, each.get("format") == "raw"
