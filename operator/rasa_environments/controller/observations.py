"""What is known about each model server: its last listing, and later writes."""

from __future__ import annotations

from dataclasses import replace

from rasa_environments.api.base import ObjectKey
from rasa_environments.domain.facts import ServerObservation, TaggedModel


class Observations:
    """Observations by ModelServer; a listing that began before a tag was written does not undo the write."""

    def __init__(self) -> None:
        self._observations: dict[ObjectKey, ServerObservation] = {}
        self._writes: dict[ObjectKey, list[tuple[str, TaggedModel | None]]] = {}

    def get(self, server: ObjectKey) -> ServerObservation | None:
        """Return what is known; None before the first check has ended."""
        return self._observations.get(server)

    def forget(self, server: ObjectKey) -> None:
        """Discard what is known about a server that is gone."""
        self._observations.pop(server, None)
        self._writes.pop(server, None)

    def listing_begins(self, server: ObjectKey) -> None:
        """Begin a listing: from now on, writes of tags are applied to its result."""
        self._writes[server] = []

    def listed(self, server: ObjectKey, observation: ServerObservation) -> ServerObservation:
        """Store the result of the listing and return it."""
        for tag, model in self._writes.pop(server, ()):
            observation = with_tag(observation, tag, model)
        self._observations[server] = observation
        return observation

    def tag_written(self, server: ObjectKey, tag: str, model: TaggedModel | None) -> None:
        """Record that the tag was set on the model, or removed (None)."""
        if server in self._writes:
            self._writes[server].append((tag, model))
        if server in self._observations:
            self._observations[server] = with_tag(self._observations[server], tag, model)


def with_tag(observation: ServerObservation, tag: str, model: TaggedModel | None) -> ServerObservation:
    """Return the observation with the tag on the model, or on none."""
    tags = {name: tagged for name, tagged in observation.tags.items() if name != tag}
    if model is None:
        return replace(observation, tags=tags)
    return replace(observation, tags={**tags, tag: model}, models={**observation.models, model.name: model})
