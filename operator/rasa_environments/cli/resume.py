"""`resume`: removes the pin of an environment, so that its tag gets models on its own again."""

from __future__ import annotations

from rasa_environments.cli.cluster_options import ClusterOptions, Namespace
from rasa_environments.cli.exit_codes import NOT_PERMITTED, UNREACHABLE, ExitCode
from rasa_environments.cli.failures import CommandError, execute
from rasa_environments.cli.output import Output, OutputFormat, messages
from rasa_environments.cli.overview import source_of
from rasa_environments.cli.promote import required_permission
from rasa_environments.cli.target import Environment, environment_and_tag
from rasa_environments.cli.writing import DryRun, DryRunOption, writes_of
from rasa_environments.cluster.resources import MODEL_TAGS

EXIT_CODES = {
    ExitCode.DONE: "the tag gets models on its own",
    ExitCode.FAILED: UNREACHABLE,
    ExitCode.REFUSED: NOT_PERMITTED,
    ExitCode.NOT_FOUND: "the environment does not exist, or nothing says where its tag would get models from",
}


def resume(
    environment: Environment,
    where: ClusterOptions,
    dry_run: DryRunOption = DryRun.NONE,
    output: Output = OutputFormat.TEXT,
    namespace: Namespace = None,
) -> None:
    """Unpin an environment: remove spec.model of its ModelTag, so that promoteFrom or follow applies again.

    The tag keeps its model until the next one is let through. As JSON and YAML, it prints the ModelTag.
    """

    async def command() -> None:
        async with writes_of(where, namespace, dry_run, output) as written:
            connected = written.connected
            target, tag = await environment_and_tag(connected, environment)
            source = source_of(tag) if tag is not None else None
            if tag is None or source is None:
                raise CommandError(
                    f"nothing promotes models to environment {target.metadata.key} on its own: set spec.promoteFrom "
                    "or spec.follow of its ModelTag first",
                    ExitCode.NOT_FOUND,
                )
            if tag.spec.model is None:
                messages(output).print(f"{target.metadata.key}: gets models from {source} already")
                await written.show_latest(MODEL_TAGS, tag.metadata.key)
                return
            await required_permission(connected, target, tag)
            changed = await written.patch(MODEL_TAGS, tag.metadata.key, {"spec": {"model": None}})
            written.say(
                f"{target.metadata.key}: {tag.spec.model} is no longer pinned; the next model comes from {source}"
            )
            written.show(MODEL_TAGS, changed)

    execute(command())
