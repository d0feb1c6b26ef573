"""`promote`: moves a model to an environment, and waits until it is served."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.durations import format_duration
from rasa_environments.api.model_tag import PROMOTED_BY_ANNOTATION, ModelName, ModelTag
from rasa_environments.api.workload import Image
from rasa_environments.cli.access import Session, parsed
from rasa_environments.cli.cluster_options import ClusterOptions, Namespace
from rasa_environments.cli.duration_option import duration_option
from rasa_environments.cli.exit_codes import NOT_PERMITTED, UNREACHABLE, ExitCode
from rasa_environments.cli.failures import CommandError, execute, explained
from rasa_environments.cli.following import followed
from rasa_environments.cli.output import Output, OutputFormat, messages
from rasa_environments.cli.overview import source_of
from rasa_environments.cli.permission import Permission, permission, right_to_write, rights_to_promote
from rasa_environments.cli.promotion import Goal, Progress, Wanted, model_name, new_model_tag, progress
from rasa_environments.cli.tables import console
from rasa_environments.cli.target import Environment, environment_and_tag
from rasa_environments.cli.waiting import waiting
from rasa_environments.cli.writing import DryRun, DryRunOption, Writes, writes_of
from rasa_environments.cluster.client import ApiError
from rasa_environments.cluster.resources import MODEL_TAGS
from rasa_environments.domain.lister import server_of_environment

EXIT_CODES = {
    ExitCode.DONE: "the model is served (with --until tagged: it carries the tag; with --no-wait: it is requested)",
    ExitCode.FAILED: "it failed, or somebody else promoted another model in the meantime; " + UNREACHABLE,
    ExitCode.REFUSED: NOT_PERMITTED,
    ExitCode.NOT_FOUND: "the environment, model server or model does not exist",
    ExitCode.TIMED_OUT: "it was not served within --timeout; the promotion continues",
    ExitCode.UNKNOWN: "it is promoted; whether it is served is unknown",
}
MODEL: TypeAdapter[str] = TypeAdapter(ModelName)
IMAGE: TypeAdapter[str] = TypeAdapter(Image)
RETRY_SECONDS = 1.0
"""Seconds between two attempts to follow a promotion while the API server does not answer."""

Wait = Annotated[
    bool, typer.Option("--wait/--no-wait", help="Wait for the result, or return once the change is accepted.")
]
Until = Annotated[
    Goal,
    typer.Option(
        help="What to wait for: that the model carries the tag, or that every environment on the tag serves it."
    ),
]
Timeout = Annotated[
    float, duration_option("--timeout", said="Maximum time to wait, for example 1h30m; 0 is no limit.", shown="5m")
]
AllowIncompatible = Annotated[
    bool,
    typer.Option(
        "--allow-incompatible",
        help="Move the tag even if an environment on the tag runs a version of Rasa that cannot load the model.",
    ),
]
Actions = Annotated[
    str | None,
    typer.Option(
        metavar="IMAGE",
        help="Image of the action server that goes with the model: the tag moves once it is available.",
        show_default=False,
    ),
]


Verify = Annotated[
    bool,
    typer.Option(
        "--verify", help="Fail unless the ModelTag verifies models, and wait until the model has passed every stage."
    ),
]


@dataclass(frozen=True)
class Following:
    """How long to follow a promotion, and up to which state."""

    until: Goal | None
    """None does not follow it."""
    timeout: float
    """Seconds; 0 waits as long as it takes."""
    verify: bool = False
    """Whether the model must have passed its verification, and there must be one."""


def promote(  # noqa: PLR0913, PLR0917 - typer makes an option of each
    model: Annotated[str, typer.Argument(help="Name of the model, for example 20260101-120000.", show_default=False)],
    environment: Environment,
    where: ClusterOptions,
    wait: Wait = True,
    until: Until = Goal.SERVED,
    timeout: Timeout = 300.0,
    allow_incompatible: AllowIncompatible = False,
    actions: Actions = None,
    verify: Verify = False,
    dry_run: DryRunOption = DryRun.NONE,
    output: Output = OutputFormat.TEXT,
    namespace: Namespace = None,
) -> None:
    """Put the tag that an environment pulls on a model, and wait until it is served.

    Succeeds only when the ModelTag reports that the model is served. If that cannot be determined, for example because
    the operator cannot reach the pods, `--until tagged` waits only for the model server's confirmation.

    As JSON and YAML, it prints the ModelTag in the end. A dry run does not wait.
    """
    if verify and (not wait or until is not Goal.SERVED):
        raise typer.BadParameter("waits until the model is served and verified: leave out --no-wait and --until tagged")
    wanted = Wanted(model_name(model), allow_incompatible, actions)
    validate(MODEL, wanted.model, "MODEL")
    if actions is not None:
        validate(IMAGE, actions, "--actions")

    async def command() -> None:
        async with writes_of(where, namespace, dry_run, output) as writes:
            target, tag = await environment_and_tag(writes.connected, environment)
            if verify:
                require_verification(target, tag)
            following = Following(until if wait else None, timeout, verify)
            await promote_to(writes, target, tag, wanted, following)

    execute(command())


def validate(rules: TypeAdapter[str], given: str, place: str) -> None:
    """Check an argument as the API server would. Raises typer.BadParameter."""
    try:
        rules.validate_python(given)
    except ValidationError as error:
        raise typer.BadParameter(f"{given}: {error.errors()[0]['msg']}", param_hint=place) from None


def require_verification(environment: DeploymentEnvironment, tag: ModelTag | None) -> None:
    """Check that the ModelTag verifies models. Raises CommandError before anything is written."""
    if tag is None:
        what = f"no ModelTag sets the tag {environment.tag}, so nothing verifies models"
    elif tag.spec.verification is None:
        what = f"ModelTag {tag.metadata.key} has no spec.verification, so nothing verifies models"
    else:
        return
    raise CommandError(f"{environment.metadata.key}: {what}: add it, or leave out --verify; nothing was promoted")


async def promote_to(
    writes: Writes, environment: DeploymentEnvironment, tag: ModelTag | None, wanted: Wanted, following: Following
) -> None:
    """Change or create the ModelTag, follow the promotion if requested, and print the ModelTag for programs.

    Raises CommandError.
    """
    stored = await write(writes, environment, tag, wanted)
    if following.until is None or writes.dry_run is not DryRun.NONE:
        writes.show(MODEL_TAGS, stored)
        return
    model, name, goal = wanted.model, environment.metadata.key, following.until
    written = parsed(ModelTag, stored)
    seen = await follow(writes.connected, environment, written, following)
    with suppress(ApiError):  # how the promotion ended is known without it
        stored = await writes.connected.client.get(MODEL_TAGS, written.metadata.key)
    if seen.ended is ExitCode.DONE:
        messages(writes.output).print(seen.text)
    writes.show(MODEL_TAGS, stored)
    if seen.ended is ExitCode.DONE:
        return
    if seen.ended is not None:
        raise CommandError(f"{name}: {seen.text}", seen.ended)
    waited = format_duration(following.timeout)
    missed = f"{model} is not {goal} after {waited}"
    unknown = f"whether {model} is {goal} is unknown after {waited}"
    raise CommandError(
        f"{name}: {missed if seen.known else unknown}: {seen.text}; the promotion continues, see kubectl rasa status "
        f"-n {name.namespace}",
        ExitCode.TIMED_OUT if seen.known else ExitCode.UNKNOWN,
    )


async def permission_to_promote(
    connected: Session, environment: DeploymentEnvironment, tag: ModelTag | None
) -> Permission:
    """Return whether the user may move the tag that the environment pulls, and write its ModelTag."""
    return await permission(
        connected.client,
        environment.tag,
        rights_to_promote(environment.tag, server_of_environment(environment).namespace),
        (right_to_write(tag, environment.metadata.namespace),),
    )


async def required_permission(
    connected: Session, environment: DeploymentEnvironment, tag: ModelTag | None
) -> Permission:
    """Return the user's permission to move the tag. Raises CommandError without it."""
    permission = await permission_to_promote(connected, environment, tag)
    if not permission.allowed:
        raise CommandError(permission.reason, ExitCode.REFUSED)
    return permission


