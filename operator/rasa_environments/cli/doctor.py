"""`doctor`: what is wrong with an installation, the most important first, and how to fix it."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Group, RenderableType

from rasa_environments.api.base import JsonObject
from rasa_environments.cli.access import session
from rasa_environments.cli.cluster_options import ClusterOptions, Given, option
from rasa_environments.cli.diagnosis.facts import Facts, Finding, Importance
from rasa_environments.cli.diagnosis.findings import findings, verdict_on
from rasa_environments.cli.diagnosis.reading import FactReader
from rasa_environments.cli.exit_codes import ExitCode
from rasa_environments.cli.failures import CommandError, execute, explained
from rasa_environments.cli.layout import Note
from rasa_environments.cli.output import Output, OutputFormat, show
from rasa_environments.cluster.errors import ApiError, ConfigurationError

EXIT_CODES = {
    ExitCode.DONE: "nothing is wrong; there may be advice",
    ExitCode.FAILED: "something is wrong",
    ExitCode.UNKNOWN: "nothing is known to be wrong, but not everything could be checked; the output says what",
}
SUBJECTS = 3
"""Objects that a finding lists for people."""

Scope = Annotated[
    Given,
    option("--namespace", "-n", said="Namespace whose resources are checked.", shown="all namespaces"),
]


def doctor(where: ClusterOptions, output: Output = OutputFormat.TEXT, namespace: Scope = None) -> None:
    """Find out what is wrong with an installation, the most important first, and how to fix it.

    Checks CRDs, operators, admission policies, ModelServers, ModelTags, environments and monitoring, as far as you may
    read them; what could not be checked is listed, and never counts as well. As JSON and YAML, the result has
    `findings` (each with `importance`, `problem` and `subjects`) and `unchecked`; `-o name` prints the subjects.
    """

    async def command() -> None:
        facts = await _asked(where, namespace)
        found = findings(facts)
        show(
            output,
            text=lambda: drawn(found, facts),
            document=lambda: as_document(found, facts),
            names=dict.fromkeys(subject for finding in found for subject in finding.subjects),
        )
        raise typer.Exit(verdict_on(found, facts.unread))

    execute(command())


async def _asked(where: ClusterOptions, namespace: str | None) -> Facts:
    """Return the facts. Raises CommandError if the API server cannot be asked."""
    try:
        async with session(where, namespace) as connected:
            return await FactReader(connected.client, namespace).read()
    except ConfigurationError as error:
        cause = str(error)
    except ApiError as error:
        cause = explained(error)
    raise CommandError(f"could not check the installation: {cause}", ExitCode.UNKNOWN)


def drawn(found: tuple[Finding, ...], facts: Facts) -> RenderableType:
    """Return the findings, then the advice, then what could not be checked."""
    notes = [Note(_listed(finding) or "installation", finding.problem, _style(finding.importance)) for finding in found]
    unchecked = [Note("not checked", text, "yellow") for text in facts.unread]
    wrong = sum(finding.importance is not Importance.ADVICE for finding in found)
    counted = f"{wrong} problem{'' if wrong == 1 else 's'} found" if wrong else "no problem found"
    if unchecked:
        counted += f", {len(unchecked)} check{'' if len(unchecked) == 1 else 's'} not possible"
    return Group(counted, *notes, *unchecked)


def as_document(found: tuple[Finding, ...], facts: Facts) -> JsonObject:
    """Return the findings for programs."""
    return {
        "findings": [
            {
                "importance": finding.importance.name.replace("_", " ").title().replace(" ", ""),
                "problem": finding.problem,
                "subjects": list(finding.subjects),
            }
            for finding in found
        ],
        "unchecked": list(facts.unread),
    }


def _listed(finding: Finding) -> str:
    more = len(finding.subjects) - SUBJECTS
    shown = ", ".join(finding.subjects[:SUBJECTS])
    return shown if more <= 0 else f"{shown} and {more} more"


def _style(importance: Importance) -> str:
    match importance:
        case Importance.ADVICE:
            return "cyan"
        case Importance.UNKNOWN:
            return "yellow"
    return "red"
