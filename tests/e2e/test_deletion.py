"""An environment and its tag are deleted."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.e2e.models import Models
from tests.e2e.pod_space import TAG, PodSpace, environment, model_tag
from tests.integration.model_server_process import MODEL_A
from tests.integration.space import ALWAYS_THERE, ENVIRONMENT

NAMESPACE = "deletion"
NAME, RETAINED = "trial", "trial-retained"


@dataclass(frozen=True)
class Deleted:
    """Which tags the model server had before and afterwards."""

    tags_before: set[str]
    tags_after: set[str]


@pytest.fixture(scope="module")
def deleted(space: PodSpace, models: Models) -> Deleted:
    """Delete an environment with a pod and its tags, one of which is to be removed from the server."""
    tags = [model_tag(NAME, model=MODEL_A, deletionPolicy="Delete"), model_tag(RETAINED, model=MODEL_A)]
    space.apply(*tags, environment(NAME))
    for tag in (NAME, RETAINED):
        space.wait_for_condition(TAG, tag, "Tagged", status="True")
    space.eventually(lambda: space.pods(NAME), "a pod")
    before = set(models.tags())
    space.delete(ENVIRONMENT, NAME)
    for tag in (NAME, RETAINED):
        space.delete(TAG, tag)
    space.eventually(lambda: not space.list("Pod"), "the pod to be gone")
    space.eventually(lambda: NAME not in models.tags(), "the tag to be gone from the model server")
    return Deleted(before, set(models.tags()))


def test_its_children_go_with_an_environment(space: PodSpace, deleted: Deleted) -> None:
    for kind in ALWAYS_THERE:
        space.wait_until_gone(kind, f"{NAME}-rasa")


def test_nothing_is_left_that_hangs(space: PodSpace, deleted: Deleted) -> None:
    assert space.list(ENVIRONMENT) == []
    assert space.list(TAG) == []


def test_a_tag_goes_from_the_server_if_it_was_to(deleted: Deleted) -> None:
    assert {NAME, RETAINED} <= deleted.tags_before
    assert NAME not in deleted.tags_after


def test_any_other_tag_stays_there(deleted: Deleted) -> None:
    assert RETAINED in deleted.tags_after
