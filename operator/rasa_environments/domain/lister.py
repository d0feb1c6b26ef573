"""The operator's own resources as last observed, and the references between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from rasa_environments.api.base import ModelServerRef, ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.kinds import AnyResource
from rasa_environments.api.model_server import ModelServer
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.domain.access import Labels, allows, missing, never_valid
from rasa_environments.domain.claim_index import ClaimIndex
from rasa_environments.domain.claims import claims_of_environment, claims_of_tag, tag_key
from rasa_environments.domain.facts import Problem
from rasa_environments.domain.indexer import Indexer


def server_of(namespace: str, reference: ModelServerRef | None) -> ObjectKey:
    """Return the ModelServer that an object in `namespace` refers to; by default `default` in the same namespace."""
    return ObjectKey((reference and reference.namespace) or namespace, (reference and reference.name) or "default")


def server_of_environment(environment: DeploymentEnvironment) -> ObjectKey:
    """Return the ModelServer that an environment refers to."""
    return server_of(environment.metadata.namespace, environment.spec.model_server_ref)


def server_of_tag(tag: ModelTag) -> ObjectKey:
    """Return the ModelServer that a ModelTag refers to."""
    return server_of(tag.metadata.namespace, tag.spec.model_server_ref)


def server_of_resource(resource: AnyResource) -> ObjectKey | None:
    """Return the ModelServer that an object refers to; None for a ModelServer itself."""
    match resource:
        case DeploymentEnvironment():
            return server_of_environment(resource)
        case ModelTag():
            return server_of_tag(resource)
        case ModelServer():
            return None


INDEXED_AT_A_TIME = 20
"""Environments whose claims are updated at a time, which takes a few milliseconds."""


@dataclass(frozen=True)
class Conflict:
    """An environment with precedence, and what it has that the other one needs exclusively."""

    environment: DeploymentEnvironment
    reason: Reason
    what: str


class Lister:
    """The known objects of the three kinds."""

    def __init__(self) -> None:
        self.servers: Indexer[ModelServer] = Indexer(lambda _: (), self._server_changed)
        self.environments: Indexer[DeploymentEnvironment] = Indexer(
            lambda environment: (
                (server_of_environment(environment), ""),
                (server_of_environment(environment), f"tag {environment.tag}"),
            ),
            self._environment_changed,
        )
        self.tags: Indexer[ModelTag] = Indexer(
            lambda tag: tuple((server_of_tag(tag), what) for what in _indexed(tag)), self._tag_changed
        )
        self._never_valid: set[ObjectKey] = set()
        """ModelServers that exist, of which no version could be used so far."""
        self._environment_claims = ClaimIndex(lambda _: None)
        self._tag_claims = ClaimIndex(lambda _: None)
        self._hosts: dict[ObjectKey, frozenset[str]] = {}
        """The Ingress hosts last granted to each environment."""
        self._namespace_labels: dict[str, Labels] = {}
        self._unindexed: dict[ObjectKey, dict[ObjectKey, None]] = {}
        """By ModelServer: environments whose claims may have changed with its spec."""

    def on_conflict_change(
        self, *, environments: Callable[[ObjectKey], None], tags: Callable[[ObjectKey], None]
    ) -> None:
        """Set the callbacks for objects whose conflict may have begun or ended because another object changed."""
        self._environment_claims.on_change = environments
        self._tag_claims.on_change = tags

    def put(self, resource: AnyResource) -> None:
        """Store a resource, replacing the one of its name."""
        match resource:
            case ModelServer():
                self._never_valid.discard(resource.metadata.key)
                self.servers.put(resource)
            case DeploymentEnvironment():
                self.environments.put(resource)
            case ModelTag():
                self.tags.put(resource)

    def refresh(self, written: AnyResource) -> None:
        """Store the result of a status write (`Indexer.refresh`)."""
        match written:
            case ModelServer():
                self.servers.refresh(written)
            case DeploymentEnvironment():
                self.environments.refresh(written)
            case ModelTag():
                self.tags.refresh(written)

    def remove(self, resource: AnyResource) -> None:
        """Remove the resource of that kind and name."""
        match resource:
            case ModelServer():
                self.servers.remove(resource.metadata.key)
            case DeploymentEnvironment():
                self.environments.remove(resource.metadata.key)
            case ModelTag():
                self.tags.remove(resource.metadata.key)

    def server(self, key: ObjectKey) -> ModelServer | Problem:
        """Return the ModelServer, or the problem that it does not exist or has never been valid."""
        found = self.servers.get(key)
        if found is not None:
            return found
        return never_valid(key) if self.is_never_valid(key) else missing(key)

    def is_never_valid(self, server: ObjectKey) -> bool:
        """Return whether the ModelServer exists, but none of its versions could be used yet."""
        return server in self._never_valid

    def set_never_valid(self, server: ObjectKey, *, exists: bool) -> None:
        """Record that a ModelServer without a usable version exists, or no longer does."""
        (self._never_valid.add if exists else self._never_valid.discard)(server)

    @property
    def namespaces(self) -> frozenset[str]:
        """The namespaces with environments or servers; Secrets of other namespaces are irrelevant."""
        return frozenset(resource.metadata.namespace for resource in (*self.servers, *self.environments))

    def environments_of(self, server: ObjectKey) -> tuple[DeploymentEnvironment, ...]:
        """Return the environments that refer to a server, the oldest first."""
        return self.environments.by_index((server, ""))

    def tags_of(self, server: ObjectKey) -> tuple[ModelTag, ...]:
        """Return the ModelTags that refer to a server, the oldest first."""
        return self.tags.by_index((server, ""))

    def followers(self, server: ObjectKey, tag: str) -> tuple[DeploymentEnvironment, ...]:
        """Return the environments that pull a tag, the oldest first."""
        return self.environments.by_index((server, f"tag {tag}"))

    def eligible_followers(self, server: ObjectKey, tag: str) -> tuple[DeploymentEnvironment, ...]:
        """Return those that may pull it: the server allows them, and no older environment has the name or tag."""
        return self._eligible(server, self.followers(server, tag))

    def eligible_environments(self, server: ObjectKey) -> tuple[DeploymentEnvironment, ...]:
        """Return the environments that the server allows and that have no conflict, the oldest first."""
        return self._eligible(server, self.environments_of(server))

    def _eligible(
        self, server: ObjectKey, environments: Iterable[DeploymentEnvironment]
    ) -> tuple[DeploymentEnvironment, ...]:
        self._index_claims(server)
        found, claims = self.servers.get(server), self._environment_claims
        if found is None:
            return ()
        permitted = (
            each
            for each in environments
            if allows(found, each.metadata.namespace, self.labels_of(each.metadata.namespace))
        )
        return tuple(each for each in permitted if claims.is_free(each.metadata.key))

    def conflict(self, environment: DeploymentEnvironment) -> Conflict | None:
        """Return the environment that already has what this one needs exclusively, or None."""
        self._index_claims(server_of_environment(environment))
        conflict = self._environment_claims.conflict(environment.metadata.key)
        if conflict is None:
            return None
        contest, other = conflict
        found = self.environments.get(other)
        return None if found is None else Conflict(found, contest.reason, contest.what)

    def index_some_claims(self, server: ObjectKey) -> bool:
        """Index a few of the claims that a change of the server's spec left to index; return whether any are left."""
        self._index_claims(server, INDEXED_AT_A_TIME)
        return server in self._unindexed

    def grant_hosts(self, environment: DeploymentEnvironment, hosts: frozenset[str]) -> None:
        """Grant these Ingress hosts, or none, to the environment, which has no conflict."""
        key = environment.metadata.key
        if self._hosts.get(key, frozenset()) == hosts or self.environments.get(key) is None:
            return
        if hosts:
            self._hosts[key] = hosts
        else:
            del self._hosts[key]
        self._index_environment(self.environments.get(key))

    def labels_of(self, namespace: str) -> Labels | None:
        """Return the labels of a namespace; None if they are unknown."""
        return self._namespace_labels.get(namespace)

    def namespace_changed(self, namespace: str, labels: Labels | None) -> tuple[DeploymentEnvironment | ModelTag, ...]:
        """Store the labels of a namespace (None if it is gone); return the objects whose access depends on them."""
        if self._namespace_labels.get(namespace) == labels:
            return ()
        if labels is None:
            del self._namespace_labels[namespace]
        else:
            self._namespace_labels[namespace] = labels
        environments = [
            each
            for each in self.environments
            if each.metadata.namespace == namespace and self._is_selective(server_of_environment(each))
        ]
        tags = [
            each
            for each in self.tags
            if each.metadata.namespace == namespace and self._is_selective(server_of_tag(each))
        ]
        for environment in environments:
            self._index_environment(environment)
        for tag in tags:
            self._tag_changed(None, tag)
        return (*environments, *tags)

    def _is_selective(self, server: ObjectKey) -> bool:
        """Return whether the server selects allowed namespaces by label."""
        found = self.servers.get(server)
        access = found.spec.access_from if found is not None else None
        return access is not None and bool(access.namespace_selectors)

    def promoted_from(self, source: ModelTag) -> tuple[ModelTag, ...]:
        """Return the ModelTags that are promoted from the tag of this one, the oldest first."""
        found = self.tags.by_index((server_of_tag(source), f"from {source.tag}"))
        return tuple(each for each in found if each.metadata.namespace == source.metadata.namespace)

    def claims(self, server: ObjectKey, tag: str) -> tuple[ModelTag, ...]:
        """Return the ModelTags for one tag, the oldest first."""
        return self.tags.by_index((server, f"tag {tag}"))

    def tag_owner(self, server: ObjectKey, tag: str) -> ModelTag | None:
        """Return the owner of a tag: the oldest ModelTag whose namespace may use the server."""
        first = self._tag_claims.first(tag_key(server, tag))
        return None if first is None else self.tags.get(first)

    def followed(self, environment: DeploymentEnvironment) -> ModelTag | None:
        """Return the ModelTag that owns the tag of an environment."""
        return self.tag_owner(server_of_environment(environment), environment.tag)

    def owns(self, tag: ModelTag) -> bool:
        """Return whether this ModelTag owns its tag."""
        return self._tag_claims.first(tag_key(server_of_tag(tag), tag.tag)) == tag.metadata.key

    def _server_changed(self, before: ModelServer | None, now: ModelServer | None) -> None:
        """Update claims, which depend on the server's profile, defaults and allowed namespaces."""
        resource = now or before
        if resource is None or (before is not None and now is not None and _terms(before) == _terms(now)):
            return
        key = resource.metadata.key
        self._unindexed[key] = {each.metadata.key: None for each in self.environments_of(key)}
        for tag in self.tags_of(key):
            self._tag_changed(None, tag)

    def _environment_changed(self, before: DeploymentEnvironment | None, now: DeploymentEnvironment | None) -> None:
        if before is not None and (now is None or now.metadata.uid != before.metadata.uid):
            self._hosts.pop(before.metadata.key, None)
        if before is not None and now is None:
            self._environment_claims.withdraw(before.metadata.key)
        self._index_environment(now)

    def _tag_changed(self, before: ModelTag | None, now: ModelTag | None) -> None:
        if now is not None:
            server = server_of_tag(now)
            claims = claims_of_tag(now, server, self.servers.get(server), self.labels_of(now.metadata.namespace))
            self._tag_claims.index(now.metadata.key, now.metadata.creation_timestamp, claims)
        elif before is not None:
            self._tag_claims.withdraw(before.metadata.key)

    def _index_claims(self, server: ObjectKey, at_most: int | None = None) -> None:
        """Update the pending claims of a server's environments."""
        waiting = self._unindexed.get(server, {})
        for key in list(islice(waiting, at_most)):
            del waiting[key]
            self._index_environment(self.environments.get(key))
        if not waiting:
            self._unindexed.pop(server, None)

    def _index_environment(self, environment: DeploymentEnvironment | None) -> None:
        if environment is None:
            return
        metadata, server = environment.metadata, server_of_environment(environment)
        self._unindexed.get(server, {}).pop(metadata.key, None)
        held = {*(environment.status.ingress_hosts or ()), *self._hosts.get(metadata.key, ())}
        labels = self.labels_of(metadata.namespace)
        claims = claims_of_environment(environment, server, self.servers.get(server), labels, held)
        self._environment_claims.index(metadata.key, metadata.creation_timestamp, claims)


def _indexed(tag: ModelTag) -> Iterator[str]:
    """Yield what a ModelTag is found by among those of its server."""
    yield ""
    yield f"tag {tag.tag}"
    if tag.spec.promote_from is not None:
        yield f"from {tag.spec.promote_from.tag}"


def _terms(server: ModelServer) -> tuple[object, ...]:
    """Return what the claims of a server's objects depend on."""
    defaults = server.spec.defaults
    shared = defaults and (defaults.event_broker, defaults.tracker_store, defaults.ingress)
    return server.spec.profile, server.spec.access_from, shared
