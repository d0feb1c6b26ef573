"""The group's resources as last seen, and who refers to whom."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from rasa_environments.api.base import ModelServerRef, ObjectKey
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_server import ModelServer
from rasa_environments.api.model_tag import ModelTag
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
        """Keeps what a write returned, unless the object was seen newer, or gone, while the answer was on its way."""
        known = self._resources.get(resource.metadata.key)
        if known is None or known.metadata.uid != resource.metadata.uid:
            return
        if known.metadata.version < resource.metadata.version:
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

    def namesakes(self, server: ObjectKey, environment: str) -> tuple[DeploymentEnvironment, ...]:
        """The environments of one RASA_ENVIRONMENT, the oldest first."""
        return self.environments.having((server, f"environment {environment}"))

    def rival(self, environment: DeploymentEnvironment) -> DeploymentEnvironment | None:
        """An older environment of the same server with the same RASA_ENVIRONMENT or tag: each has its own."""
        server = server_of_environment(environment)
        for alike in (self.namesakes(server, environment.environment), self.followers(server, environment.tag)):
            oldest = self._oldest_permitted(server, alike)
            if oldest is not None and oldest.metadata.key != environment.metadata.key:
                return oldest
        return None

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
