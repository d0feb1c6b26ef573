"""Two ModelTags for one tag, and deleted ModelTags: nothing fights, nothing hangs, nothing is forgotten."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.integration.conftest import furnish
from tests.integration.manifests import environment, model_tag
from tests.integration.model_server_front import MODELS, Asked, Front, Said
from tests.integration.model_server_process import MODEL_A, MODEL_B
from tests.integration.operator_process import OperatorProcess
from tests.integration.space import Space
from tests.integration.test_model_tags import TAG, wait_until_tagged


def wait_for_conflict(space: Space, name: str, older: str, model: str) -> None:
    for condition, status in (("Ready", "False"), ("Tagged", "False"), ("Stalled", "True")):
        space.wait_for_condition(
            TAG,
            name,
            condition,
            status=status,
            reason="TagConflict",
            message=f"tag production belongs to the older ModelTag {older} (model {model}): change that one, or delete "
            "one of the two",
        )


def grow_older(space: Space, name: str = "production") -> None:
    """Wait until new objects are younger than the ModelTag by the API server's clock, which counts seconds."""
    created = space.get(TAG, name)["metadata"]["creationTimestamp"]
    space.eventually(lambda: f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}" > created, "the next second")


def wait_for_listings(space: Space, front: Front, more: int) -> None:
    start = len(front.asked)
    space.eventually(lambda: front.listings_since(start) >= more, f"{more} more listings")


def test_of_two_model_tags_for_one_tag_the_older_wins_and_nothing_fights(tag_space: Space, front: Front) -> None:
    tag_space.apply(model_tag(model=MODEL_A))
    wait_until_tagged(tag_space, MODEL_A)
    grow_older(tag_space)

    tag_space.apply(model_tag("another", tag="production", model=MODEL_B))

    wait_for_conflict(tag_space, "another", f"{tag_space.namespace}/production", MODEL_A)
    wait_for_listings(tag_space, front, 3)
    assert front.behind.tags() == {"production": MODEL_A}
    assert sum(asked.method == "PUT" for asked in front.asked) == 1


def test_the_newer_model_tag_takes_over_when_the_older_goes(tag_space: Space, front: Front) -> None:
    tag_space.apply(model_tag(model=MODEL_A))
    wait_until_tagged(tag_space, MODEL_A)
    tag_space.apply(model_tag("second", tag="production", model=MODEL_B, deletionPolicy="Delete"))
    wait_for_conflict(tag_space, "second", f"{tag_space.namespace}/production", MODEL_A)

    tag_space.delete(TAG, "production")

    wait_until_tagged(tag_space, MODEL_B, "second")
    assert front.behind.tags() == {"production": MODEL_B}


def test_a_model_tag_that_only_ever_conflicted_takes_nothing_away(tag_space: Space, front: Front) -> None:
    tag_space.apply(model_tag(model=MODEL_A))
    wait_until_tagged(tag_space, MODEL_A)
    tag_space.apply(model_tag("second", tag="production", model=MODEL_B, deletionPolicy="Delete"))
    wait_for_conflict(tag_space, "second", f"{tag_space.namespace}/production", MODEL_A)

    tag_space.delete(TAG, "second")
    tag_space.delete(TAG, "production")

    wait_for_listings(tag_space, front, 2)
    assert front.behind.tags() == {"production": MODEL_A}


def test_who_may_not_use_the_server_neither_blocks_nor_deletes_a_tag(
    tag_space: Space, front: Front, new_space: Callable[[], Space]
) -> None:
    stranger = new_space()
    reference = {"name": "default", "namespace": tag_space.namespace}
    stranger.apply(
        model_tag(model=MODEL_B, modelServerRef=reference, deletionPolicy="Delete"),
        environment(modelServerRef=reference),
    )
    stranger.wait_for_condition(TAG, "production", "Ready", status="False", reason="RefNotPermitted")
    grow_older(stranger)

    tag_space.apply(model_tag(model=MODEL_A), environment())
    wait_until_tagged(tag_space, MODEL_A)
    tag_space.wait_until_ready()
    tag_space.delete(TAG, "production")
    stranger.delete(TAG, "production")

    wait_for_listings(tag_space, front, 2)
    assert front.behind.tags() == {"production": MODEL_A}


@pytest.mark.parametrize(("policy", "left"), [("Retain", {"production": MODEL_A}), ("Delete", {})])
def test_a_deleted_model_tag_leaves_or_takes_its_tag(
    tag_space: Space, front: Front, policy: str, left: dict[str, str]
) -> None:
    tag_space.apply(model_tag(model=MODEL_A, deletionPolicy=policy))
    wait_until_tagged(tag_space, MODEL_A)

    tag_space.delete(TAG, "production")

    assert tag_space.find(TAG, "production") is None
    tag_space.eventually(lambda: front.behind.tags() == left, f"the tags to be {left}")
    wait_for_listings(tag_space, front, 2)
    assert front.behind.tags() == left


