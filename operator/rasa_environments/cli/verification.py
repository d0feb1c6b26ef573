"""`verification`: how the latest verification of a model went, for people and for CI."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from rasa_environments.api.model_tag import ModelTag
from rasa_environments.api.verification import VerificationRecord
from rasa_environments.cli.access import session
from rasa_environments.cli.cluster_options import ClusterOptions, Namespace
from rasa_environments.cli.exit_codes import NOT_PERMITTED, UNREACHABLE, ExitCode
from rasa_environments.cli.failures import CommandError, execute
from rasa_environments.cli.output import OutputFormat, show
from rasa_environments.cli.target import Environment, environment_and_tag
from rasa_environments.cli.verification_report import as_json, as_junit, as_lines, latest

EXIT_CODES = {
    ExitCode.DONE: "the model has passed",
    ExitCode.FAILED: f"the model was rejected; {UNREACHABLE}",
    ExitCode.REFUSED: NOT_PERMITTED,
    ExitCode.NOT_FOUND: "the environment does not exist, or no model was verified for it",
    ExitCode.UNKNOWN: "the verification is in progress",
}


class Report(StrEnum):
    """The formats of every command, and one for CI."""

    TEXT = "text"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"
    JUNIT = "junit"


def verification(
    environment: Environment,
    where: ClusterOptions,
    output: Annotated[
        Report, typer.Option("--output", "-o", help="Output format: text for people, the others for programs and CI.")
    ] = Report.TEXT,
    namespace: Namespace = None,
) -> None:
    """Show the latest verification of a model for an environment: each test case, and what the bot answered.

    As JSON and YAML, it has the fields of an entry of `status.verifications` of the ModelTag, the `tag`, and as
    `message` why the model was rejected; `earlierStages` has what it passed before. `-o name` prints the name of the
    model.
    """

    async def command() -> None:
        async with session(where, namespace) as connected:
            _, tag = await environment_and_tag(connected, environment)
        record = None if tag is None else latest(tag)
        if tag is None or record is None:
            raise CommandError(
                f"no model was verified for environment {environment}: set spec.verification of its ModelTag",
                ExitCode.NOT_FOUND,
            )
        _print(tag, record, output)
        codes = {"Succeeded": ExitCode.DONE, "Failed": ExitCode.FAILED, None: ExitCode.UNKNOWN}
        raise typer.Exit(codes[record.result])

    execute(command())


def _print(tag: ModelTag, record: VerificationRecord, output: Report) -> None:
    if output is Report.JUNIT:
        sys.stdout.write(as_junit(tag, record))
        return
    show(
        OutputFormat(output),
        text=lambda: "\n".join(as_lines(tag, record)),
        document=lambda: as_json(tag, record),
        names=[record.name],
    )
