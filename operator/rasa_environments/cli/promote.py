"""`promote`: one line that moves a model to an environment, and follows it until it is served."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError
from rich.console import Console

from rasa_environments.api.base import JsonObject
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_tag import PROMOTED_BY_ANNOTATION, ModelName, ModelTag
from rasa_environments.cli.access import Context, Kubeconfig, Namespace, Session, parsed, session
from rasa_environments.cli.failures import CommandError, execute
from rasa_environments.cli.following import followed
from rasa_environments.cli.permission import Permission, permission, right_to_write, rights_to_promote
from rasa_environments.cli.promotion import Outcome, Progress, model_name, new_model_tag, progress
from rasa_environments.cli.tables import console
from rasa_environments.cluster.client import ApiError
from rasa_environments.cluster.resources import DEPLOYMENT_ENVIRONMENTS, MODEL_TAGS
from rasa_environments.reconcile.directory import Directory, server_of_environment

Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Follow it until the environment serves the model.")]
Timeout = Annotated[float, typer.Option(min=0.1, help="Seconds to wait at most.")]
Environment = Annotated[str, typer.Argument(help="Name of the DeploymentEnvironment.", show_default=False)]


@dataclass(frozen=True)
class Following:
    """Whether, and for how many seconds, a promotion is followed."""

    wait: bool
    timeout: float


def promote(
    model: Annotated[str, typer.Argument(help="Name of the model, for example 20260101-120000.", show_default=False)],
    environment: Environment,
    wait: Wait = True,
    timeout: Timeout = 300.0,
    namespace: Namespace = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """Put the tag that an environment pulls on a model, and wait until the environment serves it."""
    wanted = model_name(model)
    try:
        TypeAdapter(ModelName).validate_python(wanted)
    except ValidationError as error:
        raise typer.BadParameter(f"{model}: {error.errors()[0]['msg']}", param_hint="MODEL") from None

    async def command() -> None:
        async with session(kubeconfig, context, namespace) as connected:
            target = await connected.get(DeploymentEnvironment, DEPLOYMENT_ENVIRONMENTS, environment)
            tag = await model_tag_of(connected, target)
            await promote_to(connected, target, tag, wanted, Following(wait, timeout))

    execute(command())


async def model_tag_of(connected: Session, environment: DeploymentEnvironment) -> ModelTag | None:
    """The ModelTag that rules the tag which the environment pulls: the oldest one, in its namespace or the server's."""
    server = server_of_environment(environment)
    found = Directory()
    for namespace in sorted({environment.metadata.namespace, server.namespace}):
        try:
            listing = await connected.client.list(MODEL_TAGS, namespace)
        except ApiError as error:
            if error.status == 403 and namespace != environment.metadata.namespace:
                continue  # a ModelTag that we may not see makes ours a conflict, which is then told
            raise
        for item in listing.items:
            found.tags.put(parsed(ModelTag, item))
    claims = found.claims(server, environment.tag)
    return claims[0] if claims else None


async def promote_to(
    connected: Session, environment: DeploymentEnvironment, tag: ModelTag | None, model: str, following: Following
) -> None:
    """Changes or creates the ModelTag, and follows the promotion if that is wanted."""
    output = console()
    written = await write(connected, environment, tag, model, output)
    if not following.wait:
        return
    try:
        async with asyncio.timeout(following.timeout):
            await follow(connected, environment, written, model, output)
    except TimeoutError:
        raise CommandError(
            f"{environment.metadata.key} does not serve {model} after {following.timeout:g} s; the promotion goes on, "
            f"see kubectl rasa status -n {environment.metadata.namespace}"
        ) from None


async def permission_to_promote(
    connected: Session, environment: DeploymentEnvironment, tag: ModelTag | None
) -> Permission:
    """Whether the user may move the tag that the environment pulls, and write the ModelTag that does so."""
    return await permission(
        connected.client,
        environment.tag,
        rights_to_promote(environment.tag, server_of_environment(environment).namespace),
        (right_to_write(tag, environment.metadata.namespace),),
    )


async def write(
    connected: Session, environment: DeploymentEnvironment, tag: ModelTag | None, model: str, output: Console
) -> ModelTag:
    """The ModelTag as it is once it names the model and who promoted it.

    Raises CommandError, before anything is written, where the user may not promote to the environment.
    """
    name = environment.metadata.key
    if tag is not None and tag.spec.model == model:
        output.print(f"{name}: {model} is promoted already (ModelTag {tag.metadata.key})")
        return tag
    permission = await permission_to_promote(connected, environment, tag)
    if not permission.allowed:
        raise CommandError(permission.reason)
    if tag is None:
        created = await create(connected, new_model_tag(environment, model, permission.user))
        output.print(f"{name}: {model} (ModelTag {created.metadata.key} created for tag {created.tag})")
        return created
    change = {"metadata": {"annotations": {PROMOTED_BY_ANNOTATION: permission.user}}, "spec": {"model": model}}
    changed = await connected.client.patch(MODEL_TAGS, tag.metadata.key, change)
    output.print(f"{name}: {tag.spec.model} -> {model} (ModelTag {tag.metadata.key})")
    return parsed(ModelTag, changed)


async def create(connected: Session, manifest: JsonObject) -> ModelTag:
    """The created ModelTag. Raises CommandError where its name is taken."""
    try:
        return parsed(ModelTag, await connected.client.create(MODEL_TAGS, manifest))
    except ApiError as error:
        if not error.already_exists:
            raise
    metadata, spec = manifest["metadata"], manifest["spec"]
    raise CommandError(
        f"ModelTag {metadata['namespace']}/{metadata['name']} is there already, for another tag or ModelServer; "
        f"create one of another name with spec.tag {spec.get('tag', metadata['name'])} and spec.model {spec['model']}"
    )


async def follow(
    connected: Session, environment: DeploymentEnvironment, tag: ModelTag, model: str, output: Console
) -> None:
    """Prints each step until the environment serves the model. Raises CommandError where it does not come to that."""
    namespaces = tuple(sorted({environment.metadata.namespace, tag.metadata.namespace}))
    told: Progress | None = None
    async with followed(connected.client, namespaces) as following:
        while True:
            directory = following.directory
            seen = progress(
                directory.tags.get(tag.metadata.key), directory.environments.get(environment.metadata.key), model
            )
            if seen.outcome is Outcome.FAILED:
                raise CommandError(f"{environment.metadata.key}: {seen.text}")
            if seen != told:
                output.print(seen.text)
                told = seen
            if seen.outcome is Outcome.DONE:
                return
            await following.change()
