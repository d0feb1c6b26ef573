"""The pods in the status that are not known to serve the desired model."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rasa_environments.api.deployment_environment import EnvironmentStatus, NonServingPod
from rasa_environments.domain.facts import PodFacts, ProbeResult, TaggedModel
from rasa_environments.judge.comparison import FALLBACK_NAME
from rasa_environments.judge.environment import judge
from rasa_environments.judge.environment_facts import EnvironmentFacts
from rasa_environments.judge.served import MAXIMUM_NON_SERVING_PODS

from .test_environment import BUSY, EMPTY, GOOD, LOADING, OLD, RIGHT, SILENT, UNLISTED, WANTED, WRONG

FALLBACK = ProbeResult("pod support-0", model=FALLBACK_NAME)
ENTRIES = [
    ("it serves the desired model", RIGHT, WANTED, None),
    ("it served it a moment ago, and does not answer now", BUSY, WANTED, None),
    ("another model", WRONG, WANTED, ("False", OLD)),
    ("another model a moment ago, and it does not answer now", LOADING, WANTED, ("False", OLD)),
    ("no model", EMPTY, WANTED, ("False", None)),
    ("no answer", SILENT, WANTED, ("Unknown", None)),
    ("a model that the model server does not list", UNLISTED, WANTED, ("Unknown", None)),
    ("a model that cannot be compared", FALLBACK, TaggedModel("8f14", "8f14"), ("Unknown", FALLBACK_NAME)),
    ("a model where none is known to be wanted", WRONG, None, ("Unknown", OLD)),
    ("none where none is known to be wanted", EMPTY, None, None),
]


def pod(number: int) -> PodFacts:
    """A pod that is ready."""
    return PodFacts(f"support-{number}", address=f"10.0.0.{number}", ready=True)


def of(*answers: ProbeResult, wanted: TaggedModel | None = WANTED) -> EnvironmentFacts:
    """An environment whose pods have given these answers, in their order."""
    served = tuple(replace(answer, server=f"pod support-{number}") for number, answer in enumerate(answers))
    return replace(GOOD, served=served, pods=tuple(pod(number) for number in range(len(answers))), wanted=wanted)


def listed(facts: EnvironmentFacts) -> list[NonServingPod] | None:
    """Return the pods in the status."""
    return judge(facts, EnvironmentStatus())[0].non_serving_pods


@pytest.mark.parametrize(
    ("answer", "wanted", "entry"), [case[1:] for case in ENTRIES], ids=[case[0] for case in ENTRIES]
)
def test_a_pod_is_listed_unless_it_serves_what_is_wanted(
    answer: ProbeResult, wanted: TaggedModel | None, entry: tuple[str, str | None] | None
) -> None:
    pods = listed(of(answer, wanted=wanted))

    assert [(each.name, each.served, each.model) for each in pods or ()] == ([("support-0", *entry)] if entry else [])


def test_where_all_pods_serve_the_desired_model_the_status_lists_none() -> None:
    assert listed(of(RIGHT, RIGHT)) is None


def test_only_the_pods_that_do_not_serve_it_are_listed() -> None:
    pods = listed(of(RIGHT, WRONG, RIGHT, SILENT))

    assert [pod.name for pod in pods or ()] == ["support-1", "support-3"]


def test_of_many_pods_the_first_by_name_are_listed() -> None:
    facts = of(*[WRONG] * (MAXIMUM_NON_SERVING_PODS + 5))

    pods = listed(replace(facts, served=facts.served[::-1]))

    names = sorted(pod.name for pod in facts.pods)
    assert [pod.name for pod in pods or ()] == names[:MAXIMUM_NON_SERVING_PODS]


def test_that_a_pod_stops_answering_does_not_change_the_list_as_long_as_its_last_answer_counts() -> None:
    assert listed(of(RIGHT, WRONG)) == listed(of(BUSY, LOADING))


def test_a_server_that_runs_elsewhere_is_no_pod() -> None:
    assert listed(replace(GOOD, external=True, deployment=None, served=(WRONG,))) is None