async def write(writes: Writes, environment: DeploymentEnvironment, tag: ModelTag | None, wanted: Wanted) -> JsonObject:
    """Write the model and who promoted it to the ModelTag, and return it.

    Raises CommandError, before anything is written, if the user may not promote to the environment.
    """
    name, model = environment.metadata.key, wanted.model
    if tag is not None and wanted.is_said_by(tag):
        messages(writes.output).print(f"{name}: {model} is promoted already (ModelTag {tag.metadata.key})")
        return await writes.connected.client.get(MODEL_TAGS, tag.metadata.key)
    permission = await required_permission(writes.connected, environment, tag)
    if tag is None:
        created = await create(writes, new_model_tag(environment, wanted, permission.user))
        key = ObjectKey(environment.metadata.namespace, created["metadata"]["name"])
        writes.say(f"{name}: {model} (ModelTag {key} created for tag {environment.tag})")
        return created
    change = {"metadata": {"annotations": {PROMOTED_BY_ANNOTATION: permission.user}}, "spec": wanted.spec}
    changed = await writes.patch(MODEL_TAGS, tag.metadata.key, change)
    writes.say(f"{name}: {tag.spec.model or 'no model'} -> {model} (ModelTag {tag.metadata.key})")
    source = source_of(tag)
    if source is not None:
        writes.say(f"{name}: pinned; to get models from {source} again: {resumption(name)}")
    return changed


