"""A suspended environment is left alone, and reports that."""

from __future__ import annotations

from tests.integration.manifests import environment
from tests.integration.space import ALWAYS_THERE, ENVIRONMENT, Space

MESSAGE = "reconciliation is suspended and the pods run as they are: remove spec.suspend to resume"
EDIT = {"data": {"endpoints.yml": "{}"}}


def wait_until_suspended(space: Space) -> None:
    """Wait until the environment reports that it is suspended."""
    for condition in ("Ready", "Reconciling"):
        space.wait_for_condition(ENVIRONMENT, "production", condition, reason="Suspended", message=MESSAGE)


def test_a_suspended_environment_stays_as_it_is_and_nobody_knows_whether_it_is_ready(space: Space) -> None:
    space.apply(environment())
    space.wait_until_ready()

    space.apply(environment(suspend=True, replicas=2))

    wait_until_suspended(space)
    space.wait_for_condition(ENVIRONMENT, "production", "Ready", status="Unknown")
    assert space.child("Deployment")["spec"]["replicas"] == 1


def test_nothing_of_a_suspended_environment_is_restored(space: Space) -> None:
    space.apply(environment())
    space.wait_until_ready()
    space.apply(environment(suspend=True))
    wait_until_suspended(space)

    space.patch("ConfigMap", "production-rasa", EDIT)
    space.delete("Service", "production-rasa")

    space.apply(environment("worker"))  # once this is done, the events before it have had their turn
    space.wait_until_ready("worker")
    space.operator.wait_for_passes("ModelServer", 2)
    assert space.child("ConfigMap")["data"]["endpoints.yml"] == "{}"
    assert space.find_child("Service") is None


def test_a_resumed_environment_continues(space: Space) -> None:
    space.apply(environment(suspend=True))
    wait_until_suspended(space)
    assert [kind for kind in ALWAYS_THERE if space.find_child(kind) is not None] == []

    space.apply(environment())

    space.wait_until_ready()


def test_suspending_and_resuming_replaces_no_pod(space: Space) -> None:
    space.apply(environment())
    space.wait_until_ready()
    before = space.child("Deployment")["metadata"]["generation"]

    space.apply(environment(suspend=True))
    wait_until_suspended(space)
    space.apply(environment())
    space.wait_until_ready()

    assert space.child("Deployment")["metadata"]["generation"] == before
