"""A corrected change of somebody else is reported without values; the operator's own changes are not reported."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import pytest

from rasa_environments.api.base import JsonObject
from rasa_environments.cluster.cache import ObjectCache, identity
from rasa_environments.cluster.children import Children
from rasa_environments.cluster.client import Client
from rasa_environments.cluster.outcome import Outcome
from rasa_environments.cluster.projections import DESIRED_ANNOTATION
from rasa_environments.cluster.resources import CONFIG_MAPS, Resource
from rasa_environments.judge.events import Event, ObjectReference
from tests.cluster.line import RecordingConnection

Refresh = Callable[[], Awaitable[None]]


class Told:
    """The notes of the Events, in their order."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.owners: set[str] = set()

    def record(self, regarding: ObjectReference, events: Sequence[Event]) -> None:
        """Keeps them."""
        self.owners.add(regarding.name)
        self.notes += [event.note for event in events]


@pytest.fixture
def told() -> Told:
    """Return what was reported."""
    return Told()


@pytest.fixture
def children(client: Client, caches: dict[Resource, ObjectCache], told: Told) -> Children:
    """Under test."""
    return Children(client, caches, record=told.record)


def changed(settings: JsonObject) -> JsonObject:
    """Return something else to be desired."""
    return {**settings, "data": {"a": "another", "b": "2"}}


async def test_an_edit_is_reported_only_by_its_place(
    children: Children, someone: Client, settings: JsonObject, refresh: Refresh, told: Told
) -> None:
    await children.apply(settings)
    await someone.patch(CONFIG_MAPS, identity(settings)[0], {"data": {"a": "secret"}})
    await refresh()

    assert await children.apply(settings) is Outcome.CORRECTED

    assert told.notes == ["ConfigMap child was changed by another at data.a; it is restored"]
    assert told.owners == {"owner"}


async def test_an_edit_that_happened_while_nobody_looked_is_reported(
    client: Client,
    children: Children,
    someone: Client,
    settings: JsonObject,
    caches: dict[Resource, ObjectCache],
    refresh: Refresh,
    told: Told,
) -> None:
    await children.apply(settings)
    edit = {"data": {"a": "secret"}, "metadata": {"annotations": {DESIRED_ANNOTATION: None}}}
    await someone.patch(CONFIG_MAPS, identity(settings)[0], edit)
    await refresh()

    await Children(client, caches, record=told.record).apply(settings)

    assert told.notes == ["ConfigMap child was changed by another at data.a; it is restored"]


async def test_an_edit_of_what_was_made_immutable_is_reported(
    children: Children, someone: Client, settings: JsonObject, refresh: Refresh, told: Told
) -> None:
    await children.apply(settings)
    await someone.patch(CONFIG_MAPS, identity(settings)[0], {"data": {"a": "secret"}, "immutable": True})
    await refresh()

    assert await children.apply(settings) is Outcome.CREATED

    assert told.notes == ["ConfigMap child was changed by another at data.a; it is restored"]


async def test_an_addition_is_reported_where_another_writes_between_the_two_writes_that_remove_it(
    children: Children,
    connection: RecordingConnection,
    someone: Client,
    settings: JsonObject,
    refresh: Refresh,
    told: Told,
) -> None:
    await children.apply(settings)
    key = identity(settings)[0]
    await someone.patch(CONFIG_MAPS, key, {"data": {"mine": "secret"}})
    await refresh()

    async def annotate_between(method: str, _: str) -> None:
        if method == "PATCH" and "mine" not in (await someone.get(CONFIG_MAPS, key))["data"]:
            await someone.patch(CONFIG_MAPS, key, {"metadata": {"annotations": {"seen": "1"}}})

    connection.before = annotate_between

    assert await children.apply(settings) is Outcome.CORRECTED

    assert told.notes == ["ConfigMap child was changed by another at data.mine; it is restored"]
    stored = await someone.get(CONFIG_MAPS, key)
    assert (stored["data"], stored["metadata"]["annotations"]["seen"]) == (settings["data"], "1")
    assert await children.apply(settings) is Outcome.UNCHANGED


async def test_a_deletion_is_reported(
    children: Children, someone: Client, settings: JsonObject, refresh: Refresh, told: Told
) -> None:
    await children.apply(settings)
    await someone.delete(CONFIG_MAPS, identity(settings)[0])
    await refresh()

    assert await children.apply(settings) is Outcome.CREATED

    assert told.notes == ["ConfigMap child was deleted by another; it is created again"]


async def test_what_is_asked_for_anew_is_not_told(
    children: Children, settings: JsonObject, refresh: Refresh, told: Told
) -> None:
    assert await children.apply(settings) is Outcome.CREATED
    await refresh()

    assert await children.apply(changed(settings)) is Outcome.CORRECTED

    assert told.notes == []


async def test_what_the_operator_itself_took_away_is_not_told_when_it_comes_back(
    children: Children, settings: JsonObject, owner: JsonObject, told: Told
) -> None:
    await children.apply(settings)
    await children.remove(CONFIG_MAPS, identity(settings)[0], owner["metadata"]["uid"])

    assert await children.apply(settings) is Outcome.CREATED

    assert told.notes == []