def resumption(environment: ObjectKey) -> str:
    """Return the command that unpins the environment."""
    return f"kubectl rasa resume {environment.name} -n {environment.namespace}"


async def create(writes: Writes, manifest: JsonObject) -> JsonObject:
    """Create the ModelTag and return it. Raises CommandError if its name is taken."""
    try:
        return await writes.create(MODEL_TAGS, manifest)
    except ApiError as error:
        if not error.already_exists:
            raise
    metadata, spec = manifest["metadata"], manifest["spec"]
    raise CommandError(
        f"ModelTag {metadata['namespace']}/{metadata['name']} already exists for another tag or ModelServer; "
        f"create one of another name with spec.tag {spec.get('tag', metadata['name'])} and spec.model {spec['model']}"
    )


async def follow(
    connected: Session, environment: DeploymentEnvironment, written: ModelTag, following: Following
) -> Progress:
    """Show on standard error what is waited for, until the end or the timeout; return the last step."""
    last = Progress("waiting for the API server", known=False)
    async with waiting(console(stderr=True)) as shown:
        with suppress(TimeoutError):
            async with asyncio.timeout(following.timeout or None):
                while last.ended is None:
                    try:
                        async for last in steps(connected, environment, written, following):
                            if last.ended is None:
                                shown.say(last.text, last.since)
                    except ApiError as error:
                        text = f"it is promoted, but cannot be followed: {explained(error)}"
                        last = Progress(text, ended_by(error), known=False)
                        if last.ended is None:
                            shown.say(text)
                        await asyncio.sleep(RETRY_SECONDS)
    return last


def ended_by(error: ApiError) -> ExitCode | None:
    """Return how the command ends if a promotion cannot be followed; None if that may be temporary."""
    return ExitCode.UNKNOWN if error.status in (401, 403) else None


async def steps(
    connected: Session, environment: DeploymentEnvironment, written: ModelTag, until: Following
) -> AsyncIterator[Progress]:
    """Yield each step of the promotion once. Raises ApiError if the cluster does not report it."""
    seen: Progress | None = None
    namespaces = tuple(sorted({environment.metadata.namespace, written.metadata.namespace}))
    async with followed(connected.client, namespaces) as following:
        while seen is None or seen.ended is None:
            lister, before = following.lister, seen
            seen = progress(
                written,
                lister.tags.get(written.metadata.key),
                lister.environments.get(environment.metadata.key),
                until.until or Goal.SERVED,
                verify=until.verify,
            )
            if seen != before:
                yield seen
            if seen.ended is None:
                await following.change()
