"""`import`: the resources for a values file of one of the vendor's charts, or a docker-compose file."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path as FilePath
from typing import Annotated

import typer

from rasa_chart_import.all_sources import SOURCES
from rasa_chart_import.chart_facts import Version, version_of
from rasa_chart_import.compose.project import Surroundings, resolved
from rasa_chart_import.compose.reading import SERVICES, mergeable
from rasa_chart_import.loading import Values, ValuesError, merged
from rasa_chart_import.recognition import UnrecognisedError, recognised, required
from rasa_chart_import.report import is_complete, report
from rasa_chart_import.sources import HelmRelease, Imported, Source, SourceName, imported
from rasa_environments.api.base import DNS_LABEL, JsonObject
from rasa_environments.cli.exit_codes import ExitCode
from rasa_environments.cli.failures import CommandError, fail
from rasa_environments.cli.input_files import STANDARD_INPUT, shown, text_of
from rasa_environments.cli.output import Objects, show_objects

EXIT_CODES = {
    ExitCode.DONE: "the resources are printed, and nothing of the file is left to do",
    ExitCode.FAILED: "a file is not of a supported kind, or an option is wrong; nothing is printed",
    ExitCode.NOT_FOUND: "there is no such file",
    ExitCode.PARTIAL: "the resources are printed, and standard error names what is not in them",
}
LONGEST_RELEASE = 53
"""Maximum length of a release name in Helm."""
VERSIONED_CHART = re.compile(r"(rasa-x|rasa)-(?=[0-9])")
"""What `helm list` prints before the version."""


def import_(  # noqa: PLR0913, PLR0917 - typer makes an option of each
    file: Annotated[str, typer.Argument(help="Values file or docker-compose file, or - for standard input.")],
    more: Annotated[
        list[str] | None, typer.Option("--values", "-f", help="A further file, merged over those before it.")
    ] = None,
    source: Annotated[
        SourceName | None,
        typer.Option(
            "--from",
            help="What the file is for: the chart rasa-x, the chart rasa (1.x, open source), the chart rasa for Rasa "
            "Pro, or docker-compose; by default it is recognised.",
        ),
    ] = None,
    release: Annotated[str, typer.Option("--release", help="Name of the Helm release.")] = "rasa-x",
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Namespace of the Helm release.")] = "default",
    env_files: Annotated[
        list[FilePath] | None,
        typer.Option("--env-file", help="File of variables, in place of .env beside the docker-compose file."),
    ] = None,
    chart_version: Annotated[
        str | None,
        typer.Option(
            "--chart-version",
            help="Version of the chart, as helm list shows it, for example rasa-x-4.5.8; set it: "
            "names and defaults depend on it.",
        ),
    ] = None,
    with_secrets: Annotated[
        bool,
        typer.Option("--with-secrets", help="Write Secrets, too, with the passwords and tokens of the file."),
    ] = False,
    output: Annotated[
        Objects, typer.Option("--output", "-o", help="Output format; json is one List of all resources.")
    ] = Objects.YAML,
) -> None:
    """Print our resources for a values file of a chart of the vendor, or for Rasa servers of docker-compose.

    Supported are the charts rasa-x (Rasa X and Enterprise), rasa 1.x (open source) and rasa for Rasa Pro.
    Standard error reports what happened to every value in the file: one counts as carried over only if the output
    changes with it. No password or token is printed, unless --with-secrets asks for it: the resources refer to Secrets.
    """
    try:
        values = _read(file, more or [], env_files or [], source)
        helm = _release(release, namespace, chart_version)
        found = _source(values, shown(file), source, chart_version)
        _check_release(found, helm.chart)
    except CommandError as error:
        fail(str(error), code=error.code)
    except (ValuesError, UnrecognisedError) as error:
        fail(str(error))
    result = imported(found, values.values, helm, values.notes)
    if output is Objects.YAML:
        sys.stdout.write(f"# From {found.title}: release {release} in namespace {namespace}.\n")
    show_objects(output, _documents(result, with_secrets=with_secrets))
    sys.stdout.flush()
    sys.stderr.write(report(result, values.places, with_secrets=with_secrets))
    if not is_complete(result):
        raise typer.Exit(ExitCode.PARTIAL)


import_.__name__ = "import"


def _source(values: Values, file: str, name: SourceName | None, chart_version: str | None) -> Source:
    """Return what the file is for. Raises UnrecognisedError."""
    if name is not None:
        return required(values.values, next(each for each in SOURCES if each.name is name), file=file)
    return recognised(values.values, SOURCES, file=file, chart=_named(chart_version))


def _named(chart_version: str | None) -> SourceName | None:
    """Return the chart that a release names: rasa-x-4.5.8, or 4.5.8 where only one chart has such a release."""
    if chart_version is None:
        return None
    if chart_version.startswith("rasa-x-"):
        return SourceName.RASA_X
    version = version_of(VERSIONED_CHART.sub("", chart_version, count=1))
    having = [each.name for each in SOURCES if each.facts is not None and version and each.facts.has(version)]
    return having[0] if len(having) == 1 else None


def _check_release(source: Source, chart: Version | None) -> None:
    """Check that a release is one of the chart. Raises CommandError."""
    if chart is None or source.facts is None or source.facts.has(chart):
        return
    first, last = (".".join(map(str, version)) for version in (source.facts.releases[0][0], source.facts.last))
    raise CommandError(
        f"--chart-version {'.'.join(map(str, chart))} is no known release of {source.title}: {first} to {last} are; "
        "see helm list, column CHART"
    )


def _documents(result: Imported, *, with_secrets: bool) -> list[JsonObject]:
    return [*(result.secrets.manifests() if with_secrets else ()), *result.resources]


def _release(name: str, namespace: str, chart_version: str | None) -> HelmRelease:
    for option, value, longest in (("--release", name, LONGEST_RELEASE), ("--namespace", namespace, 63)):
        if re.fullmatch(DNS_LABEL, value) is None or len(value) > longest:
            raise CommandError(
                f"{option} {value} is no such name: it has small letters, digits and hyphens, at most {longest}"
            )
    chart = version_of(VERSIONED_CHART.sub("", chart_version, count=1)) if chart_version is not None else None
    if chart_version is not None and chart is None:
        raise CommandError(f"--chart-version {chart_version} is no version such as 4.5.8: see helm list, column CHART")
    return HelmRelease(name, namespace, chart)


def _read(file: str, more: list[str], env_files: list[FilePath], source: SourceName | None) -> Values:
    """Return the values of the files. Raises CommandError for an unreadable file, ValuesError for an invalid one."""
    texts = [(shown(each), text_of(each, "the values file of the chart in YAML")) for each in (file, *more)]
    values = merged(texts, form=mergeable)
    if source not in (None, SourceName.COMPOSE) or SERVICES not in values.values:
        if env_files:
            raise CommandError("--env-file is for docker-compose files, and this is none: leave it out")
        return values
    directory = FilePath() if file == STANDARD_INPUT else FilePath(file).parent
    return resolved(values, Surroundings(directory, os.environ, env_files, _text_or_none))


def _text_or_none(file: FilePath) -> str | None:
    """Return the text of a file of variables, or None if there is none. Raises CommandError if it is no text."""
    return text_of(str(file), "a file with lines NAME=value") if file.is_file() else None
