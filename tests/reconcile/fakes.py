"""What reconcilers ask and write, in memory: the API server, children, Secrets, model servers and Rasa."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

from rasa_environments.api.base import JsonObject, ObjectKey, SecretData
from rasa_environments.api.model_server import ModelServer
from rasa_environments.cluster.errors import ApiError, OwnerGoneError
from rasa_environments.cluster.outcome import Outcome
from rasa_environments.cluster.resources import Resource, resource_of
from rasa_environments.controller.queue import Request, WorkQueue
from rasa_environments.controller.state import State
from rasa_environments.domain.facts import Problem
from rasa_environments.judge.events import Event, ObjectReference
from rasa_environments.rasa.environments import RegisteredEnvironment
from rasa_environments.rasa.errors import EnvironmentNeededError, RasaError
from rasa_environments.rasa.listing import Model
from rasa_environments.rasa.model_archive import ModelIdentity
from rasa_environments.rasa.peers import Peer
from rasa_environments.rasa.pulls import TagAnswer
from rasa_environments.rasa.replies import Reaction
from rasa_environments.rasa.server import RasaVersion, Served
from rasa_environments.reconcile.clock import utc_now
from rasa_environments.reconcile.ports import Check
from rasa_environments.reconcile.running_releases import ReleaseProbe
from rasa_environments.reconcile.verification.stages import Ports, Stages, stages
from tests.reconcile.fake_jobs import FakeJobs


@dataclass
class FakeApiServer:
    """An API server that holds these objects by kind, namespace and name, and takes every patch."""

    objects: dict[tuple[str, ObjectKey], JsonObject] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    """The requests in order: method, kind and key."""
    statuses: list[JsonObject] = field(default_factory=list)
    """The patches of statuses in order."""
    fault: ApiError | None = None
    """The answer to every status patch, if it fails."""

    async def find(self, resource: Resource, key: ObjectKey, *, metadata_only: bool = False) -> JsonObject | None:
        """The object, or None."""
        self.requests.append(f"GET {resource.kind} {key}")
        return self.objects.get((resource.kind, key))

    async def get(self, resource: Resource, key: ObjectKey, /) -> JsonObject:
        """The object; 404 without it."""
        found = await self.find(resource, key)
        if found is None:
            raise ApiError(404, "NotFound", f"{resource.kind} {key} not found")
        return found

    async def patch(self, resource: Resource, key: ObjectKey, patch: JsonObject) -> JsonObject:
        """Take the patch."""
        self.requests.append(f"PATCH {resource.kind} {key}")
        return patch

    async def delete(self, resource: Resource, key: ObjectKey) -> None:
        """Delete the object."""
        self.requests.append(f"DELETE {resource.kind} {key}")
        self.objects.pop((resource.kind, key), None)

    async def patch_status(
        self,
        resource: Resource,
        key: ObjectKey,
        status: JsonObject,
        *,
        resource_version: str | None = None,
        metadata_only: bool = False,
    ) -> JsonObject:
        """Take the patch, in a version of its own."""
        self.requests.append(f"PATCH {resource.kind} {key} status")
        if self.fault is not None:
            raise self.fault
        self.statuses.append(status)
        return {"metadata": {"resourceVersion": str(1000 * len(self.statuses))}}


@dataclass
class FakeChildren:
    """Children that are as they were applied last."""

    objects: dict[tuple[str, ObjectKey], JsonObject] = field(default_factory=dict)
    applied: list[JsonObject] = field(default_factory=list)
    """What was applied, in order, whether it changed anything or failed."""
    faults: dict[str, list[Exception]] = field(default_factory=dict)
    """By kind: what the next applies raise."""
    removed: list[str] = field(default_factory=list)
    forgotten: list[ObjectKey] = field(default_factory=list)
    owner_is_gone: bool = False
    owners_checked: int = 0
    all_correct: bool = False
    """Whether nobody has changed any since they were applied."""

    @property
    def kinds(self) -> list[str]:
        """The kinds that were applied, in order."""
        return [child["kind"] for child in self.applied]

    def last(self, kind: str) -> JsonObject:
        """The child of that kind that was applied last."""
        return next(child for child in reversed(self.applied) if child["kind"] == kind)

    def live(self, resource: Resource, key: ObjectKey) -> JsonObject | None:
        """The object, or None."""
        return self.objects.get((resource.kind, key))

    async def read(self, resource: Resource, key: ObjectKey) -> JsonObject | None:
        """The object, or None."""
        return self.live(resource, key)

    async def apply(
        self,
        desired: JsonObject,
        *,
        create_only: bool = False,
        version: str | None = None,
        check_owner: Check | None = None,
    ) -> Outcome:
        """Store the object, unless a fault is due, or its owner is gone."""
        self.applied.append(desired)
        kind, metadata = desired["kind"], desired["metadata"]
        faults = self.faults.get(kind)
        if faults:
            raise faults.pop(0)
        key = ObjectKey(metadata["namespace"], metadata["name"])
        before = self.objects.get((kind, key))
        if before is None and check_owner is not None:
            await check_owner()
        # What others write into an object, such as a status, stays.
        self.objects[kind, key] = {**(before or {}), **deepcopy(desired)}
        if before is None:
            return Outcome.CREATED
        return Outcome.UNCHANGED if self.objects[kind, key] == before else Outcome.CORRECTED

    async def remove(self, resource: Resource, key: ObjectKey, owner_uid: str) -> bool:
        """Delete the object."""
        self.removed.append(resource.kind)
        return self.objects.pop((resource.kind, key), None) is not None

    def correct(self, key: ObjectKey) -> bool:
        """Whether all are as they were applied."""
        return self.all_correct

    def forget(self, key: ObjectKey) -> None:
        """The owner is gone."""
        self.forgotten.append(key)

    def owner_check(self, resource: Resource, key: ObjectKey, uid: str) -> Check:
        """A check that fails if the owner is gone."""

        async def check() -> None:
            self.owners_checked += 1
            if self.owner_is_gone:
                raise OwnerGoneError(resource.kind, key)

        return check

    def has_status(self, kind: str, key: ObjectKey, **status: object) -> None:
        """A controller has written the status of a child."""
        self.objects[resource_of(kind).kind, key]["status"] = status


@dataclass
class FakeSecrets:
    """Secrets by namespace and name, and who refers to them."""

    contents: dict[ObjectKey, SecretData] = field(default_factory=dict)
    users: dict[Request, Collection[ObjectKey]] = field(default_factory=dict)

    async def read(self, user: Request, names: Collection[ObjectKey]) -> Mapping[ObjectKey, SecretData | None]:
        """The content of each, or None."""
        self.users[user] = names
        return {name: self.contents.get(name) for name in names}


@dataclass
class FakeRegistry:
    """A registry of environments."""

    entries: tuple[RegisteredEnvironment, ...] = ()

    async def read(self) -> tuple[RegisteredEnvironment, ...]:
        """All entries."""
        return self.entries

    async def replace(self, entries: Sequence[RegisteredEnvironment]) -> None:
        """These and no others."""
        self.entries = tuple(entries)


@dataclass
class FakeFiles:
    """The identities in model files, by hash."""

    identities: dict[str, ModelIdentity] = field(default_factory=dict)

    async def identity(self, tag: str, wanted: str) -> ModelIdentity:
        """The identity in the file with that hash."""
        return self.identities[wanted]


@dataclass
class FakeModelServer:
    """A model server with these models by name (each with its hash), and these tags, each on the name of a model."""

    hashes: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    listing_fault: RasaError | None = None
    """The answer to a listing, if it fails."""
    pull_fault: RasaError | None = None
    put_fault: RasaError | None = None
    ignores_writes: bool = False
    """Whether it confirms that it has set a tag, and does not."""
    write_fault: RasaError | None = None
    """The answer to a check of the write credentials, if it fails."""
    writes: list[str] = field(default_factory=list)
    requests: int = 0
    environments: FakeRegistry = field(default_factory=FakeRegistry)
    pulls: FakeFiles = field(default_factory=FakeFiles)

    async def models(self) -> tuple[Model, ...]:
        """The listing."""
        self.requests += 1
        if self.listing_fault is not None:
            raise self.listing_fault
        return tuple(
            Model(name, digest, frozenset(tag for tag, tagged in self.tags.items() if tagged == name))
            for name, digest in self.hashes.items()
        )

    async def version(self) -> str | None:
        """A version."""
        self.requests += 1
        return "1.0.0"

    async def check_write(self) -> None:
        """Check the write credentials."""
        self.requests += 1
        if self.write_fault is not None:
            raise self.write_fault

    async def tag(self, tag: str) -> TagAnswer | None:
        """Pull the tag."""
        self.requests += 1
        if self.pull_fault is not None:
            raise self.pull_fault
        model = self.tags.get(tag)
        return None if model is None else TagAnswer(self.hashes[model], f"{model}.tar.gz")

    async def put_tag(self, model: str, tag: str) -> None:
        """Set the tag."""
        self.requests += 1
        self.writes.append(f"{tag} on {model}")
        if self.put_fault is not None:
            raise self.put_fault
        if not self.ignores_writes:
            self.tags[tag] = model

    async def delete_tag(self, model: str, tag: str) -> None:
        """Remove the tag."""
        self.requests += 1
        self.writes.append(f"{tag} off {model}")
        if not self.ignores_writes:
            self.tags.pop(tag, None)

    async def needs(self) -> EnvironmentNeededError | None:
        """Nothing is known to be missing."""
        return None


@dataclass
class FakeConnections:
    """Connects every ModelServer to one model server, or says why there is no client."""

    connection: FakeModelServer | Problem = field(default_factory=FakeModelServer)
    writable: bool = True
    renewed: bool = False
    forgotten: list[ObjectKey] = field(default_factory=list)

    async def connect(self, server: ModelServer) -> FakeModelServer | Problem:
        """The client."""
        return self.connection

    async def forget(self, server: ObjectKey) -> None:
        """The ModelServer is gone."""
        self.forgotten.append(server)

    def changed(self, server: ObjectKey) -> bool:
        """Whether the client is another one."""
        return self.renewed

    def can_write(self, server: ObjectKey) -> bool:
        """Whether there are credentials."""
        return self.writable


@dataclass
class FakeRasa:
    """Rasa servers that all serve one model."""

    model: str | None = None
    fault: RasaError | None = None
    """The answer to every request, if it fails."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """URL and token of each request."""

    async def __call__(self, base_url: str, token: str, peer: Peer, *, fresh: bool) -> Served:
        """The answer of the server at that address."""
        self.asked.append((base_url, token))
        if self.fault is not None:
            raise self.fault
        return Served(self.model)


@dataclass
class FakeEvents:
    """Keeps what is recorded."""

    recorded: list[tuple[ObjectReference, Event]] = field(default_factory=list)

    def __call__(self, regarding: ObjectReference, events: Sequence[Event]) -> None:
        """Keep the Events."""
        self.recorded += [(regarding, event) for event in events]

    @property
    def reasons(self) -> list[str]:
        """The reasons of all Events in order."""
        return [event.reason for _, event in self.recorded]


@dataclass
class FakeBots:
    """Bots that give one answer to everything."""

    answer: Reaction = field(default_factory=Reaction)
    fault: RasaError | None = None
    """The answer to every message, if it fails."""
    heard: list[tuple[str, str, str]] = field(default_factory=list)
    """URL, sender and text of every message."""
    deleted: list[str] = field(default_factory=list)
    """Senders whose conversations were deleted."""

    async def __call__(self, base_url: str, sender: str, message: str, *, token: str, with_events: bool) -> Reaction:
        """The answer."""
        self.heard.append((base_url, sender, message))
        if self.fault is not None:
            raise self.fault
        return self.answer

    async def delete(self, base_url: str, sender: str, *, token: str) -> None:
        """Delete the conversation."""
        self.deleted.append(sender)
        if self.fault is not None:
            raise self.fault


def verification_stages(
    state: State,
    api: FakeApiServer | None = None,
    children: FakeChildren | None = None,
    bots: FakeBots | None = None,
    secrets: FakeSecrets | None = None,
    jobs: FakeJobs | None = None,
    *,
    limit: int = 10,
    now: Callable[[], str] = utc_now,
) -> Stages:
    """Return both stages of verifications with these fakes."""
    talked = bots or FakeBots()
    ports = Ports(
        api or FakeApiServer(),
        jobs or FakeJobs(),
        children or FakeChildren(),
        secrets or FakeSecrets(),
        talked,
        talked.delete,
    )
    return stages(state, ports, limit, now)


def unasked_releases(state: State) -> ReleaseProbe:
    """Return a probe of releases for tests in which no Rasa server is to be asked for its version."""

    async def ask(base_url: str, peer: Peer) -> RasaVersion:
        raise AssertionError(f"{base_url} is asked for its version")

    return ReleaseProbe(state, ask)


class RecordingQueue(WorkQueue):
    """A queue that says what was requested, now or after some seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.added: list[Request] = []
        self.later: dict[Request, float] = {}

    def add(self, request: Request) -> None:
        """Request a reconciliation now."""
        self.added.append(request)
        super().add(request)

    def add_later(self, request: Request, seconds: float) -> None:
        """Request a reconciliation after some seconds."""
        self.later[request] = seconds
        super().add_later(request, seconds)
