"""Custom resources are read once per version, and unusable ones are rejected."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.cluster.cache import ObjectCache
from rasa_environments.cluster.client import ApiError, TooLargeError
from rasa_environments.cluster.resources import Resource
from rasa_environments.cluster.status_writes import StatusWrites
from rasa_environments.controller.event_handlers import EventHandlers
from rasa_environments.controller.pods import Pods
from rasa_environments.controller.queue import Kind, Request, WorkQueue
from rasa_environments.controller.secret_references import SecretReferences
from rasa_environments.domain.lister import Lister
from rasa_environments.judge.events import Event, ObjectReference, event_name
from rasa_environments.reconcile.contents import MAXIMUM_OBJECT_BYTES, Contents, identity_of
from rasa_environments.reconcile.status import Statuses
from tests.reconcile.objects import environment_body

KEY = ObjectKey("bots", "support")
SUPPORT = Request(Kind.DEPLOYMENT_ENVIRONMENT, KEY)


@dataclass
class Server:
    """The used part of an API server: one object, or an error instead, and status patches."""

    answer: JsonObject | Exception | None = None
    reads: int = 0
    statuses: list[JsonObject] = field(default_factory=list)
    status_writes: StatusWrites = field(default_factory=lambda: StatusWrites("rasa-environments"))

    async def get(self, _: Resource, key: ObjectKey, *, maximum_bytes: int | None = None) -> JsonObject:
        """The object."""
        assert (key, maximum_bytes) == (KEY, MAXIMUM_OBJECT_BYTES)
        self.reads += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        assert self.answer is not None
        return self.answer

    async def patch_status(
        self,
        _: Resource,
        key: ObjectKey,
        status: JsonObject,
        *,
        metadata_only: bool = False,
        resource_version: str | None = None,
    ) -> JsonObject:
        """Store the status in a new version."""
        assert (key, metadata_only) == (KEY, True)
        assert resource_version in (None, "1")  # of the version that is in force, where there is one
        self.statuses.append(status)
        return {"metadata": {"resourceVersion": "1000"}}


class Scene:
    """A lister, and the caches that say what is there."""

    def __init__(self) -> None:
        self.server = Server()
        self.lister = Lister()
        self.caches = {kind: ObjectCache(identity_of) for kind in Kind}
        event_handlers = EventHandlers(self.lister, WorkQueue(), SecretReferences(), Pods())
        statuses = Statuses(self.server, self.lister, self._record)
        self.told: list[tuple[ObjectReference, Event]] = []
        self.contents = Contents(self.server, self.caches, event_handlers, statuses, record=self._record)

    def _record(self, regarding: ObjectReference, events: Sequence[Event]) -> None:
        self.told += [(regarding, event) for event in events]

    async def bring(self, answer: JsonObject | Exception, **identity: Any) -> None:
        """Let a watch announce a version of the environment, and read it."""
        self.server.answer = answer
        body = answer if isinstance(answer, dict) else environment_body("support", **identity)
        self.caches[SUPPORT.kind].put(body)
        await self.contents.refresh(SUPPORT)

    @property
    def tag(self) -> str | None:
        """The tag of the environment that is in force."""
        found = self.lister.environments.get(KEY)
        return None if found is None else found.tag


TOO_LARGE = TooLargeError("the object", MAXIMUM_OBJECT_BYTES)
INVALID = environment_body("support", version=2, replicas="many")
NESTED = environment_body("support", version=2, endpoints={"x": [[[]]]})
NESTED["spec"]["endpoints"]["x"] = [[]]
for _ in range(150):
    NESTED["spec"]["endpoints"]["x"] = [NESTED["spec"]["endpoints"]["x"]]


async def test_an_object_is_read_once_for_each_version() -> None:
    scene = Scene()

    await scene.bring(environment_body("support", version=1, tag="live"))
    await scene.contents.refresh(SUPPORT)
    assert (scene.tag, scene.server.reads) == ("live", 1)

    await scene.bring(environment_body("support", version=2, tag="next"))
    assert (scene.tag, scene.server.reads) == ("next", 2)


async def test_an_object_in_doubt_is_read_once_more_in_the_same_version() -> None:
    scene = Scene()
    await scene.bring(environment_body("support", version=1, tag="live"))

    scene.contents.doubt(SUPPORT)
    await scene.contents.refresh(SUPPORT)
    await scene.contents.refresh(SUPPORT)

    assert scene.server.reads == 2


async def test_a_version_that_cannot_be_used_is_never_in_doubt() -> None:
    scene = Scene()
    await scene.bring(environment_body("support", version=1, tag="live"))
    await scene.bring(INVALID)
    scene.contents.doubt(SUPPORT)

    await scene.contents.refresh(SUPPORT)

    assert scene.server.reads == 2


async def test_a_status_that_another_operator_has_written_is_reported_once_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    scene = Scene()
    await scene.bring(environment_body("support", version=1))
    for version in (2, 3):
        body = environment_body("support", version=version)
        body["metadata"]["managedFields"] = [
            {"manager": "rasa-environments", "subresource": "status", "time": f"2026-01-01T00:00:0{version}Z"}
        ]
        await scene.bring(body)

    (warning,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "another operator works on the same objects" in warning.getMessage()
    assert str(SUPPORT) in warning.getMessage()


async def test_an_object_that_no_watch_knows_any_more_is_gone_without_a_read() -> None:
    scene = Scene()
    await scene.bring(environment_body("support"))
    scene.caches[SUPPORT.kind].remove(KEY)

    await scene.contents.refresh(SUPPORT)

    assert (scene.tag, scene.server.reads) == (None, 1)


async def test_an_object_deleted_before_it_is_read_counts_as_deleted() -> None:
    scene = Scene()
    await scene.bring(environment_body("support", version=1))

    await scene.bring(ApiError(404, "NotFound", ""), version=2)

    assert scene.tag is None


async def test_any_other_refusal_of_the_api_server_is_tried_again_later() -> None:
    scene = Scene()
    await scene.bring(environment_body("support", version=1, tag="live"))

    with pytest.raises(ApiError):
        await scene.bring(ApiError(500, "InternalError", ""), version=2)

    assert scene.tag == "live"


@pytest.mark.parametrize("answer", [TOO_LARGE, INVALID, NESTED], ids=["too large", "invalid", "nested"])
async def test_the_last_valid_version_stays_in_force(answer: JsonObject | Exception) -> None:
    scene = Scene()
    await scene.bring(environment_body("support", version=1, tag="live"))

    await scene.bring(answer, version=2)
    await scene.contents.refresh(SUPPORT)

    assert (scene.tag, scene.server.reads) == ("live", 2)
    in_force = scene.lister.environments.get(KEY)
    assert in_force is not None
    assert in_force.metadata.rejection is not None
    assert in_force.metadata.rejection.version == 2


async def test_a_valid_version_ends_the_rejection() -> None:
    scene = Scene()
    await scene.bring(environment_body("support", version=1, tag="live"))
    await scene.bring(INVALID)

    await scene.bring(environment_body("support", version=3, tag="next"))

    in_force = scene.lister.environments.get(KEY)
    assert in_force is not None
    assert (in_force.tag, in_force.metadata.rejection) == ("next", None)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (TOO_LARGE, "the object has more than 512 KiB as JSON; make its spec smaller"),
        (INVALID, "spec.replicas: "),
        (NESTED, "spec: is nested more than 100 levels deep"),
    ],
    ids=["too large", "invalid", "nested"],
)
async def test_an_object_without_a_valid_version_says_so_once(
    answer: JsonObject | Exception, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    scene = Scene()

    with caplog.at_level(logging.WARNING):
        await scene.bring(answer, version=2)
    await scene.contents.refresh(SUPPORT)

    (status,) = scene.server.statuses
    told = {entry["type"]: (entry["status"], entry["reason"]) for entry in status["conditions"]}
    assert told == {
        "Ready": ("False", "InvalidSpec"),
        "Reconciling": ("False", "Settled"),
        "Stalled": ("True", "InvalidSpec"),
    }
    assert status["conditions"][0]["message"].startswith(message)
    assert [entry.levelname for entry in caplog.records] == ["WARNING"]
    assert f"InvalidSpec: {message}" in caplog.text
    ((regarding, event),) = scene.told
    assert (regarding.kind, regarding.name, regarding.uid) == ("DeploymentEnvironment", "support", "uid")
    assert (event.type, event.reason) == ("Warning", "InvalidSpec")
    assert event.note.startswith(message)
    assert (scene.tag, scene.server.reads) == (None, 1)


async def test_the_version_of_the_operators_own_write_is_not_read() -> None:
    scene = Scene()
    await scene.bring(INVALID)

    await scene.bring(environment_body("support", version=1000, replicas="many"))

    assert (scene.server.reads, len(scene.server.statuses)) == (1, 1)


async def test_what_the_status_says_already_is_not_written_again() -> None:
    first, restarted = Scene(), Scene()
    await first.bring(INVALID)

    await restarted.bring(INVALID | {"status": first.server.statuses[0]})

    assert restarted.server.statuses == []
    assert restarted.told == []


async def test_of_an_object_that_is_too_large_a_restart_tells_the_same_event() -> None:
    first, restarted = Scene(), Scene()

    for scene in (first, restarted):
        await scene.bring(TOO_LARGE, version=2)

    assert [event_name(*told) for told in first.told] == [event_name(*told) for told in restarted.told]


async def test_an_unusable_object_in_the_place_of_a_former_one_leaves_nothing_of_that_in_force() -> None:
    scene = Scene()
    await scene.bring(environment_body("support", version=1, uid="former"))

    await scene.bring(environment_body("support", version=2, uid="new", replicas="many"))

    assert scene.tag is None
    assert SUPPORT in scene.contents.requests()


async def test_a_failure_of_the_operator_is_reported_once_and_ends_with_the_next_status() -> None:
    scene = Scene()
    await scene.bring(environment_body("support", version=1))

    for _ in range(2):
        await scene.contents.report_failure(SUPPORT, KeyError("a value of the spec"))

    (status,) = scene.server.statuses
    ready = status["conditions"][0]
    assert (ready["type"], ready["status"], ready["reason"]) == ("Ready", "False", "InternalError")
    assert ready["message"] == "the operator failed (KeyError) and tries again; its log has the details"
