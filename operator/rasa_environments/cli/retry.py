"""`retry`: verifies a rejected model again."""

from __future__ import annotations

from datetime import UTC, datetime

from rasa_environments.api.model_tag import ModelTag
from rasa_environments.api.verification import RETRY_ANNOTATION
from rasa_environments.cli.cluster_options import ClusterOptions, Namespace
from rasa_environments.cli.exit_codes import NOT_PERMITTED, UNREACHABLE, ExitCode
from rasa_environments.cli.failures import CommandError, execute
from rasa_environments.cli.output import Output, OutputFormat
from rasa_environments.cli.promote import required_permission
from rasa_environments.cli.target import Environment, environment_and_tag
from rasa_environments.cli.writing import DryRun, DryRunOption, writes_of
from rasa_environments.cluster.resources import MODEL_TAGS

EXIT_CODES = {
    ExitCode.DONE: "the verification was requested",
    ExitCode.FAILED: UNREACHABLE,
    ExitCode.REFUSED: NOT_PERMITTED,
    ExitCode.NOT_FOUND: "the environment does not exist, or there is no model to verify again",
}


def retry(
    environment: Environment,
    where: ClusterOptions,
    dry_run: DryRunOption = DryRun.NONE,
    output: Output = OutputFormat.TEXT,
    namespace: Namespace = None,
) -> None:
    """Verify the model again that was rejected for an environment or, if none was, the one that has its tag.

    The latter needs `spec.verification.live` in the ModelTag. As JSON and YAML, it prints the ModelTag.
    """

    async def command() -> None:
        async with writes_of(where, namespace, dry_run, output) as written:
            connected = written.connected
            target, tag = await environment_and_tag(connected, environment)
            model = None if tag is None else model_to_verify(tag)
            if tag is None or model is None:
                raise CommandError(
                    f"no model was rejected for environment {target.metadata.key}, and its ModelTag verifies none "
                    f"live; see kubectl rasa status -n {target.metadata.namespace}",
                    ExitCode.NOT_FOUND,
                )
            await required_permission(connected, target, tag)
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            changed = await written.patch(
                MODEL_TAGS, tag.metadata.key, {"metadata": {"annotations": {RETRY_ANNOTATION: now}}}
            )
            written.say(f"{target.metadata.key}: model {model} is verified again")
            written.show(MODEL_TAGS, changed)

    execute(command())


def model_to_verify(tag: ModelTag) -> str | None:
    """Return the model that is verified again on request: the rejected one, else the one with the tag; None if none."""
    if tag.status.rejected:
        return tag.status.rejected[0].name
    is_live = tag.spec.verification is not None and tag.spec.verification.live is not None
    return tag.status.tagged_model.name if is_live and tag.status.tagged_model is not None else None
