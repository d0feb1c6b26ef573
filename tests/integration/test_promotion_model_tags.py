"""Who may promote by a ModelTag: each way to create, change and delete one, asked of the real API server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rasa_environments.api.base import JsonObject
from rasa_environments.api.verification import RETRY_ANNOTATION
from tests.api.api_server import Answer, wait_until
from tests.integration.manifests import model_tag
from tests.integration.people import (
    Person,
    Team,
    bind,
    lacks,
    new_team,
    owner,
    refusal,
    tag_named_by_the_server,
)

TAG = "ModelTag"
Attempt = Callable[[Person, JsonObject], Answer]
SOMEWHERE_ELSE = {"modelServerRef": {"name": "other"}}

CREATIONS: dict[str, Callable[[Person], Answer]] = {
    "create": lambda person: person.create(model_tag(model="A")),
    "apply": lambda person: person.apply(model_tag(model="A")),
    "another name": lambda person: person.create(model_tag("innocent", tag="production", model="A")),
    "no model": lambda person: person.create(model_tag()),
    "no model, applied": lambda person: person.apply(model_tag()),
}
VERIFICATION = {"candidate": {"conversations": [{"configMapKeyRef": {"name": "conversations", "key": "tests.yaml"}}]}}
IN_CAPITALS = ("PRODUCTION", "Production", "wOrKeR")


@pytest.mark.parametrize("attempt", CREATIONS.values(), ids=CREATIONS)
@pytest.mark.parametrize("name", ["dave", "carol", "erin"])
def test_creating_a_tag_needs_promote_on_its_environment(
    team: Team, name: str, attempt: Callable[[Person], Answer]
) -> None:
    answer = attempt(team.person(name))

    assert refusal(answer) == lacks(name, "production", team.namespace)


@pytest.mark.parametrize(
    ("name", "tag"),
    [("alice", "production"), ("alice", "worker"), ("alice", "any"), ("carol", "any"), ("erin", "staging")],
)
def test_who_holds_promote_creates_changes_and_deletes_the_tag(team: Team, name: str, tag: str) -> None:
    person = team.person(name)

    assert person.create(model_tag(tag)).accepted
    assert person.change(TAG, tag, model="A").accepted
    assert person.change(TAG, tag, model=None).accepted
    assert person.delete(TAG, tag).accepted


@pytest.mark.parametrize(("name", "tag"), [("carol", "worker"), ("erin", "any"), ("erin", "worker"), ("dave", "any")])
def test_promote_on_some_environments_is_not_promote_on_others(team: Team, name: str, tag: str) -> None:
    answer = team.person(name).create(model_tag(tag, model="A"))

    assert refusal(answer) == lacks(name, tag, team.namespace)


@pytest.mark.parametrize("tag", IN_CAPITALS)
def test_protected_names_are_protected_in_capitals(team: Team, tag: str) -> None:
    answer = team.person("carol").create(model_tag("innocent", tag=tag, model="A"))

    assert refusal(answer) == lacks("carol", tag, team.namespace)


def without_model(tag: JsonObject) -> JsonObject:
    """The same ModelTag without its model."""
    return {**tag, "spec": {key: value for key, value in tag["spec"].items() if key != "model"}}


CHANGES: dict[str, Attempt] = {
    "merge patch": lambda person, _: person.change(TAG, "production", model="B"),
    "json patch": lambda person, _: person.json_patch(
        TAG, "production", {"op": "replace", "path": "/spec/model", "value": "B"}
    ),
    "apply": lambda person, _: person.apply(model_tag(model="B"), "another-manager"),
    "replace": lambda person, now: person.replace({**now, "spec": {"model": "B"}}),
    "no model any more": lambda person, _: person.change(TAG, "production", model=None),
    "no model any more, by replace": lambda person, now: person.replace(without_model(now)),
    "its tag spelled out": lambda person, _: person.change(TAG, "production", tag="production"),
    "its model server spelled out": lambda person, _: person.change(
        TAG, "production", modelServerRef={"name": "default"}
    ),
    "deletion policy": lambda person, _: person.change(TAG, "production", deletionPolicy="Delete"),
    "its model allowed": lambda person, _: person.change(TAG, "production", allowIncompatibleModel="A"),
    "another model allowed": lambda person, _: person.change(TAG, "production", allowIncompatibleModel="B"),
    "a verification": lambda person, _: person.change(TAG, "production", verification=VERIFICATION),
    "a new verification of a rejected model": lambda person, _: person.merge(
        TAG, "production", {"metadata": {"annotations": {RETRY_ANNOTATION: "now"}}}
    ),
    "owner": lambda person, _: person.merge(
        TAG, "production", {"metadata": {"ownerReferences": [owner("doomed", "1")]}}
    ),
    "delete": lambda person, _: person.delete(TAG, "production"),
    "delete in the foreground": lambda person, _: person.delete(TAG, "production", "Foreground"),
    "delete and orphan": lambda person, _: person.delete(TAG, "production", "Orphan"),
    "delete collection": lambda person, _: person.delete_all(TAG),
}


@pytest.mark.parametrize("attempt", CHANGES.values(), ids=CHANGES)
def test_whatever_changes_which_model_carries_the_tag_needs_promote(team: Team, attempt: Attempt) -> None:
    team.given(model_tag(model="A"))
    before = team.get(TAG, "production")

    answer = attempt(team.person("carol"), before)

    assert refusal(answer) == lacks("carol", "production", team.namespace)
    assert team.get(TAG, "production") == before


def actions(image: str) -> JsonObject:
    """An image of the action server that goes with the model."""
    return {"actionServer": {"image": image}}


def runs_code(person: str, namespace: str) -> str:
    """The message when somebody with `promote` lacks the right to run code."""
    return (
        f'user "{person}" may not set spec.actionServer.image, which runs code: needs the verb "create" on pods in '
        f'namespace "{namespace}"'
    )


def test_naming_actions_needs_promote_like_naming_a_model(team: Team) -> None:
    team.given(model_tag(model="A"))

    answer = team.person("carol").change(TAG, "production", **actions("a"))

    assert refusal(answer) == lacks("carol", "production", team.namespace)


def test_naming_actions_needs_the_right_to_create_pods_too_since_the_image_runs_as_code(team: Team) -> None:
    grace, heidi = team.person("grace"), team.person("heidi")

    created = grace.create(model_tag(model="A", **actions("a")))
    team.given(model_tag(model="A"))
    changed = grace.change(TAG, "production", model="B", **actions("a"))
    permitted = heidi.change(TAG, "production", model="B", **actions("a"))
    another = grace.change(TAG, "production", **actions("b"))

    assert refusal(created) == refusal(changed) == refusal(another) == runs_code("grace", team.namespace)
    assert permitted.accepted, permitted.body["message"]


def test_a_model_is_promoted_beside_actions_that_stay_without_the_right_to_create_pods(team: Team) -> None:
    team.given(model_tag(model="A", **actions("a")))

    for change in ({"model": "B"}, {"actionServer": None}):
        answer = team.person("grace").change(TAG, "production", **change)
        assert answer.accepted, answer.body["message"]


def test_going_back_to_actions_of_the_history_needs_no_more_than_promote(team: Team) -> None:
    team.given(model_tag(model="B", **actions("b")))
    entry = {"model": "A", "hash": "1", "taggedTime": "2026-01-01T00:00:00Z", "actionServerImage": "a"}
    team.administrator.merge(TAG, "production", {"status": {"history": [entry]}}, "status")
    grace = team.person("grace")

    other = grace.change(TAG, "production", model="A", **actions("c"))
    without_promote = team.person("carol").change(TAG, "production", model="A", **actions("a"))
    back = grace.change(TAG, "production", model="A", **actions("a"))

    assert refusal(other) == runs_code("grace", team.namespace)
    assert back.accepted, back.body["message"]
    assert refusal(without_promote) == lacks("carol", "production", team.namespace)


FREE: dict[str, Attempt] = {
    "label": lambda person, _: person.merge(TAG, "production", {"metadata": {"labels": {"team": "bots"}}}),
    "annotation": lambda person, _: person.merge(TAG, "production", {"metadata": {"annotations": {"note": "x"}}}),
    "history limit": lambda person, _: person.change(TAG, "production", historyLimit=3),
    "finalizer": lambda person, _: person.merge(TAG, "production", {"metadata": {"finalizers": ["example.com/x"]}}),
    "same model": lambda person, _: person.apply(model_tag(model="A"), "another-manager"),
    "replaced by itself": lambda person, now: person.replace(now),
}


@pytest.mark.parametrize("attempt", FREE.values(), ids=FREE)
def test_what_changes_no_promotion_is_free(team: Team, attempt: Attempt) -> None:
    team.given(model_tag(model="A"))
    person = team.person("dave")

    answer = attempt(person, team.get(TAG, "production"))

    assert answer.accepted, answer.body["message"]
    person.merge(TAG, "production", {"metadata": {"finalizers": None}})


def without_verification(tag: JsonObject) -> JsonObject:
    """The same ModelTag without its verification."""
    return {**tag, "spec": {key: value for key, value in tag["spec"].items() if key != "verification"}}


EASY = {"candidate": {"conversations": [{"configMapKeyRef": {"name": "easy", "key": "tests.yaml"}}]}}
LOOSENED: dict[str, Attempt] = {
    "removed": lambda person, _: person.change(TAG, "production", verification=None),
    "removed by json patch": lambda person, _: person.json_patch(
        TAG, "production", {"op": "remove", "path": "/spec/verification"}
    ),
    "removed by replace": lambda person, now: person.replace(without_verification(now)),
    "more time": lambda person, _: person.change(
        TAG, "production", verification={"candidate": {"timeoutSeconds": 7200}}
    ),
    "other conversations": lambda person, _: person.change(TAG, "production", verification=EASY),
    "a live stage": lambda person, _: person.change(
        TAG, "production", verification={**VERIFICATION, "live": VERIFICATION["candidate"]}
    ),
    "another end": lambda person, _: person.change(
        TAG, "production", verification={**VERIFICATION, "onFailure": "Hold"}
    ),
    "live instead": lambda person, _: person.change(
        TAG, "production", verification={"candidate": None, "live": VERIFICATION["candidate"]}
    ),
    "other conversations by json patch": lambda person, _: person.json_patch(
        TAG,
        "production",
        {
            "op": "replace",
            "path": "/spec/verification/candidate/conversations/0/configMapKeyRef/key",
            "value": "easy.yaml",
        },
    ),
    "other conversations by another manager": lambda person, _: person.apply(
        model_tag(model="A", verification=EASY), "another-manager"
    ),
    "a retry, by json patch": lambda person, _: person.json_patch(
        TAG,
        "production",
        {
            "op": "add",
            "path": "/metadata/annotations/rasa-environments.io~1retry-requested-at",
            "value": "now",
        },
    ),
}


@pytest.mark.parametrize("attempt", LOOSENED.values(), ids=LOOSENED)
def test_loosening_a_verification_needs_promote(team: Team, attempt: Attempt) -> None:
    team.given(model_tag(model="A", verification=VERIFICATION))
    before = team.get(TAG, "production")

    answer = attempt(team.person("carol"), before)

    assert refusal(answer) == lacks("carol", "production", team.namespace)
    assert team.get(TAG, "production") == before


LIVE = {"live": VERIFICATION["candidate"], "onFailure": "Rollback"}
WEAKER_LIVE: dict[str, JsonObject] = {
    "the end by a merge patch": {"spec": {"verification": {"onFailure": "Hold"}}},
    "no live stage": {"spec": {"verification": {"live": None, "candidate": VERIFICATION["candidate"]}}},
    "more time live": {"spec": {"verification": {"live": {"timeoutSeconds": 7200}}}},
    "other conversations live": {
        "spec": {
            "verification": {"live": {"conversations": [{"configMapKeyRef": {"name": "easy", "key": "tests.yaml"}}]}}
        }
    },
    "together with what is free": {
        "metadata": {"labels": {"team": "a"}},
        "spec": {"historyLimit": 0, "verification": {"onFailure": "Hold"}},
    },
}


@pytest.mark.parametrize("patch", WEAKER_LIVE)
def test_loosening_a_live_verification_needs_promote(team: Team, patch: str) -> None:
    team.given(model_tag(model="A", verification=LIVE))

    answer = team.person("carol").merge(TAG, "production", WEAKER_LIVE[patch])

    assert refusal(answer) == lacks("carol", "production", team.namespace)


@pytest.mark.parametrize("move", [{"tag": "some"}, SOMEWHERE_ELSE], ids=str)
def test_nobody_moves_it_to_another_tag_or_model_server(team: Team, move: JsonObject) -> None:
    team.given(model_tag("any", model="A"))

    answer = team.person("alice").change(TAG, "any", **move)

    assert answer.status == 422
    assert "may not be changed" in answer.body["message"]


def test_a_model_is_given_to_a_tag_that_had_none_by_who_holds_promote(team: Team) -> None:
    team.given(model_tag())

    answer = team.person("carol").change(TAG, "production", model="A")

    assert refusal(answer) == lacks("carol", "production", team.namespace)


def test_promote_is_asked_for_where_the_model_server_is(team: Team) -> None:
    elsewhere = new_team(team.api)
    bind(team.api, "rasa-environments-admin", "bob", team.namespace)
    bob = Person(team.api, "bob", team.namespace)
    wait_until(lambda: bob.create(model_tag(model="A")).accepted, "bob to have his rights")
    there = {"namespace": elsewhere.namespace}

    created = bob.create(model_tag("another", tag="worker", model="A", modelServerRef=there))
    without_a_model = bob.create(model_tag("another", tag="worker", modelServerRef=there))

    assert refusal(created) == refusal(without_a_model) == lacks("bob", "worker", elsewhere.namespace)


def test_a_name_that_the_server_makes_up_is_asked_for_as_it_is(team: Team) -> None:
    refused = team.person("erin").create(tag_named_by_the_server("staging", "A"))
    permitted = team.person("carol").create(tag_named_by_the_server("staging", "A"))

    name = permitted.body["metadata"]["name"]
    assert name.startswith("staging")
    assert team.promoted_by(name) == "carol"
    assert 'user "erin" may not promote to "staging' in refusal(refused)


def test_the_status_is_no_way_to_change_anything_else(team: Team) -> None:
    team.given(model_tag(model="A"))
    change = {"metadata": {"annotations": {"rasa-environments.io/promoted-by": "dave"}}, "spec": {"model": "B"}}

    answer = team.administrator.merge(TAG, "production", change, "status")

    assert answer.accepted, answer.body["message"]
    assert team.get(TAG, "production")["spec"]["model"] == "A"
    assert team.promoted_by("production") == "alice"


def test_deleting_all_tags_stops_at_the_first_that_is_not_permitted(team: Team) -> None:
    team.given(model_tag("any", model="A"), model_tag("production", model="A"))

    answer = team.person("carol").delete_all(TAG)

    assert refusal(answer) == lacks("carol", "production", team.namespace)
    assert team.find(TAG, "production") is not None


def test_a_dry_run_tells_the_same(team: Team) -> None:
    refused = team.person("dave").create(model_tag(model="A"), dryRun="All")

    assert refusal(refused) == lacks("dave", "production", team.namespace)
