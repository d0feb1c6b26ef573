"""`retry`: verifies a rejected model again."""

from __future__ import annotations

from datetime import UTC, datetime

from rasa_environments.api.verification import RETRY_ANNOTATION
from rasa_environments.cli.access import session
from rasa_environments.cli.cluster_options import ClusterOptions, Namespace
from rasa_environments.cli.exit_codes import NOT_PERMITTED, UNREACHABLE, ExitCode
from rasa_environments.cli.failures import CommandError, execute
from rasa_environments.cli.promote import required_permission
from rasa_environments.cli.tables import console
from rasa_environments.cli.target import Environment, environment_and_tag
from rasa_environments.cluster.resources import MODEL_TAGS

EXIT_CODES = {
    ExitCode.DONE: "the verification was requested",
    ExitCode.FAILED: UNREACHABLE,
    ExitCode.REFUSED: NOT_PERMITTED,
    ExitCode.NOT_FOUND: "the environment does not exist, or no model was rejected for it",
}


def retry(environment: Environment, where: ClusterOptions, namespace: Namespace = None) -> None:
    """Verify the model again that was rejected for an environment."""

    async def command() -> None:
        async with session(where, namespace) as connected:
            target, tag = await environment_and_tag(connected, environment)
            rejected = None if tag is None else next(iter(tag.status.rejected or ()), None)
            if tag is None or rejected is None:
                raise CommandError(
                    f"no model was rejected for environment {target.metadata.key}; see kubectl rasa status "
                    f"-n {target.metadata.namespace}",
                    ExitCode.NOT_FOUND,
                )
            await required_permission(connected, target, tag)
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            await connected.client.patch(
                MODEL_TAGS, tag.metadata.key, {"metadata": {"annotations": {RETRY_ANNOTATION: now}}}
            )
            console().print(f"{target.metadata.key}: model {rejected.name} is verified again")

    execute(command())
