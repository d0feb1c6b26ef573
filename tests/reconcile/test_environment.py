"""One reconciliation of an environment: what is created, asked, written and requested, and in which order."""

from __future__ import annotations

from base64 import b64decode

import pytest

from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.cluster.errors import (
    ApiError,
    BeingDeletedError,
    ContendedError,
    NameConflictError,
    OutdatedError,
)
from rasa_environments.controller.queue import DONE, FAILED, Kind, Request, Result
from rasa_environments.desired.context import candidate_key
from rasa_environments.domain.conflicts import CONFLICT_SECONDS
from tests.reconcile.environment_scene import (
    ACTION_SERVER,
    CHILD,
    FOUNDATIONS,
    KEY,
    MODEL,
    PASSWORDS,
    READS_A_SECRET,
    SERVER,
    Scene,
)
from tests.reconcile.objects import environment, environment_body


async def test_the_children_are_created_with_what_pods_need_first() -> None:
    scene = Scene()

    assert await scene.reconcile() == DONE

    assert sorted(scene.children.kinds[:-1]) == sorted(FOUNDATIONS)
    assert scene.children.kinds[-1] == "Deployment"
    assert scene.condition("Ready") == ("False", "WaitingForPods")
    assert [status["desiredModel"]["name"] for status in scene.api.statuses] == [MODEL.name]


async def test_at_rest_nothing_is_written() -> None:
    scene = Scene()
    await scene.reconcile()
    before = dict(scene.children.objects)

    await scene.reconcile()

    assert scene.children.objects == before
    assert len(scene.api.statuses) == 1


async def test_correct_children_are_not_made_again_until_something_that_they_are_made_from_changes() -> None:
    scene = Scene(**READS_A_SECRET)
    scene.secrets.contents[PASSWORDS] = {"k": b"s3cret"}
    await scene.reconcile()
    scene.children.all_correct = True
    made = len(scene.children.applied)

    await scene.reconcile()
    assert len(scene.children.applied) == made

    scene.secrets.contents[PASSWORDS] = {"k": b"another"}
    await scene.reconcile()
    assert len(scene.children.applied) == 2 * made

    scene.changes(**READS_A_SECRET, replicas=2)
    await scene.reconcile()
    assert len(scene.children.applied) == 3 * made


async def test_children_that_somebody_changed_are_made_again() -> None:
    scene = Scene()
    await scene.reconcile()
    made = len(scene.children.applied)

    scene.children.all_correct = False
    await scene.reconcile()

    assert len(scene.children.applied) == 2 * made


async def test_kinds_that_the_spec_no_longer_asks_for_are_removed() -> None:
    scene = Scene()

    await scene.reconcile()

    assert "Ingress" in scene.children.removed
    assert not set(scene.children.removed) & set(scene.children.kinds)


async def test_a_missing_secret_stops_the_reconciliation_before_anything_is_written() -> None:
    scene = Scene(**READS_A_SECRET)

    await scene.reconcile()

    assert scene.children.applied == []
    assert scene.condition("Ready") == ("False", "SecretNotFound")
    assert set(scene.secrets.users[Request(Kind.DEPLOYMENT_ENVIRONMENT, KEY)]) == {PASSWORDS}


async def test_the_value_of_a_secret_reaches_the_environments_own() -> None:
    scene = Scene(**READS_A_SECRET)
    scene.secrets.contents[PASSWORDS] = {"k": b"s3cret"}

    await scene.reconcile()

    assert b"s3cret" in {b64decode(value) for value in scene.children.last("Secret")["data"].values()}


async def test_a_token_is_made_once_and_kept() -> None:
    scene = Scene()
    await scene.reconcile()
    token = scene.token

    await scene.reconcile()

    assert len(token) == 64
    assert scene.token == token


async def test_a_token_outlives_the_process() -> None:
    first, second = Scene(), Scene()
    await first.reconcile()
    second.children.objects = first.children.objects
    for child in second.children.objects.values():
        child["metadata"]["ownerReferences"] = [{"uid": "uid"}]

    await second.reconcile()

    assert second.token == first.token


