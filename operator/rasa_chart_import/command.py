"""`import-helm-values`: the resources for a values file of the Helm chart rasa-x, and the result for each value."""

from __future__ import annotations

import re
import sys
from typing import Annotated

import typer
import yaml

from rasa_chart_import.chart import version_of
from rasa_chart_import.importing import HelmRelease, Imported, imported
from rasa_chart_import.loading import Values, ValuesError, merged
from rasa_chart_import.report import report
from rasa_environments.api.base import DNS_LABEL, JsonObject
from rasa_environments.cli.exit_codes import ExitCode
from rasa_environments.cli.failures import CommandError, fail
from rasa_environments.cli.input_files import shown, text_of

EXIT_CODES = {
    ExitCode.DONE: "the resources are printed; standard error says what became of each value",
    ExitCode.FAILED: "a file is no values file of the chart, or an option no name or version",
    ExitCode.NOT_FOUND: "there is no such file",
}
LONGEST_RELEASE = 53
"""Maximum length of a release name in Helm."""


def import_helm_values(
    file: Annotated[str, typer.Argument(help="Values file of the chart rasa-x, or - for standard input.")],
    more: Annotated[
        list[str] | None, typer.Option("--values", "-f", help="A further file, merged over those before it.")
    ] = None,
    release: Annotated[str, typer.Option("--release", help="Name of the Helm release.")] = "rasa-x",
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Namespace of the Helm release.")] = "default",
    chart_version: Annotated[
        str | None,
        typer.Option("--chart-version", help="Version of the chart, as helm list shows it; default the last."),
    ] = None,
    with_secrets: Annotated[
        bool,
        typer.Option("--with-secrets", help="Write Secrets, too, with the passwords and tokens of the file."),
    ] = False,
) -> None:
    """Print our resources for a values file of the Helm chart rasa-x (RasaHQ/rasa-x-helm).

    Standard error reports what happened to every value in the file. No password or token is printed, unless
    --with-secrets asks for it: the resources refer to Secrets. `helm get values RELEASE` prints the values in use.
    """
    try:
        helm = _release(release, namespace, chart_version)
        values = _read([file, *(more or [])])
    except CommandError as error:
        fail(str(error), code=error.code)
    except ValuesError as error:
        fail(str(error))
    result = imported(values.values, helm)
    sys.stdout.write(f"# Release {release} of the Helm chart rasa-x in namespace {namespace}.\n")
    yaml.dump_all(
        _documents(result, with_secrets=with_secrets),
        sys.stdout,
        Dumper=_Dumper,
        sort_keys=False,
        explicit_start=True,
        width=120,
    )
    sys.stdout.flush()
    sys.stderr.write(report(result, values.places, with_secrets=with_secrets))


def _documents(result: Imported, *, with_secrets: bool) -> list[JsonObject]:
    return [*(result.secrets.manifests() if with_secrets else ()), *result.resources]


def _release(name: str, namespace: str, chart_version: str | None) -> HelmRelease:
    for option, value, longest in (("--release", name, LONGEST_RELEASE), ("--namespace", namespace, 63)):
        if re.fullmatch(DNS_LABEL, value) is None or len(value) > longest:
            raise CommandError(
                f"{option} {value} is no such name: it has small letters, digits and hyphens, at most {longest}"
            )
    chart = version_of(chart_version.removeprefix("rasa-x-")) if chart_version is not None else None
    if chart_version is not None and chart is None:
        raise CommandError(f"--chart-version {chart_version} is no version such as 4.5.8: see helm list, column CHART")
    return HelmRelease(name, namespace, chart)


def _read(files: list[str]) -> Values:
    """Return the values of the files. Raises CommandError for an unreadable file, ValuesError for an invalid one."""
    return merged([(shown(file), text_of(file, "the values file of the chart in YAML")) for file in files])


class _Dumper(yaml.SafeDumper):
    """Writes repeated values in full instead of as anchors."""

    def ignore_aliases(self, data: object) -> bool:
        """Return True for every value."""
        del data
        return True
