"""`resume`: removes the pin of an environment, so that its tag gets models on its own again."""

from __future__ import annotations

from rasa_environments.cli.access import session
from rasa_environments.cli.cluster_options import ClusterOptions, Namespace
from rasa_environments.cli.exit_codes import NOT_PERMITTED, UNREACHABLE, ExitCode
from rasa_environments.cli.failures import CommandError, execute
from rasa_environments.cli.overview import source_of
from rasa_environments.cli.promote import required_permission
from rasa_environments.cli.tables import console
from rasa_environments.cli.target import Environment, environment_and_tag
from rasa_environments.cluster.resources import MODEL_TAGS

EXIT_CODES = {
    ExitCode.DONE: "the tag gets models on its own",
    ExitCode.FAILED: UNREACHABLE,
    ExitCode.REFUSED: NOT_PERMITTED,
    ExitCode.NOT_FOUND: "the environment does not exist, or nothing says where its tag would get models from",
}


def resume(environment: Environment, where: ClusterOptions, namespace: Namespace = None) -> None:
    """Unpin an environment: remove spec.model of its ModelTag, so that promoteFrom or follow applies again.

    The tag keeps its model until the next one is let through.
    """

    async def command() -> None:
        async with session(where, namespace) as connected:
            target, tag = await environment_and_tag(connected, environment)
            source = source_of(tag) if tag is not None else None
            if tag is None or source is None:
                raise CommandError(
                    f"nothing promotes models to environment {target.metadata.key} on its own: set spec.promoteFrom "
                    "or spec.follow of its ModelTag first",
                    ExitCode.NOT_FOUND,
                )
            if tag.spec.model is None:
                console().print(f"{target.metadata.key}: gets models from {source} already")
                return
            await required_permission(connected, target, tag)
            await connected.client.patch(MODEL_TAGS, tag.metadata.key, {"spec": {"model": None}})
            console().print(
                f"{target.metadata.key}: {tag.spec.model} is no longer pinned; the next model comes from {source}"
            )

    execute(command())
