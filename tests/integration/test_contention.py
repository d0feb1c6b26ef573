"""Somebody keeps deleting a child: the condition reports it, and the child comes back once that ends."""

from __future__ import annotations

from tests.integration.manifests import environment
from tests.integration.space import ENVIRONMENT, Space


def test_a_child_that_is_deleted_again_and_again_is_reported_and_comes_back(space: Space) -> None:
    space.apply(environment())
    space.wait_until_ready()

    def told_after_another_deletion() -> bool:
        if space.find_child("Service") is not None:
            space.delete("Service", "production-rasa")
        ready = space.condition(ENVIRONMENT, "production", "Ready")
        return ready is not None and ready["reason"] == "ChildContended"

    space.eventually(told_after_another_deletion, "the environment to say ChildContended", 60)
    ready = space.condition(ENVIRONMENT, "production", "Ready")
    assert ready is not None
    assert ready["status"] == "False"
    assert "was changed or deleted" in ready["message"]

    space.wait_until_ready()
    assert space.find_child("Service") is not None
