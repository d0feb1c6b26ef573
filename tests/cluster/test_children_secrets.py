"""Secrets with generated values: existing values on the real API server win, whether they were seen or not."""

from __future__ import annotations

import pytest

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.cluster.cache import ObjectCache
from rasa_environments.cluster.children import Children
from rasa_environments.cluster.client import Client
from rasa_environments.cluster.errors import NameConflictError, OutdatedError
from rasa_environments.cluster.resources import SECRETS, Resource
from tests.cluster.line import RecordingConnection
from tests.cluster.objects import owned, secret


async def test_a_secret_that_exists_unseen_is_not_written_over_with_generated_values(
    children: Children, connection: RecordingConnection, someone: Client, namespace: str, owner: JsonObject
) -> None:
    await someone.create(SECRETS, owned(secret("child", namespace, {"token": "of old"}), owner))
    with pytest.raises(OutdatedError, match="exists in another version") as caught:
        await children.apply(owned(secret("child", namespace, {"token": "made anew"}), owner), create_only=True)
    assert connection.verbs == ["POST", "GET"]
    assert caught.value.live["data"] == {"token": "b2Ygb2xk"}


async def test_a_secret_that_has_come_since_its_token_was_generated_is_not_written_over(
    children: Children,
    connection: RecordingConnection,
    someone: Client,
    namespace: str,
    owner: JsonObject,
    caches: dict[Resource, ObjectCache],
) -> None:
    there = await someone.create(SECRETS, owned(secret("child", namespace, {"token": "of old"}), owner))
    caches[SECRETS].put(there)  # as the watch does, while other values are still being read
    with pytest.raises(OutdatedError) as caught:
        await children.apply(owned(secret("child", namespace, {"token": "made anew"}), owner), create_only=True)
    assert connection.verbs == ["GET"]
    assert caught.value.live["data"] == {"token": "b2Ygb2xk"}


async def test_a_secret_of_somebody_else_that_exists_unseen_is_left_alone(
    children: Children, someone: Client, namespace: str, owner: JsonObject, caches: dict[Resource, ObjectCache]
) -> None:
    await someone.create(SECRETS, secret("child", namespace, {"token": "theirs"}))
    with pytest.raises(NameConflictError):
        await children.apply(owned(secret("child", namespace, {"token": "ours"}), owner), create_only=True)
    assert caches[SECRETS].get(ObjectKey(namespace, "child")) is None
