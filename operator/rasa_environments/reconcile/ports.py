"""The requests that reconcilers make, as small protocols: `cluster` and `rasa` satisfy them, and fakes do in tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from typing import Protocol, TypeAlias, TypeVar

from rasa_environments.api.base import JsonObject, ObjectKey, SecretData
from rasa_environments.api.conditions import Condition
from rasa_environments.api.deployment_environment import DeploymentEnvironment, EnvironmentStatus
from rasa_environments.api.kinds import AnyResource
from rasa_environments.api.model_server import ModelServer, ModelServerStatus
from rasa_environments.api.model_tag import ModelTag, ModelTagStatus
from rasa_environments.cluster.outcome import Outcome
from rasa_environments.cluster.resources import Resource
from rasa_environments.controller.queue import Request
from rasa_environments.domain.facts import Problem
from rasa_environments.rasa.environments import RegisteredEnvironment
from rasa_environments.rasa.errors import EnvironmentNeededError
from rasa_environments.rasa.listing import Model
from rasa_environments.rasa.model_archive import ModelIdentity
from rasa_environments.rasa.pulls import TagAnswer
from rasa_environments.rasa.replies import Reaction

Check: TypeAlias = Callable[[], Awaitable[None]]
Status: TypeAlias = EnvironmentStatus | ModelServerStatus | ModelTagStatus
T = TypeVar("T", DeploymentEnvironment, ModelServer, ModelTag, AnyResource)


class Say(Protocol):
    """Sends a message to a Rasa server (`rasa.conversations.say`, with its HTTP client)."""

    async def __call__(self, base_url: str, sender: str, message: str, *, token: str, with_events: bool) -> Reaction:
        """Return how the bot reacted. Raises RasaError."""


class Forget(Protocol):
    """Deletes a conversation (`rasa.conversations.forget`, with its HTTP client)."""

    async def __call__(self, base_url: str, sender: str, *, token: str) -> None:
        """Delete what the server keeps of the conversation. Raises RasaError."""


class ApiServer(Protocol):
    """The few requests that are neither about children nor about statuses (`cluster.client.Client`)."""

    async def find(self, resource: Resource, key: ObjectKey, *, metadata_only: bool = False) -> JsonObject | None:
        """Return the object as stored, or None. Raises ApiError."""

    async def get(self, resource: Resource, key: ObjectKey, /) -> JsonObject:
        """Return the object as stored. Raises ApiError."""

    async def patch(self, resource: Resource, key: ObjectKey, patch: JsonObject) -> JsonObject:
        """Send a JSON merge patch. Raises ApiError."""

    async def delete(self, resource: Resource, key: ObjectKey) -> None:
        """Delete the object; a 404 counts as success. Raises ApiError."""


class Items(Protocol):
    """A listing (`cluster.decoding.Listing`)."""

    @property
    def items(self) -> list[JsonObject]:
        """The objects."""


class Jobs(Protocol):
    """Runs Jobs (`cluster.client.Client`)."""

    async def find(self, resource: Resource, key: ObjectKey) -> JsonObject | None:
        """Return the object as stored, or None. Raises ApiError."""

    async def create(self, resource: Resource, obj: JsonObject, *, dry_run: bool = False) -> JsonObject:
        """Create the object, or with `dry_run` have it checked only. Raises ApiError."""

    async def delete(self, resource: Resource, key: ObjectKey) -> None:
        """Delete the object, and its pods in the background; a 404 counts as success. Raises ApiError."""

    async def list(self, resource: Resource, namespace: str | None = None, *, label_selector: str = "") -> Items:
        """Return the objects in a namespace with these labels. Raises ApiError."""


class ChildApplier(Protocol):
    """Reads and writes children (`cluster.children.Children`)."""

    def live(self, resource: Resource, key: ObjectKey) -> JsonObject | None:
        """Return the object as last observed, or None; as an outline if it is long."""

    async def read(self, resource: Resource, key: ObjectKey) -> JsonObject | None:
        """Return the complete object, or None. Raises ApiError."""

    async def apply(
        self,
        desired: JsonObject,
        *,
        create_only: bool = False,
        version: str | None = None,
        check_owner: Check | None = None,
    ) -> Outcome:
        """Create or correct the object so that it matches `desired`. Raises the errors of `Children.apply`."""

    async def remove(self, resource: Resource, key: ObjectKey, owner_uid: str) -> bool:
        """Delete the object if its controller has that uid; return whether it did. Raises ApiError."""

    def correct(self, key: ObjectKey) -> bool:
        """Return whether all children of this name are as they were last desired."""

    def forget(self, key: ObjectKey) -> None:
        """Discard what is known about the children of this name, whose owner is gone."""

    def owner_check(self, resource: Resource, key: ObjectKey, uid: str) -> Check:
        """Return a check for `apply`: it raises OwnerGoneError unless the API server still has that owner."""


class SecretReader(Protocol):
    """Reads the Secrets that an object refers to (`reconcile.secrets.ReferencedSecrets`)."""

    async def read(self, user: Request, names: Collection[ObjectKey]) -> Mapping[ObjectKey, SecretData | None]:
        """Return the content of each, None for a missing one; `user` is enqueued when one of them changes.

        They replace those that `user` referred to before. Raises ApiError.
        """


class StatusWriter(Protocol):
    """Writes statuses (`reconcile.status.Statuses`)."""

    async def write(self, before: T, status: Status, conditions: Sequence[Condition]) -> T | None:
        """Write what differs; return the object afterwards, None if nothing did or it is gone.

        Raises ApiError 409 if the object has changed since it was read.
        """

    async def patch(self, before: T, status: Status) -> T | None:
        """Write the status as it is, without a verdict about the object; otherwise as `write`."""


class StatusPatcher(Protocol):
    """Patches statuses (`cluster.client.Client`)."""

    async def patch_status(
        self,
        resource: Resource,
        key: ObjectKey,
        status: JsonObject,
        /,
        *,
        resource_version: str | None = None,
        metadata_only: bool = False,
    ) -> JsonObject:
        """Merge `status` into that of the object; return the object afterwards, or its metadata. Raises ApiError."""


class ForeignWrites(Protocol):
    """Tells the operator's own status writes from those of others (`cluster.status_writes.StatusWrites`)."""

    def has_another_written(self, resource: Resource, key: ObjectKey, obj: JsonObject) -> bool:
        """Return whether another operator has written the status of the object that was read."""

    def forget(self, resource: Resource, key: ObjectKey) -> None:
        """Discard what is known about an object that is gone."""


