"""endpoints.yml and credentials.yml of the chart: since 2.0 as they are, before in a form of its own."""

from __future__ import annotations

from dataclasses import dataclass

from rasa_chart_import import free_form, kinds
from rasa_chart_import.findings import Path
from rasa_chart_import.rasa_pro.chart import CHANNELS, ENDPOINTS, RAW_CHANNELS, RAW_ENDPOINTS
from rasa_chart_import.reader import Reader
from rasa_chart_import.secret_values import SecretValues
from rasa_environments.api.base import JsonObject

OWN_ENTRIES = {
    "trackerStore": "tracker_store",
    "lockStore": "lock_store",
    "eventBroker": "event_broker",
    "tracing": "tracing",
    "actionEndpoint": "action_endpoint",
    "modelGroups": "model_groups",
}
"""Entries of endpoints.yml, by what the chart called them before 2.0."""
SWITCHED = frozenset({"trackerStore", "lockStore", "eventBroker", "tracing"})
"""Those that had a switch `enabled`."""


@dataclass(frozen=True)
class Files:
    """What the chart writes into both files."""

    models: Path
    models_url: str | None
    token: str | None
    pull_seconds: int | None
    endpoints: JsonObject | None
    channels: list[JsonObject] | None


def files(reader: Reader, secrets: SecretValues, *, free_form_files: bool) -> Files:
    """Return what the chart writes into both files; `free_form_files` since 2.0."""
    if not free_form_files:
        return _of_before(reader, secrets)
    place = RAW_ENDPOINTS if not reader.mapping((*ENDPOINTS, "models")) else ENDPOINTS
    endpoints = {
        **(free_form.endpoints(reader, secrets, RAW_ENDPOINTS, ("models",), "spec") or {}),
        **(free_form.endpoints(reader, secrets, ENDPOINTS, ("models",), "spec") or {}),
    }
    channels = {
        channel["name"]: channel
        for raw in (RAW_CHANNELS, CHANNELS)
        for channel in free_form.channels(reader, secrets, raw, "spec") or []
    }
    return _with_models(reader, (*place, "models"), endpoints, list(channels.values()))


def _of_before(reader: Reader, secrets: SecretValues) -> Files:
    place = (*ENDPOINTS, "models")
    entries = free_form.endpoints(reader, secrets, (*ENDPOINTS, "additionalEndpoints"), spec="spec") or {}
    given = reader.mapping(ENDPOINTS)
    for key, entry in OWN_ENTRIES.items():
        if key in SWITCHED and not reader.flag((*ENDPOINTS, key, "enabled")):
            reader.unused((*ENDPOINTS, key), f"{key}.enabled is false")
        elif given.get(key):
            entries |= {entry: _entry(reader, secrets, key)}
    channels = None
    if reader.flag((*CHANNELS, "enabled")):
        channels = free_form.channels(reader, secrets, (*CHANNELS, "additionalChannelCredentials"), "spec")
    else:
        reader.unused(CHANNELS, "rasa.settings.credentials.enabled is false")
    if not reader.flag((*place, "enabled")):
        reader.unused(place, "rasa.settings.endpoints.models.enabled is false")
        return Files(place, None, None, None, entries or None, channels)
    return _with_models(reader, place, entries, channels or [])


def _entry(reader: Reader, secrets: SecretValues, key: str) -> JsonObject:
    """Return one entry, with the lock store's type as the chart's template writes it."""
    made = free_form.entry(reader, secrets, (*ENDPOINTS, key), "spec.endpoints")
    if not isinstance(made, dict):
        return {OWN_ENTRIES[key]: made} if key != "modelGroups" else made
    made.pop("enabled", None)
    if key in SWITCHED:
        reader.mapped((*ENDPOINTS, key, "enabled"), f"spec.endpoints.{OWN_ENTRIES[key]} is there")
    if key == "lockStore":
        made.pop("useConcurrent", None)
        if reader.flag((*ENDPOINTS, key, "useConcurrent")):
            made = {**{name: value for name, value in made.items() if name != "url"}, "type": "concurrent_redis"}
            reader.unused((*ENDPOINTS, key, "type"), "useConcurrent is true, and decides")
            made["host"] = reader.given((*ENDPOINTS, key, "url"))
    return made


def _with_models(reader: Reader, place: Path, endpoints: JsonObject, channels: list[JsonObject]) -> Files:
    seconds = reader.first([(*place, "wait_time_between_pulls"), (*place, "waitTimeBetweenPulls")], kinds.SECONDS)
    url = reader.take((*place, "url"), kinds.TEXT)
    token = reader.take((*place, "token"), kinds.TEXT)
    return Files(place, url, token, seconds, endpoints or None, channels or None)
