"""What is known of children without comparing them again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from rasa_environments.api.base import GROUP, JsonObject
from rasa_environments.cluster.cache import ObjectCache, identity
from rasa_environments.cluster.children import Children, with_digest
from rasa_environments.cluster.client import Client
from rasa_environments.cluster.outcome import Outcome
from rasa_environments.cluster.projections import DESIRED_ANNOTATION, child_cache, is_outline
from rasa_environments.cluster.resources import CONFIG_MAPS, DEPLOYMENTS, Resource
from tests.cluster.line import RecordingConnection
from tests.cluster.objects import config_map, environment_child


async def test_children_are_settled_from_their_creation_until_somebody_edits_one(
    children: Children, someone: Client, workload: JsonObject, refresh: Callable[[], Awaitable[None]]
) -> None:
    key, _ = identity(workload)
    await children.apply(workload)
    assert children.settled(key)
    await someone.patch(DEPLOYMENTS, key, {"spec": {"replicas": 5}})
    await refresh()
    assert not children.settled(key)
    await children.apply(workload)
    assert children.settled(key)


async def test_a_status_leaves_children_correct_and_an_edit_does_not(
    children: Children, caches: dict[Resource, ObjectCache], workload: JsonObject
) -> None:
    key, _ = identity(workload)
    await children.apply(workload)
    stored = caches[DEPLOYMENTS].get(key)
    assert stored is not None
    version = int(stored["metadata"]["resourceVersion"])

    def arrives(**later: JsonObject) -> None:
        nonlocal version
        version += 1
        metadata = {**stored["metadata"], "resourceVersion": str(version)}
        caches[DEPLOYMENTS].put({**stored, "metadata": metadata, **later})

    arrives(status={"replicas": 1})
    assert not children.settled(key)
    assert children.correct(key)
    assert children.settled(key)
    arrives(spec={**stored["spec"], "replicas": 5})
    assert not children.correct(key)


async def test_a_child_that_nobody_desires_is_not_correct(
    children: Children, someone: Client, workload: JsonObject, refresh: Callable[[], Awaitable[None]]
) -> None:
    key, _ = identity(workload)
    assert children.correct(key)
    await someone.create(DEPLOYMENTS, workload)
    await refresh()
    assert not children.correct(key)


def test_the_digest_changes_with_what_is_asked_for_and_with_nothing_else() -> None:
    first, second = config_map("child", {"a": "1", "b": "2"}), config_map("child", {"b": "2", "a": "1"})
    third = config_map("child", {"a": "1"})
    digests = [with_digest(obj)["metadata"]["annotations"][DESIRED_ANNOTATION] for obj in (first, second, third)]
    assert digests[0] == digests[1] != digests[2]
    assert first == config_map("child", {"a": "1", "b": "2"}), "the caller's object is left as it is"


async def test_a_long_child_is_compared_as_it_is_stored_and_once_for_each_version(
    client: Client,
    connection: RecordingConnection,
    someone: Client,
    namespace: str,
    refresh: Callable[[], Awaitable[None]],
    caches: dict[Resource, ObjectCache],
) -> None:
    # Of a version that is not served: the garbage collector cannot tell that there is no such owner.
    unserved = f"{GROUP}/v0"
    desired = environment_child(
        config_map("support-rasa", {"a": "x" * 40_000}, namespace=namespace), apiVersion=unserved
    )
    caches[CONFIG_MAPS] = child_cache()
    await Children(client, caches).apply(desired)
    await refresh()
    restarted = Children(client, caches)
    connection.requests.clear()
    assert is_outline(restarted.live(CONFIG_MAPS, identity(desired)[0]) or {})
    assert [await restarted.apply(desired) for _ in range(3)] == [Outcome.UNCHANGED] * 3
    assert connection.verbs == ["GET"]
    assert (await restarted.read(CONFIG_MAPS, identity(desired)[0]) or {})["data"] == desired["data"]
    await someone.patch(CONFIG_MAPS, identity(desired)[0], {"data": {"a": "y" * 40_000}})
    await refresh()
    assert await restarted.apply(desired) is Outcome.CORRECTED


async def test_a_correct_child_is_kept_as_an_outline_and_an_edit_is_found_without_reading_it_again(
    client: Client,
    connection: RecordingConnection,
    someone: Client,
    namespace: str,
    refresh: Callable[[], Awaitable[None]],
    caches: dict[Resource, ObjectCache],
) -> None:
    unserved = f"{GROUP}/v0"
    desired = environment_child(config_map("support-rasa", {"a": "x" * 2000}, namespace=namespace), apiVersion=unserved)
    key, _ = identity(desired)
    caches[CONFIG_MAPS] = child_cache()
    await Children(client, caches).apply(desired)
    caches[CONFIG_MAPS] = child_cache()
    restarted = Children(client, caches)
    await refresh()
    connection.requests.clear()
    assert not is_outline(restarted.live(CONFIG_MAPS, key) or {})
    assert [await restarted.apply(desired) for _ in range(2)] == [Outcome.UNCHANGED] * 2
    assert is_outline(restarted.live(CONFIG_MAPS, key) or {})
    await someone.patch(CONFIG_MAPS, key, {"metadata": {"annotations": {"note": "of others"}}})
    await refresh()
    assert not restarted.correct(key)
    assert [await restarted.apply(desired) for _ in range(2)] == [Outcome.UNCHANGED] * 2
    assert connection.verbs == []
    await someone.patch(CONFIG_MAPS, key, {"data": {"a": "y"}})
    await refresh()
    assert await restarted.apply(desired) is Outcome.CORRECTED
