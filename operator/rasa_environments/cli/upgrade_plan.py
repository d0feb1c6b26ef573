"""`upgrade-plan`: in which order an environment gets another version of Rasa, and with which commands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated

import typer
from pydantic import TypeAdapter
from rich.console import Group, RenderableType
from rich.text import Text

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.deployment_environment import DeploymentEnvironment, EnvironmentSpec
from rasa_environments.api.model_server import ModelServer, Profile
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.api.workload import Version
from rasa_environments.cli.access import Session, parsed, session
from rasa_environments.cli.cluster_options import ClusterOptions, Namespace
from rasa_environments.cli.exit_codes import NOT_PERMITTED, UNREACHABLE, ExitCode
from rasa_environments.cli.failures import CommandError, execute
from rasa_environments.cli.model_server_access import ModelServerOptions, TokenFile, Url, model_server_client
from rasa_environments.cli.output import Output, OutputFormat, name_of, show
from rasa_environments.cli.promote import validate
from rasa_environments.cli.target import Environment, environment_and_tag
from rasa_environments.cluster.errors import ApiError, ConfigurationError
from rasa_environments.cluster.resources import DEPLOYMENT_ENVIRONMENTS, MODEL_SERVERS
from rasa_environments.desired.errors import SpecError
from rasa_environments.desired.merging import merged_spec
from rasa_environments.desired.profiles import unsupported_version
from rasa_environments.domain.compatibility import RunningReleases, stated_release
from rasa_environments.domain.lister import server_of_environment
from rasa_environments.domain.stated_releases import stated_releases
from rasa_environments.domain.upgrades import First, UpgradeFacts, UpgradePlan
from rasa_environments.domain.upgrades import upgrade_plan as plan_of
from rasa_environments.rasa.errors import RasaError

EXIT_CODES = {
    ExitCode.DONE: "the order is known, or there is nothing to do",
    ExitCode.FAILED: UNREACHABLE,
    ExitCode.REFUSED: NOT_PERMITTED,
    ExitCode.NOT_FOUND: "the environment or its ModelServer does not exist",
    ExitCode.UNKNOWN: "which of them goes first depends on something that is unknown; the plan is safe either way",
}
VERSION: TypeAdapter[str] = TypeAdapter(Version)
RASA_X = frozenset({Profile.RASA_X_0_2, Profile.RASA_X_0_32, Profile.RASA_ENTERPRISE_1_0})

To = Annotated[str, typer.Option("--to", help="Version of Rasa, for example 3.6.21.", show_default=False)]


def upgrade_plan(
    environment: Environment,
    where: ClusterOptions,
    to: To,
    url: Url = None,
    token_file: TokenFile = None,
    output: Output = OutputFormat.TEXT,
    namespace: Namespace = None,
) -> None:
    """Say which goes first when an environment gets another version of Rasa: the server or the model. Changes nothing.

    The answer compares the version that the present model was trained with to the oldest that the new version loads. As
    JSON and YAML, the plan has `first` (Nothing, Server, Together, Unknown), `reason`, `steps` with `action`, `text`
    and `command`, and `unknown`.
    """
    validate(VERSION, to, "--to")

    async def command() -> None:
        async with session(where, namespace) as connected:
            target, tag = await environment_and_tag(connected, environment)
            key = server_of_environment(target)
            server = await connected.get(ModelServer, MODEL_SERVERS, key.name, key.namespace)
            others, unseen = await _others(connected, server, target, tag)
        model = tag.status.tagged_model.name if tag is not None and tag.status.tagged_model is not None else None
        trained_with, why_unknown = None, None
        if model is not None:
            options = ModelServerOptions(key.name, url, token_file)
            trained_with, why_unknown = await _trained_with(model, where, key.namespace, options)
        spec = _merged(target, server)
        releases = stated_releases(target, server)
        facts = UpgradeFacts(
            environment=target.metadata.key,
            model_server=key,
            tag=target.tag,
            current=releases.stated.version if releases.stated is not None else None,
            target=stated_release(to),
            model=model,
            trained_with=trained_with,
            why_unknown=why_unknown,
            own_image=releases.own_image,
            external=target.spec.external is not None,
            suspended=bool(target.spec.suspend),
            behind_rasa_x=Profile(server.spec.profile) in RASA_X,
            unsupported=unsupported_version(target, server, to, own_image=releases.own_image),
            interrupting=interrupting(spec),
            others=others,
            unseen=unseen,
        )
        plan = plan_of(facts)
        show(
            output,
            text=lambda: Group(*lines(facts, plan)),
            document=lambda: as_document(facts, plan),
            names=[name_of(DEPLOYMENT_ENVIRONMENTS, environment)],
        )
        raise typer.Exit(ExitCode.UNKNOWN if plan.first is First.UNKNOWN else ExitCode.DONE)

    execute(command())


async def _trained_with(
    model: str, where: ClusterOptions, namespace: str, options: ModelServerOptions
) -> tuple[str | None, str | None]:
    """Return the version that the model was trained with; else None and why it is unknown."""
    try:
        async with model_server_client(where, namespace, options) as client:
            listed = await client.models(as_writer=options.token_file is not None)
    except (ApiError, CommandError, ConfigurationError, RasaError) as error:
        return None, f"the model server could not be asked ({error})"
    found = next((each for each in listed if each.name == model), None)
    return (found.version, None) if found is not None else (None, "the model server does not list it")


async def _others(
    connected: Session, server: ModelServer, target: DeploymentEnvironment, tag: ModelTag | None
) -> tuple[tuple[RunningReleases, ...], tuple[ObjectKey, ...]]:
    """Return what the other environments that follow the ModelTag run, and those that could not be read."""
    others, unseen = [], []
    for entry in (tag.status.environments if tag is not None else None) or ():
        key = ObjectKey(entry.namespace, entry.name)
        if key == target.metadata.key:
            continue
        try:
            other = parsed(DeploymentEnvironment, await connected.client.get(DEPLOYMENT_ENVIRONMENTS, key))
        except ApiError as error:
            if error.status != 404:
                unseen.append(key)
            continue
        others.append(stated_releases(other, server))
    return tuple(others), tuple(unseen)


def _merged(environment: DeploymentEnvironment, server: ModelServer) -> EnvironmentSpec:
    """Return the spec with the defaults of the ModelServer; as it is where they do not fit together."""
    try:
        return merged_spec(environment, server)
    except SpecError:
        return environment.spec


def interrupting(spec: EnvironmentSpec) -> str | None:
    """Return the setting by which old pods stop before new ones serve a model; None without one."""
    strategy = spec.deployment_strategy
    if strategy is not None and strategy.type == "Recreate":
        return "spec.deploymentStrategy.type Recreate"
    numbers = strategy.rolling_update if strategy is not None else None
    if numbers is not None and numbers.max_unavailable not in (None, 0, "0", "0%"):
        return f"spec.deploymentStrategy.rollingUpdate.maxUnavailable {numbers.max_unavailable}"
    return "spec.model.required false" if spec.model is not None and spec.model.required is False else None


def lines(facts: UpgradeFacts, plan: UpgradePlan) -> Iterator[RenderableType]:
    """Yield the lines of the plan for a terminal, which wraps those of commands itself: copied, they are whole."""
    answers = {
        First.NOTHING: "nothing to do",
        First.SERVER: "the server first",
        First.TOGETHER: "server and model together, the server first",
        First.UNKNOWN: "unknown which goes first; this order is safe either way",
    }
    yield f"{facts.environment}, Rasa {facts.current or '(unknown)'} -> {facts.target.version}: {answers[plan.first]}"
    yield f"because {plan.reason}"
    for number, step in enumerate(plan.steps, start=1):
        yield f"{number}. {step.text}"
        if step.command is not None:
            yield Text(f"   {step.command}", no_wrap=True, overflow="ignore")
    if plan.unknown:
        yield "Not known:"
        yield from (f"- {each}" for each in plan.unknown)


def as_document(facts: UpgradeFacts, plan: UpgradePlan) -> JsonObject:
    """Return the plan for programs."""
    return {
        "environment": {"namespace": facts.environment.namespace, "name": facts.environment.name},
        "from": facts.current,
        "to": facts.target.version,
        "model": None if facts.model is None else {"name": facts.model, "version": facts.trained_with},
        "first": plan.first.value,
        "reason": plan.reason,
        "steps": [{**asdict(step), "action": step.action.value} for step in plan.steps],
        "unknown": list(plan.unknown),
    }
