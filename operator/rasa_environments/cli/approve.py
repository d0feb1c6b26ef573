"""`approve`: lets the model that waits for an environment through, as far as one person can."""

from __future__ import annotations

from typing import Annotated

import typer

from rasa_environments.api.base import JsonObject, ModelReference
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.cli.cluster_options import ClusterOptions, Namespace
from rasa_environments.cli.exit_codes import NOT_PERMITTED, UNREACHABLE, ExitCode
from rasa_environments.cli.failures import CommandError, execute
from rasa_environments.cli.output import Output, OutputFormat
from rasa_environments.cli.promote import required_permission
from rasa_environments.cli.target import Environment, environment_and_tag
from rasa_environments.cli.writing import DryRun, DryRunOption, writes_of
from rasa_environments.cluster.resources import MODEL_TAGS

EXIT_CODES = {
    ExitCode.DONE: "the approval is given, or taken back",
    ExitCode.FAILED: f"somebody else changed the ModelTag at the same moment: try again; {UNREACHABLE}",
    ExitCode.REFUSED: NOT_PERMITTED,
    ExitCode.NOT_FOUND: "the environment does not exist, or no model waits for it",
}

Withdraw = Annotated[bool, typer.Option("--withdraw", help="Take your approval of the waiting model back.")]


def approve(
    environment: Environment,
    where: ClusterOptions,
    withdraw: Withdraw = False,
    dry_run: DryRunOption = DryRun.NONE,
    output: Output = OutputFormat.TEXT,
    namespace: Namespace = None,
) -> None:
    """Approve the model that waits to be promoted to an environment, by its name and hash.

    As JSON and YAML, it prints the ModelTag.
    """

    async def command() -> None:
        async with writes_of(where, namespace, dry_run, output) as written:
            connected = written.connected
            target, tag = await environment_and_tag(connected, environment)
            candidate = tag.status.candidate_model if tag is not None else None
            if tag is None or candidate is None:
                raise CommandError(
                    f"no model waits to be promoted to environment {target.metadata.key}; see kubectl rasa status "
                    f"-n {target.metadata.namespace}",
                    ExitCode.NOT_FOUND,
                )
            permission = await required_permission(connected, target, tag)
            change = {
                # Another change in between is a conflict, so that no approval of another is lost.
                "metadata": {"resourceVersion": tag.metadata.resource_version},
                "spec": {"approvals": approvals(tag, candidate, permission.user, withdraw=withdraw)},
            }
            changed = await written.patch(MODEL_TAGS, tag.metadata.key, change)
            done = "is no longer approved" if withdraw else "is approved"
            written.say(f"{target.metadata.key}: {candidate.name} {done} by {permission.user}")
            written.show(MODEL_TAGS, changed)

    execute(command())


def approvals(tag: ModelTag, candidate: ModelReference, user: str, *, withdraw: bool) -> list[JsonObject]:
    """Return the approvals of the candidate with, or without, that of the user; those of other models are dropped."""
    others = [
        each.model_dump(by_alias=True, exclude_none=True)
        for each in tag.spec.approvals or ()
        if (each.model, each.hash) == (candidate.name, candidate.hash) and each.approved_by != user
    ]
    own = {"model": candidate.name, "hash": candidate.hash, "approvedBy": user}
    return others if withdraw else [*others, own]
