"""The pods of each environment: what matters about them, and when it changed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.controller.pods import Pods
from rasa_environments.domain.facts import PodFacts

SUPPORT, SALES = ObjectKey("bots", "support"), ObjectKey("bots", "sales")


def key(name: str) -> ObjectKey:
    """The key of a pod."""
    return ObjectKey("bots", name)


def pod(
    name: str, environment: str = "support", *, ready: bool = True, waiting: str | None = None, deleted: bool = False
) -> JsonObject:
    """A pod as the API server gives it."""
    metadata: JsonObject = {
        "name": name,
        "namespace": "bots",
        "uid": f"uid-{name}",
        "resourceVersion": "7",
        "labels": {"app.kubernetes.io/instance": environment},
    }
    if deleted:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    state = {"waiting": {"reason": waiting}} if waiting else {"running": {}}
    return {
        "metadata": metadata,
        "spec": {"containers": [{"name": "rasa"}]},
        "status": {
            "podIP": "127.64.0.1",
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
            "containerStatuses": [{"name": "rasa", "state": state}],
        },
    }


def test_a_pod_belongs_to_the_environment_that_its_label_names() -> None:
    pods = Pods()

    assert pods.put(key("a"), pod("a")) == (SUPPORT,)
    assert pods.put(key("b"), pod("b", "sales")) == (SALES,)
    assert pods.of(SUPPORT) == (PodFacts("a", "127.64.0.1", ready=True),)


def test_pods_of_an_action_server_are_apart_and_concern_the_environment_as_well() -> None:
    pods = Pods()
    actions = pod("b", waiting="CrashLoopBackOff")
    actions["metadata"]["labels"]["app.kubernetes.io/name"] = "rasa-actions"
    pods.put(key("a"), pod("a"))

    assert pods.put(key("b"), actions) == (SUPPORT,)

    assert [facts.name for facts in pods.of(SUPPORT)] == ["a"]
    assert [(facts.name, facts.waiting) for facts in pods.of_action_server(SUPPORT)] == [("b", "CrashLoopBackOff")]


def test_the_pod_of_a_candidate_is_apart_although_it_has_no_label_of_the_environment() -> None:
    pods = Pods()
    candidate = pod("b")
    candidate["metadata"]["labels"] = {
        "app.kubernetes.io/name": "rasa-candidate",
        "rasa-environments.io/candidate-of": "support",
    }
    pods.put(key("a"), pod("a"))

    assert pods.put(key("b"), candidate) == (SUPPORT,)

    assert [facts.name for facts in pods.of(SUPPORT)] == ["a"]
    assert [facts.name for facts in pods.of_candidate(SUPPORT)] == ["b"]
    assert pods.of_action_server(SUPPORT) == ()


def test_pods_come_by_name() -> None:
    pods = Pods()
    for name in ("c", "a", "b"):
        pods.put(key(name), pod(name))

    assert [facts.name for facts in pods.of(SUPPORT)] == ["a", "b", "c"]


def test_a_change_that_does_not_matter_concerns_nobody() -> None:
    pods = Pods()
    pods.put(key("a"), pod("a"))
    again = pod("a")
    again["metadata"]["resourceVersion"] = "8"

    assert pods.put(key("a"), again) == ()


@pytest.mark.parametrize(
    "changed", [pod("a", ready=False), pod("a", ready=False, waiting="CrashLoopBackOff"), pod("a", deleted=True)]
)
def test_a_change_that_matters_concerns_the_environment(changed: JsonObject) -> None:
    pods = Pods()
    pods.put(key("a"), pod("a"))

    assert pods.put(key("a"), changed) == (SUPPORT,)
    assert not pods.of(SUPPORT)[0].ready


def test_a_fault_is_reported_and_a_usual_wait_is_not() -> None:
    pods = Pods()
    pods.put(key("a"), pod("a", ready=False, waiting="ImagePullBackOff"))
    pods.put(key("b"), pod("b", ready=False, waiting="ContainerCreating"))

    assert [facts.waiting for facts in pods.of(SUPPORT)] == ["ImagePullBackOff", None]


def test_a_deleted_pod_concerns_its_environment_once() -> None:
    pods = Pods()
    pods.put(key("a"), pod("a"))

    assert pods.put(key("a"), None) == (SUPPORT,)
    assert pods.put(key("a"), None) == ()
    assert pods.of(SUPPORT) == ()


def test_a_relabelled_pod_leaves_its_environment_for_the_other() -> None:
    pods = Pods()
    pods.put(key("a"), pod("a"))

    assert pods.put(key("a"), pod("a", "sales")) == (SUPPORT, SALES)
    assert pods.of(SUPPORT) == ()
    assert [facts.name for facts in pods.of(SALES)] == ["a"]


def test_a_pod_that_names_no_environment_concerns_nobody() -> None:
    pods = Pods()
    pods.put(key("a"), pod("a"))
    nobodys = pod("a")
    nobodys["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "rasa-environments"}

    assert pods.put(key("a"), nobodys) == (SUPPORT,)
    assert pods.put(key("b"), nobodys) == ()
    assert pods.of(SUPPORT) == ()


@given(history=st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.booleans() | st.none())))
def test_what_is_known_is_what_was_seen_last(history: list[tuple[str, bool | None]]) -> None:
    pods = Pods()
    for name, ready in history:
        pods.put(key(name), None if ready is None else pod(name, ready=ready))

    latest = {name: ready for name, ready in dict(history).items() if ready is not None}
    assert {facts.name: facts.ready for facts in pods.of(SUPPORT)} == latest


@pytest.mark.parametrize("wrong", [None, 5, "text", [], [None], {}, {"a": None}, [{"type": 5, "status": []}]])
@pytest.mark.parametrize("field", ["conditions", "containerStatuses", "initContainerStatuses", "podIP"])
def test_a_status_of_another_shape_is_as_good_as_none(field: str, wrong: object) -> None:
    odd = pod("a")
    odd["status"][field] = wrong
    pods = Pods()
    assert pods.put(key("a"), odd) == (SUPPORT,)
    (facts,) = pods.of(SUPPORT)
    assert isinstance(facts.address, str | None)
    assert facts.ready is (field != "conditions")


@pytest.mark.parametrize("wrong", [None, 5, [], {"app.kubernetes.io/instance": ["support"]}])
def test_labels_of_another_shape_name_no_environment(wrong: object) -> None:
    odd = pod("a")
    odd["metadata"]["labels"] = wrong
    assert Pods().put(key("a"), odd) == ()
