"""What users request in a random walk, and the state that must result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from rasa_environments.api.base import JsonObject
from rasa_environments.api.deployment_environment import ROTATE_TOKEN_ANNOTATION
from tests.integration.manifests import environment, model_tag
from tests.integration.model_server_process import ModelServerProcess
from tests.integration.space import ALWAYS_THERE, ENVIRONMENT, Objects

TAG = "ModelTag"


@dataclass
class Wish:
    """An environment as its user wants it."""

    port: int = 5005
    rotation: str | None = None
    suspended: bool = False
    token: str | None = None
    """The one that it has had since the last rotation, once that is known."""

    def manifest(self, name: str) -> JsonObject:
        """What the user applies."""
        annotations = {ROTATE_TOKEN_ANNOTATION: self.rotation} if self.rotation else None
        return environment(name, annotations=annotations, service={"port": self.port}, suspend=self.suspended)


@dataclass
class TagWish:
    """A ModelTag as its user wants it."""

    model: str
    policy: str
    before: frozenset[str | None]
    """The models that the tag may have been on before this ModelTag (None: on none)."""
    since: set[str] = field(default_factory=set)
    """The models that it may have been moved to since it was last seen in its desired state."""
    settled: bool = False
    """Whether it was ever seen in its desired state."""

    @property
    def afterwards(self) -> set[str | None]:
        """The models that the tag may be on once this ModelTag is deleted, depending on how far the operator got."""
        if self.policy == "Delete":
            return {None} if self.settled else {None, *self.before}
        return set(self.since) if self.settled else {*self.since, *self.before}

    def manifest(self, name: str) -> JsonObject:
        """What the user applies."""
        return model_tag(name, model=self.model, deletionPolicy=self.policy)


@dataclass
class Wishes:
    """Everything that users want."""

    environments: dict[str, Wish] = field(default_factory=dict)
    tags: dict[str, TagWish] = field(default_factory=dict)
    left: dict[str, set[str | None]] = field(default_factory=dict)
    """By tag whose ModelTag was deleted: the models that it may be on (None: on none)."""

    def problems(self, space: Objects, server: ModelServerProcess) -> list[str]:
        """Return what is not in its desired state."""
        return [
            *self._extra(space),
            *(problem for name, wish in self.environments.items() for problem in _environment(space, name, wish)),
            *self._tags(space, server.tags()),
        ]

    def note_tokens(self, space: Objects) -> None:
        """Expect the tokens to stay from now on, until a rotation."""
        for name, wish in self.environments.items():
            if not wish.suspended:
                wish.token = space.token(name)

    def create_or_promote(self, name: str, model: str, policy: str) -> TagWish:
        """A user applies a ModelTag; the deletion policy is the one that it was created with."""
        if name not in self.tags:
            self.tags[name] = TagWish(model, policy, frozenset(self.left.pop(name, {None})))
        wish = self.tags[name]
        wish.model = model
        wish.since.add(model)
        return wish

    def delete_tag(self, name: str) -> None:
        """A user deletes the ModelTag."""
        self.left[name] = self.tags.pop(name).afterwards

    def note_tags(self) -> None:
        """Each tag is where it should be."""
        for wish in self.tags.values():
            wish.since, wish.settled = {wish.model}, True

    def _extra(self, space: Objects) -> Iterator[str]:
        wanted = {f"{name}-rasa" for name in self.environments}
        for kind in ALWAYS_THERE:
            for item in space.list(kind):
                if item["metadata"]["name"].endswith("-rasa") and item["metadata"]["name"] not in wanted:
                    yield f"{kind} {item['metadata']['name']} is left"

    def _tags(self, space: Objects, carried: dict[str, str]) -> Iterator[str]:
        for name, wish in self.tags.items():
            told = space.condition(TAG, name, "Tagged")
            if carried.get(name) != wish.model or told is None or told["status"] != "True":
                yield f"tag {name} is on {carried.get(name)} instead of {wish.model}, and its status says {told}"
        for name, models in self.left.items():
            if carried.get(name) not in models:
                yield f"tag {name} of a ModelTag that is gone is on {carried.get(name)} instead of one of {models}"


def _environment(space: Objects, name: str, wish: Wish) -> Iterator[str]:
    """What is wrong with an environment."""
    if wish.suspended:
        ready = space.condition(ENVIRONMENT, name, "Ready")
        if ready is None or ready["reason"] != "Suspended":
            yield f"{name} does not say that it is suspended"
        return
    stalled = space.condition(ENVIRONMENT, name, "Stalled")
    if stalled is None or stalled["status"] != "False":
        yield f"{name}: Stalled is {stalled}"
    missing = [kind for kind in ALWAYS_THERE if space.find_child(kind, name) is None]
    if missing:
        yield f"{name} lacks {missing}"
        return
    if space.child("Service", name)["spec"]["ports"][0]["port"] != wish.port:
        yield f"{name} does not have port {wish.port}"
    rotated = space.status(ENVIRONMENT, name).get("lastHandledRotateTokenAt")
    if wish.rotation is not None and rotated != wish.rotation:
        yield f"{name} is at rotation {rotated} instead of {wish.rotation}"
    if wish.token is not None and space.token(name) != wish.token:
        yield f"{name} has another token, though nobody asked for one"