def test_a_tag_stays_when_its_model_tag_goes_with_the_whole_namespace(
    tag_space: Space, another_space: Space, front: Front
) -> None:
    tag_space.patch("ModelServer", "default", {"spec": {"accessFrom": {"namespaces": [another_space.namespace]}}})
    reference = {"namespace": tag_space.namespace}
    another_space.apply(model_tag(model=MODEL_A, deletionPolicy="Delete", modelServerRef=reference))
    wait_until_tagged(another_space, MODEL_A)

    another_space.api.request("DELETE", f"/api/v1/namespaces/{another_space.namespace}")

    tag_space.eventually(
        lambda: "pendingTagDeletions" not in tag_space.status("ModelServer", "default"), "nothing to be undone"
    )
    wait_for_listings(tag_space, front, 2)
    assert front.behind.tags() == {"production": MODEL_A}


def test_a_tag_that_is_to_go_one_day_is_noted_before_it_is_put(tag_space: Space, front: Front) -> None:
    """So that no crash between the two leaves a tag that nothing remembers."""
    tag_space.wait_for_condition("ModelServer", "default", "Ready", status="True")
    held, released = threading.Event(), threading.Event()

    def held_back(asked: Asked) -> Said | None:
        if asked.path == MODELS:
            held.set()
            released.wait(20)
        return None

    front.fault = held_back
    assert held.wait(20), "no listing came"  # So that no earlier pass over the ModelServer is still under way.
    tag_space.apply(model_tag(model=MODEL_A, deletionPolicy="Delete"), model_tag("worker", model=MODEL_A))
    wait_until_tagged(tag_space, MODEL_A, "worker")
    assert "pendingTagDeletions" not in tag_space.status("ModelServer", "default")
    assert front.behind.tags() == {"worker": MODEL_A}

    released.set()

    wait_until_tagged(tag_space, MODEL_A)
    assert tag_space.status("ModelServer", "default")["pendingTagDeletions"] == [
        {"tag": "production", "namespace": tag_space.namespace, "name": "production"}
    ]


def test_a_tag_whose_deletion_failed_is_deleted_when_the_server_is_well_again(tag_space: Space, front: Front) -> None:
    tag_space.apply(model_tag(model=MODEL_A, deletionPolicy="Delete"))
    wait_until_tagged(tag_space, MODEL_A)
    front.fault = lambda asked: Said(500, "disk full") if asked.method == "DELETE" else None

    tag_space.delete(TAG, "production")
    path = f"{MODELS}/{MODEL_A}/tags/production"
    tag_space.eventually(lambda: front.count("DELETE", path) >= 2, "the deletion to be tried again")
    assert front.behind.tags() == {"production": MODEL_A}
    front.fault = lambda _: None

    tag_space.eventually(lambda: front.behind.tags() == {}, "the tag to be deleted")
    tag_space.eventually(
        lambda: "pendingTagDeletions" not in tag_space.status("ModelServer", "default"), "nothing to be left to delete"
    )


def test_a_recreated_model_tag_keeps_its_tag(tag_space: Space, front: Front) -> None:
    tag_space.apply(model_tag(model=MODEL_A, deletionPolicy="Delete"))
    wait_until_tagged(tag_space, MODEL_A)

    tag_space.delete(TAG, "production")
    tag_space.apply(model_tag(model=MODEL_B, deletionPolicy="Delete"))

    wait_until_tagged(tag_space, MODEL_B)
    wait_for_listings(tag_space, front, 2)
    assert front.behind.tags() == {"production": MODEL_B}


def test_without_its_server_a_model_tag_goes_at_once(tag_space: Space, front: Front) -> None:
    tag_space.apply(model_tag(model=MODEL_A, deletionPolicy="Delete"))
    wait_until_tagged(tag_space, MODEL_A)

    tag_space.delete("ModelServer", "default")
    tag_space.wait_for_condition(TAG, "production", "Ready", status="False", reason="ModelServerNotFound")
    tag_space.delete(TAG, "production")

    assert tag_space.find(TAG, "production") is None


def test_a_model_tag_that_was_deleted_while_no_operator_ran_takes_its_tag_when_one_runs(
    mortal_space: Space, front: Front, mortal: OperatorProcess
) -> None:
    furnish(mortal_space, front)
    mortal.start()
    mortal_space.apply(
        model_tag(model=MODEL_A, deletionPolicy="Delete"), model_tag("kept", model=MODEL_A, deletionPolicy="Retain")
    )
    wait_until_tagged(mortal_space, MODEL_A)
    wait_until_tagged(mortal_space, MODEL_A, "kept")

    mortal.kill()
    mortal_space.delete(TAG, "production")
    mortal_space.delete(TAG, "kept")
    assert front.behind.tags() == {"production": MODEL_A, "kept": MODEL_A}
    mortal.start()

    mortal_space.eventually(lambda: front.behind.tags() == {"kept": MODEL_A}, "the tag to be deleted")