async def test_what_fails_among_the_foundations_keeps_the_deployment_from_being_written() -> None:
    scene = Scene()
    scene.children.faults["ConfigMap"] = [ApiError(403, "Forbidden", "exceeded quota")]

    result = await scene.reconcile()

    assert "Deployment" not in scene.children.kinds
    assert (result.failed, result.outage) == (True, True)
    assert scene.condition("Ready") == ("False", "RefusedByAPIServer")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (NameConflictError("Service", CHILD, "Deployment/other"), "NameConflict"),
        (BeingDeletedError("Service", CHILD), "WaitingForDeletion"),
        (ContendedError("Service", CHILD, 5), "ChildContended"),
    ],
)
async def test_a_child_that_cannot_be_written_now_is_tried_again_with_backoff(fault: Exception, reason: str) -> None:
    scene = Scene()
    scene.children.faults["Service"] = [fault]

    result = await scene.reconcile()

    assert (result.failed, result.outage) == (True, False)
    assert scene.condition("Ready")[1] == reason


async def test_an_outage_of_the_api_server_is_no_verdict_about_the_environment() -> None:
    scene = Scene()
    scene.children.faults["Service"] = [ApiError(500, "InternalError", "down")]

    with pytest.raises(ApiError):
        await scene.reconcile()

    assert scene.api.statuses == []


async def test_a_secret_that_somebody_else_wrote_meanwhile_is_taken_over() -> None:
    scene, other = Scene(), Scene()
    await other.reconcile()
    theirs = other.children.last("Secret")
    theirs["metadata"]["ownerReferences"] = [{"uid": "uid"}]
    scene.children.faults["Secret"] = [OutdatedError("Secret", CHILD, theirs)]

    await scene.reconcile()

    assert scene.token == other.token
    assert scene.children.kinds.count("Secret") == 2
    assert scene.children.kinds[-1] == "Deployment"


async def test_a_secret_that_keeps_changing_is_left_to_the_next_reconciliation() -> None:
    scene, other = Scene(), Scene()
    await other.reconcile()
    theirs = other.children.last("Secret")
    scene.children.faults["Secret"] = [OutdatedError("Secret", CHILD, theirs) for _ in range(3)]

    with pytest.raises(OutdatedError):
        await scene.reconcile()

    assert "Deployment" not in scene.children.kinds


async def test_nothing_is_created_again_for_an_owner_that_is_gone() -> None:
    scene = Scene()
    await scene.reconcile()
    scene.children.objects.clear()
    scene.children.owner_is_gone = True

    assert await scene.reconcile() == FAILED

    assert scene.children.objects == {}
    assert len(scene.api.statuses) == 1


async def test_the_owner_of_the_first_children_was_just_read_and_is_not_asked_for() -> None:
    scene = Scene()

    await scene.reconcile()
    assert scene.children.owners_checked == 0

    scene.children.objects.clear()
    await scene.reconcile()
    assert scene.children.owners_checked > 0


async def test_a_suspended_environment_writes_its_status_alone() -> None:
    scene = Scene(suspend=True)

    assert await scene.reconcile() == DONE

    assert scene.children.applied == []
    assert scene.api.requests == [f"PATCH DeploymentEnvironment {KEY} status"]
    assert scene.condition("Reconciling") == ("False", "Suspended")


async def test_an_environment_that_is_being_deleted_is_left_to_the_garbage_collector() -> None:
    scene = Scene()
    body = environment_body("support")
    body["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    scene.state.lister.environments.put(DeploymentEnvironment.model_validate(body))

    assert await scene.reconcile() == DONE

    assert scene.children.applied == []
    assert scene.api.requests == []


async def test_an_environment_that_is_gone_is_forgotten() -> None:
    scene = Scene()
    await scene.reconcile()
    scene.state.lister.environments.remove(KEY)

    assert await scene.reconcile() == DONE

    assert scene.children.forgotten == [CHILD, ACTION_SERVER, candidate_key(KEY)]


async def test_a_model_server_that_does_not_exist_is_reported_and_nothing_is_created() -> None:
    scene = Scene()
    scene.state.lister.servers.remove(SERVER)

    await scene.reconcile()

    assert scene.children.applied == []
    assert scene.condition("Ready") == ("False", "ModelServerNotFound")


async def test_a_conflict_with_an_older_environment_is_looked_at_again_without_an_event() -> None:
    scene = Scene(environment="shared", tag="support")
    scene.state.lister.environments.put(environment("older", age=5, environment="shared"))

    result = await scene.reconcile()

    assert scene.children.applied == []
    assert scene.condition("Ready") == ("False", "EnvironmentConflict")
    assert result == Result(requeue_after=CONFLICT_SECONDS)


async def test_a_status_that_was_decided_on_an_older_version_is_not_written() -> None:
    scene = Scene()
    scene.api.fault = ApiError(409, "Conflict", "")

    with pytest.raises(ApiError):
        await scene.reconcile()

    assert scene.environment.status.conditions is None
    assert scene.events.reasons == []
