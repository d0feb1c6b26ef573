"""`status NAME`: reads one environment and all that concerns it, and prints it."""

from __future__ import annotations

from contextlib import aclosing
from datetime import UTC, datetime

from rasa_environments.api.base import JsonObject
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_server import ModelServer
from rasa_environments.cli import detail_tables
from rasa_environments.cli.access import Session, parsed
from rasa_environments.cli.detail import Detail, detail
from rasa_environments.cli.output import OutputFormat, name_of, show
from rasa_environments.cli.overview import Overview
from rasa_environments.cli.target import environment_and_tag
from rasa_environments.cluster.errors import ApiError
from rasa_environments.cluster.resources import DEPLOYMENT_ENVIRONMENTS, EVENTS, MODEL_SERVERS, PODS, Resource
from rasa_environments.desired.context import ENVIRONMENT_LABEL
from rasa_environments.domain.lister import server_of_environment

MAXIMUM_READ = 1000
"""Objects of a kind that are read, however many there are."""


async def show_detail(connected: Session, name: str, output: OutputFormat) -> Overview:
    """Print one environment in depth, and return what the exit code depends on."""
    found = await detail_of(connected, name)
    show(
        output,
        text=lambda: detail_tables.drawn(found, datetime.now(UTC)),
        document=lambda: detail_tables.as_document(found),
        names=[name_of(DEPLOYMENT_ENVIRONMENTS, name)],
    )
    return found.overview


async def detail_of(connected: Session, name: str) -> Detail:
    """Return the environment in depth; what the user may not read is left out, and named.

    Raises ApiError, and CommandError if there is no such environment.
    """
    environment, tag = await environment_and_tag(connected, name)
    unread: list[str] = []
    server = await _server_of(connected, environment, unread)
    namespace = environment.metadata.namespace
    pods = await _listed(connected, PODS, namespace, unread, label_selector=f"{ENVIRONMENT_LABEL}={name}")
    regarding = f"regarding.kind={DEPLOYMENT_ENVIRONMENTS.kind},regarding.name={name}"
    events = await _listed(connected, EVENTS, namespace, unread, field_selector=regarding)
    return detail(environment, tag, server, pods=pods, events=events, unread=unread)


async def _server_of(connected: Session, environment: DeploymentEnvironment, unread: list[str]) -> ModelServer | None:
    """Return the environment's ModelServer; None if there is none, or it may not be read."""
    key = server_of_environment(environment)
    try:
        found = await connected.client.find(MODEL_SERVERS, key)
    except ApiError as error:
        if error.status != 403:
            raise
        unread.append(f"ModelServer {key}: {error.message}")
        return None
    return None if found is None else parsed(ModelServer, found)


async def _listed(
    connected: Session,
    resource: Resource,
    namespace: str,
    unread: list[str],
    *,
    label_selector: str = "",
    field_selector: str = "",
) -> list[JsonObject]:
    """Return the objects, up to `MAXIMUM_READ`; none if they may not be read."""
    found: list[JsonObject] = []
    pages = connected.client.pages(resource, namespace, label_selector=label_selector, field_selector=field_selector)
    try:
        async with aclosing(pages):
            async for page in pages:
                found += page.items
                if len(found) >= MAXIMUM_READ:
                    break
    except ApiError as error:
        if error.status != 403:
            raise
        unread.append(f"{resource.plural}: {error.message}")
    return found
