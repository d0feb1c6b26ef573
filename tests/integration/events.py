"""The Events that the operator wrote about an object."""

from __future__ import annotations

from rasa_environments.api.base import JsonObject
from rasa_environments.cluster.events import CONTROLLER
from rasa_environments.cluster.resources import EVENTS
from tests.integration.space import Objects


def events_of(space: Objects, kind: str, name: str, reason: str | None = None) -> list[JsonObject]:
    """Return the Events about an object, the oldest first, optionally only those with a reason."""
    found = [
        event
        for event in space.list(EVENTS.kind)
        if event.get("reportingController") == CONTROLLER
        and (event["regarding"]["kind"], event["regarding"]["name"]) == (kind, name)
        and reason in (None, event["reason"])
    ]
    return sorted(found, key=lambda event: str(event["eventTime"]))


def reasons(space: Objects, kind: str, name: str) -> list[str]:
    """Their reasons, the oldest first."""
    return [event["reason"] for event in events_of(space, kind, name)]


def wait_for_event(space: Objects, kind: str, name: str, reason: str, note: str | None = None) -> JsonObject:
    """Wait for the Event with that reason and note, and check its required fields."""

    def found() -> list[JsonObject]:
        return [event for event in events_of(space, kind, name, reason) if note in (None, event["note"])]

    event = space.eventually(found, f"an Event {reason} of {kind} {name} ({note or 'whatever it says'})")[0]
    assert event["action"]
    assert event["reportingInstance"]
    assert event["regarding"]["uid"] == space.get(kind, name)["metadata"]["uid"]
    return event
