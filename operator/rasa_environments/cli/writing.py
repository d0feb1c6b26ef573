"""What a command writes to the API server, or would write: `--dry-run`, and the object in the end."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import typer

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.cli.access import Session, session
from rasa_environments.cli.cluster_options import ClusterOptions
from rasa_environments.cli.output import OutputFormat, messages, show_object
from rasa_environments.cluster.resources import Resource


class DryRun(StrEnum):
    """How far a change goes, in kubectl's words."""

    NONE = "none"
    CLIENT = "client"
    SERVER = "server"


DryRunOption = Annotated[
    DryRun,
    typer.Option(
        "--dry-run",
        help="Change nothing. client: print what would be sent; server: let the API server check it, too.",
    ),
]
SUFFIXES: Mapping[DryRun, str] = {DryRun.NONE: "", DryRun.CLIENT: " (dry run)", DryRun.SERVER: " (server dry run)"}
"""After each message on a change, as kubectl writes them."""


@dataclass(frozen=True)
class Writes:
    """The writes of one command."""

    connected: Session
    dry_run: DryRun
    output: OutputFormat

    async def create(self, resource: Resource, manifest: JsonObject) -> JsonObject:
        """Create the object, and return it as it is, or would be, stored. Raises ApiError."""
        if self.dry_run is not DryRun.CLIENT:
            return await self.connected.client.create(resource, manifest)
        self._print("POST", resource.path(manifest["metadata"]["namespace"]), manifest)
        return manifest

    async def patch(self, resource: Resource, key: ObjectKey, change: JsonObject) -> JsonObject:
        """Send a merge patch, and return the object as it is, or would be, stored. Raises ApiError."""
        if self.dry_run is not DryRun.CLIENT:
            return await self.connected.client.patch(resource, key, change)
        self._print("PATCH", resource.path(key.namespace, key.name), change)
        return patched(await self.connected.client.get(resource, key), change)

    def say(self, message: str) -> None:
        """Tell of a change."""
        messages(self.output).print(message + SUFFIXES[self.dry_run])

    def show(self, resource: Resource, obj: JsonObject) -> None:
        """Print the object for programs, as which it is the whole output."""
        show_object(self.output, resource, obj)

    async def show_latest(self, resource: Resource, key: ObjectKey) -> None:
        """Print the object for programs as it is now. Raises ApiError."""
        if self.output is not OutputFormat.TEXT:
            self.show(resource, await self.connected.client.get(resource, key))

    def _print(self, method: str, path: str, body: JsonObject) -> None:
        if self.output is OutputFormat.TEXT:
            messages(self.output).print(f"{method} {path} {json.dumps(body)}")


@asynccontextmanager
async def writes_of(
    where: ClusterOptions, namespace: str | None, dry_run: DryRun, output: OutputFormat
) -> AsyncIterator[Writes]:
    """Yield the writes of a command on the cluster of the options. Raises ConfigurationError if there is none."""
    async with session(where, namespace, dry_run=dry_run is not DryRun.NONE) as connected:
        yield Writes(connected, dry_run, output)


def patched(obj: JsonObject, change: Mapping[str, object]) -> JsonObject:
    """Return the object with a merge patch applied (RFC 7396)."""
    merged = {name: value for name, value in obj.items() if name not in change}
    for name, value in change.items():
        if isinstance(value, Mapping):
            before = obj.get(name)
            merged[name] = patched(before if isinstance(before, dict) else {}, value)
        elif value is not None:
            merged[name] = value
    return merged
