"""What each pod of an environment serves, as `status NAME` shows it."""

from __future__ import annotations

import pytest

from rasa_environments.api.base import JsonObject
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.cli.detail_tables import as_document
from rasa_environments.cli.pod_models import UNKNOWN, PodModel, pod_models
from rasa_environments.domain.facts import PodFacts
from rasa_environments.judge.served import MAXIMUM_NON_SERVING_PODS

from .test_detail import pod, seen, text
from .test_overview import environment

WANTED = PodModel("B", "True")


def reported(serving: int | None, *non_serving: JsonObject, **fields: object) -> DeploymentEnvironment:
    """The environment `staging`, of whose pods so many serve the desired model B."""
    counted = {} if serving is None else {"servingReplicas": serving}
    desired = {"observedGeneration": 1, "desiredModel": {"name": "B", "hash": "b"}}
    return environment("staging", {**desired, **counted, "nonServingPods": list(non_serving), **fields})


def ready(*names: str) -> list[PodFacts]:
    """Pods that are ready."""
    return [PodFacts(name, address=None, ready=True) for name in names]


def other(name: str, served: str = "False", model: str | None = None) -> JsonObject:
    """An entry of the status."""
    return {"name": name, "served": served, **({"model": model} if model else {})}


def test_a_ready_pod_that_the_status_does_not_list_serves_the_desired_model() -> None:
    shown = pod_models(reported(1, other("x", model="A")), ready("x", "y"))

    assert shown == {"x": PodModel("A", "False"), "y": WANTED}


def test_a_pod_that_the_operator_has_not_asked_yet_makes_unknown_which_ones_serve_it() -> None:
    shown = pod_models(reported(1), ready("x", "y"))

    assert shown == {"x": UNKNOWN, "y": UNKNOWN}


@pytest.mark.parametrize(
    "without_an_answer",
    [
        reported(None),
        reported(1, observedGeneration=0),
        reported(1, desiredModel=None),
        environment("staging", {}),
    ],
    ids=["nobody answered", "an earlier spec", "no desired model", "no status"],
)
def test_without_an_answer_that_counts_nothing_is_claimed(without_an_answer: DeploymentEnvironment) -> None:
    assert pod_models(without_an_answer, ready("x")) == {"x": UNKNOWN}


def test_nothing_is_claimed_of_a_suspended_environment_which_nobody_looks_at() -> None:
    running = reported(1, other("x", model="A"))
    suspended = running.model_copy(update={"spec": running.spec.model_copy(update={"suspend": True})})

    assert pod_models(suspended, ready("x", "y")) == {"x": UNKNOWN, "y": UNKNOWN}


def test_beyond_what_the_status_has_room_for_nothing_is_claimed() -> None:
    names = [f"pod-{number}" for number in range(MAXIMUM_NON_SERVING_PODS)]

    shown = pod_models(reported(9, *(other(name, model="A") for name in names)), ready(*names, "y"))

    assert (shown["pod-0"], shown["y"]) == (PodModel("A", "False"), UNKNOWN)


def test_of_a_pod_that_is_not_ready_any_more_it_is_not_claimed() -> None:
    lost = PodFacts("x", address=None, ready=False, lost_readiness=True)

    assert pod_models(reported(2), [lost, *ready("y")]) == {"x": UNKNOWN, "y": WANTED}


@pytest.mark.parametrize(
    "not_asked",
    [
        PodFacts("x", address=None, ready=False),
        PodFacts("x", address=None, ready=True, of_action_server=True),
        PodFacts("x", address=None, ready=True, of_candidate=True),
    ],
    ids=["never ready", "action server", "candidate"],
)
def test_a_pod_that_is_not_asked_is_left_out(not_asked: PodFacts) -> None:
    assert pod_models(reported(1), [not_asked, *ready("y")]) == {"y": WANTED}


@pytest.mark.parametrize(
    ("served", "described"),
    [
        (PodModel("A", "False"), "A"),
        (PodModel("model", "Unknown"), "model"),
        (PodModel(None, "False"), "no model"),
        (UNKNOWN, "unknown"),
    ],
)
def test_people_read_what_it_serves_in_words(served: PodModel, described: str) -> None:
    assert served.described == described


def test_the_pods_that_serve_another_model_come_first_with_its_name() -> None:
    pods = tuple(pod(f"staging-rasa-7d9f8c7b6d-{end}") for end in ("aaaaa", "bbbbb"))
    starting = pod("staging-rasa-7d9f8c7b6d-ccccc", ready=False)
    shown = seen((*pods, starting), environment=reported(1, other("staging-rasa-7d9f8c7b6d-bbbbb", model="A\x1b[2J")))

    rows = next(block for block in text(shown, 80).split("\n\n") if block.startswith("POD "))

    assert [tuple(row.split()[:3]) for row in rows.splitlines()] == [
        ("POD", "READY", "SERVES"),
        ("staging-rasa-7d9f8c7b6d-ccccc", "False", "-"),
        ("staging-rasa-7d9f8c7b6d-bbbbb", "True", "A\\x1b[2J"),
        ("staging-rasa-7d9f8c7b6d-aaaaa", "True", "B"),
    ]
    assert max(map(len, rows.splitlines())) <= 80


def test_programs_get_the_model_and_whether_it_is_the_desired_one() -> None:
    document = as_document(seen((pod("x"), pod("y")), environment=reported(1, other("x", "Unknown"))))

    assert [each["served"] for each in document["pods"]] == [
        {"model": None, "servesWanted": "Unknown"},
        {"model": "B", "servesWanted": "True"},
    ]
