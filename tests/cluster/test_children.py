"""The children of an environment, on the real API server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.cluster.cache import ObjectCache, identity
from rasa_environments.cluster.children import Children
from rasa_environments.cluster.client import Client
from rasa_environments.cluster.errors import ApiError, BeingDeletedError, NameConflictError
from rasa_environments.cluster.outcome import Outcome
from rasa_environments.cluster.resources import CONFIG_MAPS, DEPLOYMENTS, SECRETS, Resource, resource_of
from rasa_environments.judge.additions import Injectors
from tests.cluster.line import RecordingConnection
from tests.cluster.objects import config_map, container_of, owned, secret


async def read(client: Client, obj: JsonObject) -> JsonObject:
    """The object as it is stored."""
    return await client.get(resource_of(obj["kind"]), identity(obj)[0])


async def test_a_missing_child_is_created_by_one_request(
    children: Children, connection: RecordingConnection, workload: JsonObject
) -> None:
    assert await children.apply(workload) is Outcome.CREATED
    assert connection.verbs == ["POST"]


async def test_a_child_that_is_right_costs_no_request(
    children: Children, connection: RecordingConnection, workload: JsonObject
) -> None:
    await children.apply(workload)
    connection.requests.clear()
    assert await children.apply(workload) is Outcome.UNCHANGED
    assert connection.requests == []


async def test_after_a_restart_a_child_that_is_right_costs_no_request(
    client: Client,
    children: Children,
    connection: RecordingConnection,
    workload: JsonObject,
    caches: dict[Resource, ObjectCache],
    refresh: Callable[[], Awaitable[None]],
) -> None:
    await children.apply(workload)
    await refresh()
    connection.requests.clear()
    assert await Children(client, caches).apply(workload) is Outcome.UNCHANGED
    assert connection.requests == []


async def test_an_edited_child_is_restored(
    children: Children, someone: Client, workload: JsonObject, refresh: Callable[[], Awaitable[None]]
) -> None:
    await children.apply(workload)
    edited = {"spec": {"replicas": 5, "template": {"spec": {"containers": [{"name": "rasa", "image": "mine"}]}}}}
    await someone.patch(DEPLOYMENTS, identity(workload)[0], edited)
    await refresh()
    assert await children.apply(workload) is Outcome.CORRECTED
    live = await read(someone, workload)
    assert live["spec"]["replicas"] == 2
    assert container_of(live)["image"] == "rasa/rasa:3.6.21"
    assert container_of(live)["args"] == ["run", "--enable-api"]


async def test_a_deleted_child_is_created_again(
    children: Children, someone: Client, settings: JsonObject, refresh: Callable[[], Awaitable[None]]
) -> None:
    await children.apply(settings)
    await someone.delete(CONFIG_MAPS, identity(settings)[0])
    await refresh()
    assert await children.apply(settings) is Outcome.CREATED


async def test_a_child_that_was_deleted_unnoticed_is_created_again_when_it_is_corrected(
    children: Children, someone: Client, settings: JsonObject
) -> None:
    await children.apply(settings)
    await someone.delete(CONFIG_MAPS, identity(settings)[0])
    settings["data"]["a"] = "other"
    assert await children.apply(settings) is Outcome.CREATED


async def test_what_is_no_longer_asked_for_is_removed_from_an_object_that_was_posted(
    children: Children, someone: Client, workload: JsonObject
) -> None:
    await children.apply(workload)
    container_of(workload)["env"].pop()
    del container_of(workload)["resources"]["limits"]["cpu"]
    assert await children.apply(workload) is Outcome.CORRECTED
    live = container_of(await read(someone, workload))
    assert [variable["name"] for variable in live["env"]] == ["FIRST"]
    assert live["resources"]["limits"] == {"memory": "1Gi"}


async def test_what_is_no_longer_asked_for_is_removed_again_and_again(
    children: Children, someone: Client, settings: JsonObject
) -> None:
    await children.apply(settings)
    for name in ("a", "b"):
        del settings["data"][name]
        assert await children.apply(settings) is Outcome.CORRECTED
        assert (await read(someone, settings)).get("data", {}) == settings["data"]


async def test_foreign_fields_stay_when_something_else_is_restored(
    client: Client,
    someone: Client,
    workload: JsonObject,
    caches: dict[Resource, ObjectCache],
    refresh: Callable[[], Awaitable[None]],
) -> None:
    children = Children(client, caches, Injectors(("proxy",)))
    await children.apply(workload)
    key = identity(workload)[0]
    await someone.patch(
        DEPLOYMENTS,
        key,
        {"metadata": {"annotations": {"mine": "1"}, "labels": {"mine": "1"}}, "spec": {"minReadySeconds": 3}},
    )
    await add(someone, workload, "containers", {"name": "proxy", "image": "proxy"})
    await refresh()
    assert await children.apply(workload) is Outcome.UNCHANGED
    workload["spec"]["replicas"] = 3
    assert await children.apply(workload) is Outcome.CORRECTED
    live = await read(someone, workload)
    assert live["metadata"]["annotations"]["mine"] == live["metadata"]["labels"]["mine"] == "1"
    assert live["spec"]["minReadySeconds"] == 3
    assert [item["name"] for item in live["spec"]["template"]["spec"]["containers"]] == ["rasa", "proxy"]


INTRUSION: JsonObject = {
    "hostAliases": [{"ip": "203.0.113.7", "hostnames": ["model-server"]}],
    "containers": [
        {"name": "rasa", "command": ["mine"], "env": [{"name": "PYTHONPATH", "value": "/mine"}]},
        {"name": "mine", "image": "mine"},
    ],
    "volumes": [{"name": "mine", "emptyDir": {}}],
}


async def test_what_others_add_to_the_pods_is_removed(
    children: Children,
    someone: Client,
    connection: RecordingConnection,
    workload: JsonObject,
    refresh: Callable[[], Awaitable[None]],
) -> None:
    await children.apply(workload)
    before = (await read(someone, workload))["spec"]
    await intrude(someone, workload)
    await refresh()
    connection.requests.clear()

    assert await children.apply(workload) is Outcome.CORRECTED

    assert (await read(someone, workload))["spec"] == before
    await refresh()
    assert await children.apply(workload) is Outcome.UNCHANGED


async def test_what_others_add_is_removed_by_a_read_and_two_writes(
    children: Children,
    someone: Client,
    connection: RecordingConnection,
    settings: JsonObject,
    refresh: Callable[[], Awaitable[None]],
) -> None:
    await children.apply(settings)
    await someone.patch(CONFIG_MAPS, identity(settings)[0], {"data": {"mine": "1"}})
    await refresh()
    connection.requests.clear()

    assert await children.apply(settings) is Outcome.CORRECTED

    assert connection.verbs == ["GET", "PATCH", "PATCH"]


async def test_what_others_added_is_removed_along_with_a_change_of_what_is_desired(
    children: Children, someone: Client, workload: JsonObject, refresh: Callable[[], Awaitable[None]]
) -> None:
    await children.apply(workload)
    before = (await read(someone, workload))["spec"]
    await intrude(someone, workload)
    await refresh()
    workload["spec"]["replicas"] = 3
    assert await children.apply(workload) is Outcome.CORRECTED
    assert (await read(someone, workload))["spec"] == before | {"replicas": 3}


async def test_a_container_that_is_renamed_is_restored(
    children: Children, someone: Client, workload: JsonObject, refresh: Callable[[], Awaitable[None]]
) -> None:
    await children.apply(workload)
    before = (await read(someone, workload))["spec"]
    name = "/spec/template/spec/containers/0/name"
    await someone.json_patch(DEPLOYMENTS, identity(workload)[0], [{"op": "replace", "path": name, "value": "mine"}])
    await refresh()
    assert await children.apply(workload) is Outcome.CORRECTED
    assert (await read(someone, workload))["spec"] == before


async def intrude(someone: Client, workload: JsonObject) -> None:
    """Add to the pods, as somebody else with `kubectl apply --server-side` does."""
    labels = {"spec": {"selector": workload["spec"]["selector"], "template": {"spec": INTRUSION}}}
    identity_of = {name: workload["metadata"][name] for name in ("name", "namespace")}
    await someone.apply(DEPLOYMENTS, {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": identity_of, **labels})


async def add(someone: Client, workload: JsonObject, field: str, item: JsonObject) -> None:
    """Add an item to a list of the pod spec."""
    operation = {"op": "add", "path": f"/spec/template/spec/{field}/-", "value": item}
    await someone.json_patch(DEPLOYMENTS, identity(workload)[0], [operation])


async def test_replicas_keep_their_number_when_an_autoscaler_takes_over(
    children: Children, someone: Client, workload: JsonObject
) -> None:
    workload["spec"]["replicas"] = 4
    await children.apply(workload)
    del workload["spec"]["replicas"]
    assert await children.apply(workload) is Outcome.CORRECTED
    assert (await read(someone, workload))["spec"]["replicas"] == 4


async def test_an_autoscalers_replicas_stay(
    children: Children, someone: Client, workload: JsonObject, refresh: Callable[[], Awaitable[None]]
) -> None:
    del workload["spec"]["replicas"]
    await children.apply(workload)
    await someone.patch(DEPLOYMENTS, identity(workload)[0], {"spec": {"replicas": 6}})
    await refresh()
    container_of(workload)["image"] = "rasa/rasa:3.6.20"
    assert await children.apply(workload) is Outcome.CORRECTED
    assert (await read(someone, workload))["spec"]["replicas"] == 6


async def test_an_object_that_belongs_to_nobody_is_left_alone(
    children: Children, someone: Client, settings: JsonObject, namespace: str
) -> None:
    theirs = await someone.create(CONFIG_MAPS, config_map("child", {"mine": "1"}, namespace=namespace))
    with pytest.raises(
        NameConflictError, match=f"ConfigMap {namespace}/child was not created by this operator; rename or delete it"
    ):
        await children.apply(settings)
    assert await read(someone, settings) == theirs


async def test_an_object_that_belongs_to_another_is_left_alone(
    children: Children, someone: Client, settings: JsonObject, namespace: str
) -> None:
    other = await someone.create(CONFIG_MAPS, config_map("other", namespace=namespace))
    theirs = await someone.create(CONFIG_MAPS, owned(config_map("child", namespace=namespace), other))
    with pytest.raises(NameConflictError, match="belongs to ConfigMap/other") as caught:
        await children.apply(settings)
    assert (caught.value.kind, caught.value.key) == ("ConfigMap", ObjectKey(namespace, "child"))
    assert await read(someone, settings) == theirs


async def test_the_child_of_a_former_owner_of_that_name_is_waited_for(
    children: Children, caches: dict[Resource, ObjectCache], settings: JsonObject, owner: JsonObject
) -> None:
    former = {**owner, "metadata": {**owner["metadata"], "uid": "00000000-0000-0000-0000-000000000000"}}
    caches[CONFIG_MAPS].put(owned(settings, former))
    with pytest.raises(BeingDeletedError):
        await children.apply(settings)


async def test_a_child_that_is_being_deleted_is_waited_for(
    children: Children, someone: Client, settings: JsonObject, refresh: Callable[[], Awaitable[None]]
) -> None:
    await children.apply(settings)
    key = identity(settings)[0]
    await someone.patch(CONFIG_MAPS, key, {"metadata": {"finalizers": ["tests.example.com/held"]}})
    await someone.delete(CONFIG_MAPS, key)
    await refresh()
    with pytest.raises(BeingDeletedError, match=r"ConfigMap .*/child is being deleted"):
        await children.apply(settings)
    await someone.patch(CONFIG_MAPS, key, {"metadata": {"finalizers": None}})


async def test_a_child_that_exists_though_it_was_not_seen_yet_is_not_written(
    client: Client, children: Children, connection: RecordingConnection, settings: JsonObject
) -> None:
    await children.apply(settings)
    connection.requests.clear()
    blind = Children(client, {CONFIG_MAPS: ObjectCache()})
    assert await blind.apply(settings) is Outcome.UNCHANGED
    assert connection.verbs == ["POST", "GET"]


async def test_a_correction_that_others_interrupt_is_tried_again(
    children: Children, someone: Client, connection: RecordingConnection, settings: JsonObject
) -> None:
    await children.apply(settings)
    interruptions: list[str] = []

    async def interrupt(method: str, path: str) -> None:
        if method == "PATCH" and not interruptions:
            interruptions.append(path)
            await someone.patch(CONFIG_MAPS, identity(settings)[0], {"metadata": {"labels": {"mine": "1"}}})

    connection.before = interrupt
    settings["data"] = {"a": "other"}
    assert await children.apply(settings) is Outcome.CORRECTED
    live = await read(someone, settings)
    assert interruptions
    assert live["data"] == {"a": "other"}
    assert live["metadata"]["labels"] == {"mine": "1"}


async def test_an_object_that_takes_the_place_of_a_child_during_its_correction_is_left_alone(
    children: Children, someone: Client, connection: RecordingConnection, settings: JsonObject, namespace: str
) -> None:
    await children.apply(settings)
    settings["data"] = {"a": "second"}
    await children.apply(settings)
    replaced: list[JsonObject] = []

    async def replace(method: str, path: str) -> None:
        if method == "PATCH" and not replaced:
            await someone.delete(CONFIG_MAPS, identity(settings)[0])
            replaced.append(await someone.create(CONFIG_MAPS, config_map("child", namespace=namespace)))

    connection.before = replace
    settings["data"] = {"a": "third"}
    with pytest.raises(NameConflictError):
        await children.apply(settings)
    assert [await read(someone, settings)] == replaced


async def test_what_the_api_server_does_not_keep_is_not_written_again(
    children: Children,
    someone: Client,
    connection: RecordingConnection,
    namespace: str,
    owner: JsonObject,
    refresh: Callable[[], Awaitable[None]],
) -> None:
    desired = owned(secret("child", namespace, {"a": "1"}), owner)  # stringData is never shown
    assert await children.apply(desired) is Outcome.CREATED
    await someone.apply(SECRETS, {**config_map("child", namespace=namespace), "kind": "Secret", "data": {"a": "MQ=="}})
    await refresh()
    connection.requests.clear()
    assert await children.apply(desired) is Outcome.UNCHANGED
    assert connection.requests == []


async def test_what_the_api_server_does_not_keep_hides_no_later_change(
    children: Children, someone: Client, namespace: str, owner: JsonObject, refresh: Callable[[], Awaitable[None]]
) -> None:
    desired = owned(secret("child", namespace, {"a": "1"}), owner)
    await children.apply(desired)
    await someone.patch(SECRETS, identity(desired)[0], {"data": {"a": "b3RoZXI="}})
    await refresh()
    assert await children.apply(desired) is Outcome.CORRECTED
    assert (await read(someone, desired))["data"] == {"a": "MQ=="}


async def test_a_refused_child_is_an_error_that_tells_the_field(children: Children, workload: JsonObject) -> None:
    container_of(workload)["ports"] = [{"containerPort": 70000}]
    with pytest.raises(ApiError, match=r"spec.template.spec.containers\[0\].ports\[0\].containerPort") as caught:
        await children.apply(workload)
    assert caught.value.status == 422


async def test_a_field_that_does_not_exist_is_an_error_that_tells_the_field(
    children: Children, workload: JsonObject
) -> None:
    container_of(workload)["imagePolicy"] = "Always"
    with pytest.raises(ApiError, match=r'unknown field "spec.template.spec.containers\[0\].imagePolicy"') as caught:
        await children.apply(workload)
    assert caught.value.status == 400


async def test_a_child_that_is_no_longer_wanted_is_removed(
    children: Children, someone: Client, settings: JsonObject, owner: JsonObject
) -> None:
    await children.apply(settings)
    key = identity(settings)[0]
    assert await children.remove(CONFIG_MAPS, key, owner["metadata"]["uid"])
    with pytest.raises(ApiError, match="not found"):
        await read(someone, settings)
    assert not await children.remove(CONFIG_MAPS, key, owner["metadata"]["uid"])


async def test_what_belongs_to_another_is_not_removed(
    children: Children, someone: Client, settings: JsonObject, connection: RecordingConnection
) -> None:
    await children.apply(settings)
    connection.requests.clear()
    assert not await children.remove(CONFIG_MAPS, identity(settings)[0], "another-uid")
    assert connection.requests == []
