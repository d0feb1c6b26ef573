"""The group's resources as last seen, and who refers to whom."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from rasa_environments.api.base import ModelServerRef, ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_server import ModelServer
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.desired.uniqueness import databases, has_own_queue_and_database, queues
from rasa_environments.reconcile.server_access import permits

Resource = TypeVar("Resource", ModelServer, DeploymentEnvironment, ModelTag)
IndexKey = tuple[ObjectKey, str]


def server_of(namespace: str, reference: ModelServerRef | None) -> ObjectKey:
    """The ModelServer that an object in `namespace` refers to: by default the one called `default` beside it."""
    return ObjectKey((reference and reference.namespace) or namespace, (reference and reference.name) or "default")


def server_of_environment(environment: DeploymentEnvironment) -> ObjectKey:
    """The ModelServer that an environment refers to."""
    return server_of(environment.metadata.namespace, environment.spec.model_server_ref)


def server_of_tag(tag: ModelTag) -> ObjectKey:
    """The ModelServer that a ModelTag refers to."""
    return server_of(tag.metadata.namespace, tag.spec.model_server_ref)


@dataclass(frozen=True)
class Rival:
    """An older environment, and what it has that the newer one wants for itself."""

    environment: DeploymentEnvironment
    reason: Reason
    what: str


class Shelf(Generic[Resource]):
    """Resources of one kind by key, and by the index entries that they have."""

    def __init__(self, index: Callable[[Resource], Iterable[IndexKey]]) -> None:
        self._index: Callable[[Resource], Iterable[IndexKey]] = index
        self._resources: dict[ObjectKey, Resource] = {}
        self._indexed: dict[IndexKey, dict[ObjectKey, None]] = {}

    def __len__(self) -> int:
        return len(self._resources)

    def get(self, key: ObjectKey) -> Resource | None:
        """The resource of that key."""
        return self._resources.get(key)

    def __iter__(self) -> Iterator[Resource]:
        return iter(tuple(self._resources.values()))

    def put(self, resource: Resource) -> Resource | None:
        """Keeps the resource; returns the one that it replaces."""
        before = self.remove(resource.metadata.key)
        self._resources[resource.metadata.key] = resource
        for entry in self._index(resource):
            self._indexed.setdefault(entry, {})[resource.metadata.key] = None
        return before

    def refresh(self, resource: Resource) -> None:
        """Keeps what a write returned, unless the object was seen newer, or gone, while the answer was on its way.

        An answer with another spec or annotation is left to the watch, which tells all whom that concerns.
        """
        known = self._resources.get(resource.metadata.key)
        if known is None or known.metadata.uid != resource.metadata.uid:
            return
        before, after = known.metadata, resource.metadata
        if (before.generation, before.annotations) != (after.generation, after.annotations):
            return
        if known.metadata.latest_version < resource.metadata.latest_version:
            self.put(resource)

    def remove(self, key: ObjectKey) -> Resource | None:
        """Forgets the resource; returns it."""
        before = self._resources.pop(key, None)
        if before is not None:
            for entry in self._index(before):
                keys = self._indexed[entry]
                keys.pop(key, None)
                if not keys:
                    del self._indexed[entry]
        return before

    def having(self, entry: IndexKey) -> tuple[Resource, ...]:
        """The resources with that index entry, the oldest first."""
        found = [self._resources[key] for key in self._indexed.get(entry, ())]
        return tuple(sorted(found, key=lambda resource: (resource.metadata.creation_timestamp, resource.metadata.key)))


class Directory:
    """What is known of the three kinds."""

    def __init__(self) -> None:
        self.servers: Shelf[ModelServer] = Shelf(lambda _: ())
        self.environments: Shelf[DeploymentEnvironment] = Shelf(
            lambda environment: (
                (server_of_environment(environment), ""),
                (server_of_environment(environment), f"environment {environment.environment}"),
                (server_of_environment(environment), f"tag {environment.tag}"),
            )
        )
        self.tags: Shelf[ModelTag] = Shelf(
            lambda tag: ((server_of_tag(tag), ""), (server_of_tag(tag), f"tag {tag.tag}"))
        )

    @property
    def namespaces(self) -> frozenset[str]:
        """The namespaces with environments or servers: Secrets of others concern nobody."""
        return frozenset(resource.metadata.namespace for resource in (*self.servers, *self.environments))

    def environments_of(self, server: ObjectKey) -> tuple[DeploymentEnvironment, ...]:
        """The environments that refer to a server, the oldest first."""
        return self.environments.having((server, ""))

    def tags_of(self, server: ObjectKey) -> tuple[ModelTag, ...]:
        """The ModelTags that refer to a server, the oldest first."""
        return self.tags.having((server, ""))

    def followers(self, server: ObjectKey, tag: str) -> tuple[DeploymentEnvironment, ...]:
        """The environments that pull a tag, the oldest first."""
        return self.environments.having((server, f"tag {tag}"))

    def rightful_followers(self, server: ObjectKey, tag: str) -> tuple[DeploymentEnvironment, ...]:
        """Those that may pull it: the server permits them, and no older environment has the name or the tag."""
        found = self.servers.get(server)
        if found is None:
            return ()
        permitted = (each for each in self.followers(server, tag) if permits(found, each.metadata.namespace))
        return tuple(each for each in permitted if self.rival(each) is None)

    def rightful_environments(self, server: ObjectKey) -> tuple[DeploymentEnvironment, ...]:
        """The environments that the server permits and no older one has anything against, the oldest first."""
        found = self.servers.get(server)
        if found is None:
            return ()
        permitted = (each for each in self.environments_of(server) if permits(found, each.metadata.namespace))
        return tuple(each for each in permitted if self.rival(each) is None)

    def namesakes(self, server: ObjectKey, environment: str) -> tuple[DeploymentEnvironment, ...]:
        """The environments of one RASA_ENVIRONMENT, the oldest first."""
        return self.environments.having((server, f"environment {environment}"))

    def rival(self, environment: DeploymentEnvironment) -> Rival | None:
        """An older environment of the same server that has already what must be this one's own."""
        server = server_of_environment(environment)
        for reason, what, alike in self._alike(environment):
            oldest = self._oldest_permitted(server, alike)
            if oldest is not None and oldest.metadata.key != environment.metadata.key:
                return Rival(oldest, reason, what)
        return None

    def rivals(self, environment: DeploymentEnvironment) -> tuple[DeploymentEnvironment, ...]:
        """Every other environment of the same server with which it shares what must be one's own."""
        others = {each.metadata.key: each for _, _, alike in self._alike(environment) for each in alike}
        others.pop(environment.metadata.key, None)
        return tuple(others.values())

    def _alike(
        self, environment: DeploymentEnvironment
    ) -> Iterator[tuple[Reason, str, tuple[DeploymentEnvironment, ...]]]:
        """What must be an environment's own, and all that have it, the oldest first."""
        server = server_of_environment(environment)
        name, tag = environment.environment, environment.tag
        yield Reason.ENVIRONMENT_CONFLICT, f"RASA_ENVIRONMENT {name}", self.namesakes(server, name)
        yield Reason.TAG_CONFLICT, f"tag {tag}", self.followers(server, tag)
        found = self.servers.get(server)
        if found is None or not has_own_queue_and_database(found):
            return
        all_of_it = self.environments_of(server)
        for host, queue in sorted(queues(environment, found)):
            alike = tuple(each for each in all_of_it if (host, queue) in queues(each, found))
            yield Reason.QUEUE_CONFLICT, f"queue {queue} on {host}", alike
        for host, database in databases(environment, found):
            alike = tuple(each for each in all_of_it if (host, database) in databases(each, found))
            yield Reason.DATABASE_CONFLICT, f"database {database} on {host}", alike

    def claims(self, server: ObjectKey, tag: str) -> tuple[ModelTag, ...]:
        """The ModelTags for one tag, the oldest first."""
        return self.tags.having((server, f"tag {tag}"))

    def ruler(self, server: ObjectKey, tag: str) -> ModelTag | None:
        """The ModelTag that decides on a tag: the oldest whose namespace may use the server."""
        return self._oldest_permitted(server, self.claims(server, tag))

    def rules(self, tag: ModelTag) -> bool:
        """Whether this ModelTag decides on its tag."""
        ruler = self.ruler(server_of_tag(tag), tag.tag)
        return ruler is not None and ruler.metadata.key == tag.metadata.key

    def _oldest_permitted(self, server: ObjectKey, resources: Iterable[Resource]) -> Resource | None:
        """The first that may use the server: who may not has no say, whatever its age."""
        found = self.servers.get(server)
        if found is None:
            return None
        return next((resource for resource in resources if permits(found, resource.metadata.namespace)), None)
