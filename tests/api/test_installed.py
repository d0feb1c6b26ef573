"""What the API server does beyond validation: immutability, subresources, columns, selection."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rasa_environments.api.base import JsonObject
from tests.api.api_server import ApiServer, collection
from tests.api.objects import SECRET, environment, model_server, model_tag

ENVIRONMENT = "spec.environment may not be changed: events are filed under it; create another environment instead"
EXTERNAL = (
    "spec.external may not be added or removed: the environment's own Rasa servers would be left behind; create "
    "another environment instead"
)
ELSEWHERE: JsonObject = {"url": "https://rasa.example.com", "authToken": SECRET}
TAG_STAYS = "spec.tag may not be changed: the history is that of one tag; create another ModelTag instead"
SERVER_STAYS = (
    "spec.modelServerRef may not be changed: the history is that of one server; create another ModelTag instead"
)
KIND = "DeploymentEnvironment"
TABLE = {"Accept": "application/json;as=Table;g=meta.k8s.io;v=v1"}


@pytest.fixture
def created(api: ApiServer) -> Iterator[list[JsonObject]]:
    """Names appended here are deleted after the test."""
    objects: list[JsonObject] = []
    yield objects
    for obj in objects:
        assert api.delete(obj["kind"], obj["metadata"]["name"]).status in (200, 404)


def given(api: ApiServer, created: list[JsonObject], obj: JsonObject) -> str:
    """Create the object and return its name."""
    answer = api.create(obj, dry_run=False, strict=True)
    assert answer.accepted, answer.body["message"]
    created.append(obj)
    name: str = obj["metadata"]["name"]
    return name


@pytest.mark.parametrize("change", ["other", None], ids=["changed", "unset"])
def test_an_environment_that_was_named_keeps_its_name(
    api: ApiServer, created: list[JsonObject], change: str | None
) -> None:
    name = given(api, created, environment(environment="named"))

    answer = api.patch(KIND, name, {"spec": {"environment": change}})

    assert (answer.status, answer.causes) == (422, [("spec.environment", f"Forbidden: {ENVIRONMENT}")])


def test_an_environment_that_was_not_named_cannot_be_named_later(api: ApiServer, created: list[JsonObject]) -> None:
    name = given(api, created, environment())

    answer = api.patch(KIND, name, {"spec": {"environment": "other"}})

    assert (answer.status, answer.causes) == (422, [("spec.environment", f"Forbidden: {ENVIRONMENT}")])


def test_saying_the_default_environment_aloud_is_no_change(api: ApiServer, created: list[JsonObject]) -> None:
    name = given(api, created, environment("staging"))

    assert api.patch(KIND, name, {"spec": {"environment": "staging"}}).accepted
    assert api.patch(KIND, name, {"spec": {"environment": None}}).accepted


def test_everything_but_the_environment_can_be_changed(api: ApiServer, created: list[JsonObject]) -> None:
    name = given(api, created, environment(environment="named"))

    assert api.patch(KIND, name, {"spec": {"tag": "other", "modelServerRef": {"name": "other"}}}).accepted


@pytest.mark.parametrize(
    ("before", "after"), [({}, ELSEWHERE), ({"external": ELSEWHERE}, None)], ids=["added", "taken away"]
)
def test_an_environment_stays_here_or_elsewhere(
    api: ApiServer, created: list[JsonObject], before: JsonObject, after: JsonObject | None
) -> None:
    name = given(api, created, environment(**before))

    answer = api.patch(KIND, name, {"spec": {"external": after}})

    assert (answer.status, answer.causes) == (422, [("spec.external", f"Forbidden: {EXTERNAL}")])


def test_a_server_elsewhere_may_move(api: ApiServer, created: list[JsonObject]) -> None:
    name = given(api, created, environment(external=ELSEWHERE))
    moved = {"url": "https://other.example.com", "authToken": {"secretKeyRef": {"name": "other", "key": "rasa"}}}

    assert api.patch(KIND, name, {"spec": {"external": moved}}).body["spec"]["external"] == moved


def test_an_environment_is_scaled_through_its_subresource(api: ApiServer, created: list[JsonObject]) -> None:
    name = given(api, created, environment())
    status = {"replicas": 1, "selector": "rasa-environments.io/environment=production"}
    assert api.patch(KIND, name, {"status": status}, "/status").accepted

    scaled = api.patch(KIND, name, {"spec": {"replicas": 3}}, "/scale")

    assert scaled.body["spec"] == {"replicas": 3}
    assert scaled.body["status"] == status
    assert api.request("GET", f"{collection(KIND)}/{name}").body["spec"]["replicas"] == 3


def test_an_environment_has_one_replica_unless_it_says_otherwise(api: ApiServer) -> None:
    assert api.create(environment()).body["spec"] == {"rasa": {"version": "3.6.21"}, "replicas": 1}


@pytest.mark.parametrize("obj", [model_server(), environment(), model_tag()], ids=lambda obj: str(obj["kind"]))
def test_the_status_is_written_apart_from_the_spec(api: ApiServer, created: list[JsonObject], obj: JsonObject) -> None:
    kind, name = obj["kind"], given(api, created, {**obj, "status": {"observedGeneration": 9}})
    assert api.request("GET", f"{collection(kind)}/{name}").body["status"] == {"observedGeneration": -1}

    written = api.patch(
        kind, name, {"status": {"observedGeneration": 1}, "metadata": {"labels": {"a": "b"}}}, "/status"
    )

    assert written.body["status"] == {"observedGeneration": 1}
    assert written.body["metadata"]["generation"] == 1
    assert "labels" not in written.body["metadata"]


def condition(name: str, status: str) -> JsonObject:
    return {
        "type": name,
        "status": status,
        "reason": "WaitingForPods",
        "message": "As it is.",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }


def table(api: ApiServer, kind: str, **query: str) -> list[dict[str, object]]:
    """Return the rows of `kubectl get -o wide`, by column."""
    body = api.request("GET", collection(kind), headers=TABLE, params=query).body
    names = [column["name"] for column in body["columnDefinitions"]]
    return [dict(zip(names, row["cells"], strict=True)) for row in body["rows"]]


def test_kubectl_get_shows_of_an_environment_what_is_served(api: ApiServer, created: list[JsonObject]) -> None:
    name = given(api, created, environment())
    status = {
        "tag": "live",
        "url": "http://production-rasa",
        "desiredModel": {"name": "b", "hash": "2"},
        "servedModels": [{"name": "a", "replicas": 2}, {"name": "c", "replicas": 1}],
        "servingReplicas": 0,
        "readyReplicas": 3,
        "conditions": [
            condition("Ready", "False"),
            condition("Registered", "True"),
            condition("ConversationsPersisted", "False"),
        ],
    }
    api.patch(KIND, name, {"status": status}, "/status")

    (row,) = table(api, KIND)

    assert row.pop("Age")
    assert row == {
        "Name": "production",
        "Ready": "False",
        "Reason": "WaitingForPods",
        "Tag": "live",
        "Desired": "b",
        "Served": "a",
        "Serving": 0,
        "Persisted": "False",
        "URL": "http://production-rasa",
        "Registered": "True",
        "Message": "As it is.",
    }


def test_kubectl_get_shows_of_a_tag_its_model(api: ApiServer, created: list[JsonObject]) -> None:
    name = given(api, created, model_tag())
    conditions = [condition("Tagged", "True"), condition("Served", "Unknown"), condition("Ready", "False")]
    promoted = {"model": "b", "hash": "2", "taggedTime": "2026-01-01T00:00:00Z", "promotedBy": "ann"}
    status = {
        "tag": "production",
        "taggedModel": {"name": "b", "hash": "2"},
        "previousModel": {"name": "a", "hash": "1"},
        "history": [promoted],
        "conditions": conditions,
    }
    assert api.patch("ModelTag", name, {"status": status}, "/status").accepted

    (row,) = table(api, "ModelTag")

    assert row.pop("Age")
    assert row == {
        "Name": "production",
        "Ready": "False",
        "Reason": "WaitingForPods",
        "Tag": "production",
        "Model": "b",
        "Tagged": "True",
        "Served": "Unknown",
        "Message": "As it is.",
        "Previous": "a",
        "Promoted-By": "ann",
    }


def test_kubectl_get_shows_of_a_model_server_whether_it_answers(api: ApiServer, created: list[JsonObject]) -> None:
    name = given(api, created, model_server())
    conditions = [condition("Ready", "True"), condition("Registered", "False"), condition("Writable", "True")]
    status = {"version": "1.0", "environmentCount": 3, "tagCount": 2, "conditions": conditions}
    api.patch("ModelServer", name, {"status": status}, "/status")

    (row,) = table(api, "ModelServer")

    assert row.pop("Age")
    assert row == {
        "Name": "default",
        "URL": "http://model-server:5002",
        "Ready": "True",
        "Version": "1.0",
        "Environments": 3,
        "Tags": 2,
        "Writable": "True",
        "Registered": "False",
        "Reason": "WaitingForPods",
        "Message": "As it is.",
    }


def test_environments_are_found_by_the_tag_that_they_pull(api: ApiServer, created: list[JsonObject]) -> None:
    for name, tag in (("one", "live"), ("two", "live"), ("three", "next")):
        given(api, created, environment(name))
        api.patch(KIND, name, {"status": {"tag": tag}}, "/status")

    assert {row["Name"] for row in table(api, KIND, fieldSelector="status.tag=live")} == {"one", "two"}


def test_tags_are_found_by_their_model(api: ApiServer, created: list[JsonObject]) -> None:
    for name, model in (("production", "a"), ("staging", "b")):
        given(api, created, model_tag(name))
        api.patch("ModelTag", name, {"status": {"taggedModel": {"name": model, "hash": "1"}}}, "/status")

    assert [row["Name"] for row in table(api, "ModelTag", fieldSelector="status.taggedModel.name=b")] == ["staging"]


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"tag": "other"}, "spec.tag", TAG_STAYS),
        ({"modelServerRef": {"name": "other"}}, "spec.modelServerRef", SERVER_STAYS),
        ({"modelServerRef": {"namespace": "elsewhere"}}, "spec.modelServerRef", SERVER_STAYS),
    ],
    ids=["tag", "server", "its namespace"],
)
def test_a_tag_stays_what_its_history_speaks_of(
    api: ApiServer, created: list[JsonObject], change: JsonObject, field: str, message: str
) -> None:
    name = given(api, created, model_tag())

    answer = api.patch("ModelTag", name, {"spec": change})

    assert (answer.status, answer.causes) == (422, [(field, f"Forbidden: {message}")])


@pytest.mark.parametrize("change", [{"tag": "production"}, {"modelServerRef": {"name": "default"}}, {"model": None}])
def test_saying_aloud_what_a_tag_has_by_default_is_no_change(
    api: ApiServer, created: list[JsonObject], change: JsonObject
) -> None:
    name = given(api, created, model_tag())

    assert api.patch("ModelTag", name, {"spec": change}).accepted


def test_two_writers_of_conditions_keep_out_of_each_others_way(api: ApiServer, created: list[JsonObject]) -> None:
    obj = environment()
    name = given(api, created, obj)
    head = {key: obj[key] for key in ("apiVersion", "kind")}
    for manager, kind in (("one", "Ready"), ("two", "Foreign")):
        answer = api.request(
            "PATCH",
            f"{collection(KIND)}/{name}/status",
            {**head, "metadata": {"name": name}, "status": {"conditions": [condition(kind, "True")]}},
            params={"fieldManager": manager},
            headers={"Content-Type": "application/apply-patch+yaml"},
        )
        assert answer.accepted, answer.body["message"]

    conditions = api.request("GET", f"{collection(KIND)}/{name}").body["status"]["conditions"]
    assert {item["type"] for item in conditions} == {"Ready", "Foreign"}