class ObjectReader(StatusPatcher, Protocol):
    """Reads objects of the operator's own kinds (`cluster.client.Client`)."""

    @property
    def status_writes(self) -> ForeignWrites:
        """The operator's own status writes."""

    async def get(self, resource: Resource, key: ObjectKey, /, *, maximum_bytes: int | None = None) -> JsonObject:
        """Return the object as stored. Raises TooLargeError if it has more than that many bytes, and ApiError."""


class Watched(Protocol):
    """The objects of a kind, as the watch has announced them (`cluster.cache.ObjectCache`)."""

    def keys(self) -> Iterator[ObjectKey]:
        """Yield the keys of all objects."""

    def get(self, key: ObjectKey) -> JsonObject | None:
        """Return what is kept of the object, or None if there is none."""

    def version(self, key: ObjectKey) -> int | None:
        """Return the latest version of the object, or None if there is none."""


class Registry(Protocol):
    """The registry of a model server (`rasa.environments.EnvironmentRegistry`)."""

    async def read(self) -> tuple[RegisteredEnvironment, ...]:
        """Return all entries. Raises RasaError."""

    async def replace(self, entries: Sequence[RegisteredEnvironment]) -> None:
        """Replace all entries. Raises RasaError."""


class ModelFiles(Protocol):
    """The files of a model server (`rasa.pulls.Pulls`)."""

    async def identity(self, tag: str, wanted: str) -> ModelIdentity:
        """Return what the file of the tag with the hash `wanted` says of its model. Raises RasaError."""


class Connection(Protocol):
    """A model server (`rasa.model_server.ModelServerClient`). Every request raises RasaError."""

    @property
    def environments(self) -> Registry:
        """Its registry."""

    @property
    def pulls(self) -> ModelFiles:
        """Its files."""

    async def models(self) -> tuple[Model, ...]:
        """Return the listing."""

    async def version(self) -> str | None:
        """Return the version of the server, None if it does not say."""

    async def check_write(self) -> None:
        """Check the write credentials."""

    async def tag(self, tag: str) -> TagAnswer | None:
        """Pull the tag; None if no model has it."""

    async def put_tag(self, model: str, tag: str) -> None:
        """Set the tag on the model."""

    async def delete_tag(self, model: str, tag: str) -> None:
        """Remove the tag from the model."""

    async def needs(self) -> EnvironmentNeededError | None:
        """Return which environment Rasa X is known to be missing."""


class Connections(Protocol):
    """Connects to ModelServers (`reconcile.clients.Clients`)."""

    async def connect(self, server: ModelServer) -> Connection | Problem:
        """Return the server's client, or why there is none. Raises ApiError."""

    async def forget(self, server: ObjectKey) -> None:
        """Close the client of a server that is gone."""

    def changed(self, server: ObjectKey) -> bool:
        """Return whether the client was replaced since the last call."""

    def can_write(self, server: ObjectKey) -> bool:
        """Return whether there are credentials for writing tags."""
