"""The operator is killed at each write of a promotion: whatever broke or closed meanwhile, the end is the same."""

from __future__ import annotations

import pytest

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.cluster.resources import Resource
from tests.reconcile.fakes import FakeApiServer, FakeModelServer
from tests.reconcile.objects import server, tag
from tests.reconcile.test_promote_from import ENOUGH, PRODUCTION, STAGING, Scene, serving

NIGHTS = {"name": "nights", "type": "Allow", "schedule": "0 0 * * *", "durationSeconds": 3600}


class KilledError(BaseException):
    """The process ends here."""


class Fuse:
    """Ends the process at its n-th write, before or after that took effect; never, once it has."""

    def __init__(self, burns_at: int, *, after: bool) -> None:
        self.left, self.after, self.burnt = burns_at, after, False

    def burn(self, *, after: bool) -> None:
        """End the process if this is the write, and the moment, at which it is to end."""
        if self.burnt or after is not self.after:
            return
        self.left -= 1
        if self.left == 0:
            self.burnt = True
            raise KilledError


class KillingApiServer(FakeApiServer):
    """An API server whose client is killed at a status write."""

    fuse: Fuse

    async def patch_status(
        self,
        resource: Resource,
        key: ObjectKey,
        status: JsonObject,
        *,
        resource_version: str | None = None,
        metadata_only: bool = False,
    ) -> JsonObject:
        self.fuse.burn(after=False)
        written = await super().patch_status(resource, key, status)
        self.stored.append((key, status))
        self.fuse.burn(after=True)
        return written

    stored: list[tuple[ObjectKey, JsonObject]]


class KillingModelServer(FakeModelServer):
    """A model server whose client is killed as it sets a tag."""

    fuse: Fuse

    async def put_tag(self, model: str, tag: str) -> None:
        self.fuse.burn(after=False)
        await super().put_tag(model, tag)
        self.fuse.burn(after=True)


def merged(status: JsonObject, patch: JsonObject) -> JsonObject:
    """The status after a merge patch."""
    result = dict(status)
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict) and isinstance(result.get(name), dict):
            result[name] = merged(result[name], value)
        else:
            result[name] = value
    return result


def mortal(scene: Scene, fuse: Fuse) -> None:
    """Let the fuse end the process of the scene."""
    scene.api = KillingApiServer(statuses=list(scene.api.statuses))  # from which it makes its versions
    scene.api.fuse, scene.api.stored = fuse, []
    scene.model_server = KillingModelServer(scene.model_server.hashes, scene.model_server.tags)
    scene.model_server.fuse = fuse
    scene.restart()


async def reconcile_until_killed(scene: Scene, *keys: ObjectKey) -> None:
    """Reconcile; after the death of the process, the next one reads what is stored."""
    assert isinstance(scene.api, KillingApiServer)
    before = {key: scene.tag(key) for key in keys}
    scene.api.stored.clear()
    try:
        await scene.reconcile(*keys)
    except KilledError:
        for key in keys:
            status = before[key].status.model_dump(by_alias=True, exclude_none=True)
            for written, patch in scene.api.stored:
                status = merged(status, patch) if written == key else status
            body = {**before[key].model_dump(by_alias=True), "status": status}
            body["metadata"]["resourceVersion"] = str(1000 * len(scene.api.statuses) + 1)
            scene.state.lister.tags.put(type(before[key]).model_validate(body))
        scene.restart()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("write", range(1, 5))
async def test_a_model_of_another_tag_is_let_through_once_or_waits_again(write: int, after: bool) -> None:
    scene = Scene()
    await scene.reconcile(STAGING, PRODUCTION)
    fuse = Fuse(write, after=after)
    mortal(scene, fuse)
    scene.now = ENOUGH

    await reconcile_until_killed(scene, PRODUCTION)
    recorded = scene.tag().status.desired_model
    scene.state.lister.environments.put(serving("staging", "old"))  # and staging breaks
    for _ in range(2):
        await reconcile_until_killed(scene, STAGING, PRODUCTION)

    # What was recorded is made, and stays; what was not recorded is not made.
    expected = "new" if recorded is not None and recorded.name == "new" else "old"
    tagged = scene.tag().status.tagged_model
    assert tagged is not None
    assert (scene.model_server.tags["production"], tagged.name) == (expected, expected)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("write", range(1, 5))
async def test_a_model_that_a_window_lets_through_is_promoted_once_or_waits_for_the_next(
    write: int, after: bool
) -> None:
    scene = Scene()
    scene.state.lister.servers.put(server(promotionWindows=[NIGHTS]))
    scene.state.lister.tags.put(tag("production", version=2, model="new"))
    await scene.reconcile(PRODUCTION)
    mortal(scene, Fuse(write, after=after))
    scene.now = "2026-01-02T00:30:00Z"

    await reconcile_until_killed(scene, PRODUCTION)
    recorded = scene.tag().status.desired_model
    scene.now = "2026-01-02T01:30:00Z"  # and the window closes
    for _ in range(2):
        await reconcile_until_killed(scene, PRODUCTION)

    expected = "new" if recorded is not None and recorded.name == "new" else "old"
    assert scene.model_server.tags["production"] == expected
    scene.now = "2026-01-03T00:00:00Z"
    await reconcile_until_killed(scene, PRODUCTION)
    assert scene.model_server.tags["production"] == "new"
