"""A process that ends at any write of a verified promotion, a rejection or a rollback: the next one reaches the end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.kinds import AnyResource
from rasa_environments.cluster.resources import Resource
from rasa_environments.controller.state import State
from rasa_environments.rasa.replies import Reaction
from tests.reconcile.fakes import RecordingQueue
from tests.reconcile.live_scene import LiveScene
from tests.reconcile.verification_scene import BAD, GOOD, JOB_CHECK, KEY, Scene

T = TypeVar("T")
ROUNDS = 20
"""Reconciliations of every object until everything is done, with a restart in between."""


class ProcessEndedError(Exception):
    """The process was killed."""


@dataclass(frozen=True)
class Point:
    """A write, counted from 1, and whether it reaches the server."""

    write: int
    arrives: bool


def merged(under: JsonObject, patch: JsonObject) -> JsonObject:
    """Return a JSON value with a merge patch."""
    result = dict(under)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key) or {}, value) if isinstance(value, dict) else value
    return result


class Story:
    """A promotion to `new` with its verification, and a process that may end at one of its writes.

    With `job`, a Job decides: it ends with this condition.
    """

    def __init__(
        self, answer: Reaction, point: Point | None = None, scene: Scene | None = None, job: str | None = None
    ) -> None:
        self.scene = scene or (Scene() if job is None else Scene(verification={"candidate": JOB_CHECK}))
        self.scene.bots.answer = answer
        self.job = job
        self.point = point
        self.writes = 0
        self.ended = False
        self.statuses: dict[tuple[str, ObjectKey], JsonObject] = {}
        self._wrap()
        self._wrap_jobs()

    def _wrap(self) -> None:
        scene = self.scene
        patch, apply = scene.api.patch_status, scene.children.apply
        remove, put = scene.children.remove, scene.model_server.put_tag

        async def patch_status(resource: Resource, key: ObjectKey, status: JsonObject, **more: Any) -> JsonObject:
            def store() -> Awaitable[JsonObject]:
                kept = self.statuses.setdefault((resource.kind, key), self._known_status(resource, key))
                self.statuses[resource.kind, key] = merged(kept, status)
                return patch(resource, key, status, **more)

            return await self._write(store)

        async def apply_child(desired: JsonObject, **more: Any) -> Any:
            key = ObjectKey(desired["metadata"]["namespace"], desired["metadata"]["name"])
            before = scene.children.objects.get((desired["kind"], key))
            if before is not None and {**before, **desired} == before:
                return await apply(desired, **more)
            return await self._write(lambda: apply(desired, **more))

        async def remove_child(resource: Resource, key: ObjectKey, owner_uid: str) -> bool:
            if scene.children.live(resource, key) is None:
                return False
            return await self._write(lambda: remove(resource, key, owner_uid))

        async def put_tag(model: str, tag: str) -> None:
            await self._write(lambda: put(model, tag))

        scene.api.patch_status = patch_status  # type: ignore[method-assign]
        scene.children.apply = apply_child  # type: ignore[method-assign]
        scene.children.remove = remove_child  # type: ignore[method-assign]
        scene.model_server.put_tag = put_tag  # type: ignore[method-assign]

    def _wrap_jobs(self) -> None:
        jobs = self.scene.jobs
        create, delete = jobs.create, jobs.delete

        async def create_job(resource: Resource, obj: JsonObject, *, dry_run: bool = False) -> JsonObject:
            if dry_run:
                return await create(resource, obj, dry_run=True)
            return await self._write(lambda: create(resource, obj))

        async def delete_job(resource: Resource, key: ObjectKey) -> None:
            await self._write(lambda: delete(resource, key))

        jobs.create = create_job  # type: ignore[method-assign]
        jobs.delete = delete_job  # type: ignore[method-assign]

    async def _write(self, write: Callable[[], Awaitable[T]]) -> T:
        self.writes += 1
        point = self.point
        if point is None or point.write != self.writes:
            return await write()
        self.ended = True
        if point.arrives:
            await write()
        raise ProcessEndedError

    def _known_status(self, resource: Resource, key: ObjectKey) -> JsonObject:
        lister = self.scene.state.lister
        known: AnyResource | None = (
            lister.tags.get(key) if resource.kind == "ModelTag" else lister.environments.get(key)
        )
        assert known is not None
        return known.status.model_dump(by_alias=True, exclude_none=True)

    async def play(self) -> JsonObject:
        """Play to the end; return what there is then."""
        for _ in range(ROUNDS):
            try:
                self.scene.observe()
                await self.scene.reconcile()
                if self.scene.candidate() is not None:
                    self.scene.has_ready_candidate()
                if self.job is not None:
                    self.scene.jobs.ends(self.job, reason="BackoffLimitExceeded")
            except ProcessEndedError:
                self._restart()
        return self._end()

    def _restart(self) -> None:
        """Another process: it reads what is stored, and knows nothing else."""
        scene, lister = self.scene, self.scene.state.lister
        scene.queue = RecordingQueue()
        scene.state = State(queue=scene.queue)
        for known in [*lister.servers, *lister.environments, *lister.tags]:
            stored = self.statuses.get((type(known).__name__, known.metadata.key))
            body = known.model_dump(by_alias=True, exclude_none=True)
            scene.state.lister.put(type(known).model_validate({**body, "status": stored or body["status"]}))
        scene.start()

    def _end(self) -> JsonObject:
        status = self.scene.tag.status.model_dump(by_alias=True, exclude_none=True)
        return {
            "tags": dict(self.scene.model_server.tags),
            "children": sorted((kind, str(key)) for kind, key in self.scene.children.objects),
            "jobs": (sorted(map(str, self.scene.jobs.jobs)), self.scene.jobs.created),
            "status": status,
        }


@pytest.mark.parametrize(("end", "tagged"), [("Complete", "new"), ("Failed", "old")])
async def test_a_job_runs_once_and_is_deleted_wherever_the_process_ends(end: str, tagged: str) -> None:
    undisturbed = Story(GOOD, job=end)
    expected = await undisturbed.play()
    assert expected["tags"] == {"live": tagged}
    left, created = expected["jobs"]
    assert (left, len(created)) == ([], 1)

    assert undisturbed.writes > 10
    for write in range(1, undisturbed.writes + 1):
        for arrives in (False, True):
            story = Story(GOOD, Point(write, arrives), job=end)
            assert await story.play() == expected, story.point
            assert story.ended


@pytest.mark.parametrize(
    ("end", "on_failure", "tagged"),
    [("Complete", "Rollback", "new"), ("Failed", "Rollback", "old"), ("Failed", "Hold", "new")],
)
async def test_a_job_with_an_environment_runs_once_and_is_deleted_wherever_the_process_ends(
    end: str, on_failure: str, tagged: str
) -> None:
    def scene() -> LiveScene:
        return LiveScene(verification={"live": JOB_CHECK, "onFailure": on_failure})

    undisturbed = Story(GOOD, scene=scene(), job=end)
    expected = await undisturbed.play()
    left, created = expected["jobs"]
    assert (expected["tags"], left, len(created)) == ({"live": tagged}, [], 1)

    assert undisturbed.writes > 8
    for write in range(1, undisturbed.writes + 1):
        for arrives in (False, True):
            story = Story(GOOD, Point(write, arrives), scene(), job=end)
            assert await story.play() == expected, story.point
            assert story.ended


@pytest.mark.parametrize("answer", [GOOD, BAD], ids=["passed", "rejected"])
async def test_the_end_is_the_same_wherever_the_process_ends(answer: Reaction) -> None:
    undisturbed = Story(answer)
    expected = await undisturbed.play()
    verified = {"passed": "new", "rejected": "old"}["passed" if answer is GOOD else "rejected"]
    assert expected["tags"] == {"live": verified}
    assert ("Deployment", "bots/live-candidate") not in expected["children"]

    assert undisturbed.writes > 10
    for write in range(1, undisturbed.writes + 1):
        for arrives in (False, True):
            story = Story(answer, Point(write, arrives))
            assert await story.play() == expected, story.point
            assert story.ended


LIVE_STORIES: dict[str, tuple[dict[str, Any], Reaction, str]] = {
    "passed": ({}, GOOD, "new"),
    "rolled back": ({}, BAD, "old"),
    "rolled back after a candidate": ({"candidate": True}, BAD, "old"),
    "held": ({"on_failure": "Hold"}, BAD, "new"),
}


@pytest.mark.parametrize("story", LIVE_STORIES)
async def test_the_end_of_a_live_verification_is_the_same_wherever_the_process_ends(story: str) -> None:
    more, answer, model = LIVE_STORIES[story]

    def scene() -> LiveScene:
        made = LiveScene(**more)
        made.answers["new"] = answer
        return made

    undisturbed = Story(answer, scene=scene())
    expected = await undisturbed.play()
    assert expected["tags"] == {"live": model}
    assert expected["status"]["verifications"][0]["result"] == ("Succeeded" if answer is GOOD else "Failed")

    assert undisturbed.writes > 8
    for write in range(1, undisturbed.writes + 1):
        for arrives in (False, True):
            disturbed = Story(answer, Point(write, arrives), scene())
            assert await disturbed.play() == expected, disturbed.point
            assert disturbed.ended


async def test_the_tag_is_never_on_a_model_that_was_not_recorded_as_passed() -> None:
    undisturbed = Story(GOOD)
    await undisturbed.play()

    for write in range(1, undisturbed.writes + 1):
        story = Story(GOOD, Point(write, arrives=True))
        while not story.ended:
            story.scene.observe()
            try:
                await story.scene.reconcile()
            except ProcessEndedError:
                break
            if story.scene.candidate() is not None:
                story.scene.has_ready_candidate()
        if story.scene.model_server.tags == {"live": "new"}:
            stored = story.statuses["ModelTag", KEY]
            assert stored["verifications"][0]["result"] == "Succeeded"
