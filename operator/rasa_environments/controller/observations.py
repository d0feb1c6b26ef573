"""What is known of each model server: its last listing, and what was written to it since."""

from __future__ import annotations

from dataclasses import replace

from rasa_environments.api.base import ObjectKey
from rasa_environments.domain.facts import ServerObservation, TaggedModel


class Observations:
    """Observations by ModelServer. A listing that began before a tag was written does not undo the write."""

    def __init__(self) -> None:
        self._observations: dict[ObjectKey, ServerObservation] = {}
        self._writes: dict[ObjectKey, list[tuple[str, TaggedModel | None]]] = {}

    def get(self, server: ObjectKey) -> ServerObservation | None:
        """What is known; None before the first check has ended."""
        return self._observations.get(server)

    def forget(self, server: ObjectKey) -> None:
        """Drops what is known of a server that is gone."""
        self._observations.pop(server, None)
        self._writes.pop(server, None)

    def listing_begins(self, server: ObjectKey) -> None:
        """From now on, writes of tags are laid on the listing's result."""
        self._writes[server] = []

    def listed(self, server: ObjectKey, observation: ServerObservation) -> ServerObservation:
        """Keeps and returns the result of the listing."""
        for tag, model in self._writes.pop(server, ()):
            observation = with_tag(observation, tag, model)
        self._observations[server] = observation
        return observation

    def tag_written(self, server: ObjectKey, tag: str, model: TaggedModel | None) -> None:
        """The tag was put on the model, or taken away (None)."""
        if server in self._writes:
            self._writes[server].append((tag, model))
        if server in self._observations:
            self._observations[server] = with_tag(self._observations[server], tag, model)


def with_tag(observation: ServerObservation, tag: str, model: TaggedModel | None) -> ServerObservation:
    """The observation with the tag on the model, or on none."""
    tags = {name: carrier for name, carrier in observation.tags.items() if name != tag}
    if model is None:
        return replace(observation, tags=tags)
    return replace(observation, tags={**tags, tag: model}, models={**observation.models, model.name: model})
