"""Cluster and namespace of a command."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.problems import problems
from rasa_environments.cli.cluster_options import ClusterOptions
from rasa_environments.cli.exit_codes import ExitCode
from rasa_environments.cli.failures import CommandError
from rasa_environments.cluster.client import ApiError, Client
from rasa_environments.cluster.reading import LARGE_PAGES
from rasa_environments.cluster.resources import Resource

FIELD_MANAGER = "kubectl-rasa"
"""Field manager of the commands, in `kubectl get --show-managed-fields`; it differs from the operator's."""
TURNS_TO_CLOSE = 10
"""Turns of the event loop in which the connection of an aborted watch is closed; without them its socket leaks."""

Parsed = TypeVar("Parsed", bound=BaseModel)


@dataclass(frozen=True)
class Session:
    """A connection to the cluster, and the namespace of the command."""

    client: Client
    namespace: str

    async def get(self, model: type[Parsed], resource: Resource, name: str, namespace: str | None = None) -> Parsed:
        """Return the object of that name. Raises CommandError that lists the existing ones if there is none."""
        key = ObjectKey(namespace or self.namespace, name)
        try:
            return parsed(model, await self.client.get(resource, key))
        except ApiError as error:
            if error.status != 404:
                raise
        listing = await self.client.list(resource, key.namespace, metadata_only=True)
        names = ", ".join(sorted(item["metadata"]["name"] for item in listing.items)) or "none"
        raise CommandError(
            f"{resource.kind} {name} not found in namespace {key.namespace} (found: {names}); "
            "check the name and --namespace",
            ExitCode.NOT_FOUND,
        )

    async def listed(self, resource: Resource, namespace: str | None, unread: list[str]) -> list[JsonObject]:
        """Return the objects of a namespace, or of all; none if the user may not list them, which `unread` then names.

        Raises ApiError for everything else.
        """
        try:
            return (await self.client.list(resource, namespace)).items
        except ApiError as error:
            if error.status != 403:
                raise
            unread.append(f"{resource.plural}: {error.message}")
            return []


@asynccontextmanager
async def session(where: ClusterOptions, namespace: str | None, *, dry_run: bool = False) -> AsyncIterator[Session]:
    """Yield a session with the cluster of the options, which with `dry_run` stores nothing.

    Raises ConfigurationError if there is no such cluster.
    """
    try:
        connecting = Client.by(where.source, field_manager=FIELD_MANAGER, dry_run=dry_run, page_sizes=LARGE_PAGES)
        async with await connecting as client:
            yield Session(client, namespace or client.namespace)
    finally:
        for _ in range(TURNS_TO_CLOSE):
            await asyncio.sleep(0)


def parsed(model: type[Parsed], obj: JsonObject) -> Parsed:
    """Return the object as its model. Raises CommandError if the cluster has another version of the resources."""
    try:
        return model.model_validate(obj)
    except ValidationError as error:
        where = f"{obj['kind']} {obj['metadata'].get('namespace')}/{obj['metadata'].get('name')}"
        raise CommandError(f"{where} is not of this version of the command: {'; '.join(problems(error))}") from None
