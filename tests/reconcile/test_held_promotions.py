"""A promotion that the ModelServer holds: the tag keeps its model, says until when, and moves at that moment."""

from __future__ import annotations

from typing import Any

from rasa_environments.controller.queue import DONE, Kind, Request, Result
from rasa_environments.judge.conditions import condition_of
from tests.reconcile.objects import environment, server, tag
from tests.reconcile.test_promote_from import HASHES, PRODUCTION, Scene, serving

NOON, MIDNIGHT = "2026-01-01T12:00:00Z", "2026-01-02T00:00:00Z"
NIGHTS = {"name": "nights", "type": "Allow", "schedule": "0 0 * * *", "durationSeconds": 3600}


def scene(model: str = "new", **server_spec: Any) -> Scene:
    """The tag production on `old`, and a ModelTag that names a model, while the ModelServer holds promotions."""
    found = Scene()
    found.state.lister.servers.put(server(**server_spec))
    found.state.lister.environments.put(serving("production", "old"))
    found.state.lister.tags.put(tag("production", version=2, model=model))
    found.now = NOON
    return found


def condition(of: Scene, kind: str) -> tuple[str, str]:
    """Status and reason of a condition."""
    found = condition_of(of.tag().status.conditions, kind)
    assert found is not None
    return found.status, found.reason


async def test_a_promotion_waits_for_its_window_and_is_looked_at_again_when_it_opens() -> None:
    held = scene(promotionWindows=[NIGHTS])

    assert await held.reconcile(PRODUCTION) == Result(requeue_after=12 * 3600.0)

    assert held.model_server.writes == []
    assert condition(held, "Promoted") == condition(held, "Ready") == ("Unknown", "OutsideWindow")
    assert condition(held, "Reconciling") == ("True", "OutsideWindow")
    assert condition(held, "Tagged") == ("True", "Tagged")
    assert "PromotionHeld" in held.events.reasons
    (found,) = held.tag().status.history or []
    assert (found.model, found.cause, found.promoted_by) == ("old", None, None)


async def test_while_it_waits_nothing_is_requested_or_written() -> None:
    held = scene(promotionWindows=[NIGHTS])
    await held.reconcile(PRODUCTION)
    before = len(held.api.statuses), held.model_server.requests
    held.now = "2026-01-01T18:00:00Z"

    await held.reconcile(PRODUCTION)

    assert (len(held.api.statuses), held.model_server.requests) == before


async def test_once_the_window_is_open_the_promotion_is_recorded_and_made() -> None:
    held = scene(promotionWindows=[NIGHTS])
    await held.reconcile(PRODUCTION)
    held.now = MIDNIGHT

    assert await held.reconcile(PRODUCTION) == DONE

    assert held.model_server.writes == ["production on new"]
    assert held.api.statuses[-2]["desiredModel"] == {"name": "new", "hash": ""}
    assert condition(held, "Tagged") == ("True", "Tagged")
    assert condition_of(held.tag().status.conditions, "Promoted") is None


async def test_what_a_window_let_through_is_made_although_it_closed_before_a_crash_was_over() -> None:
    held = scene(promotionWindows=[NIGHTS])
    await held.reconcile(PRODUCTION)
    held.now = MIDNIGHT
    await held.reconcile(PRODUCTION)
    held.model_server.tags["production"] = "old"  # as if the process had been killed before the tag was set
    held.now = NOON
    held.restart()

    await held.reconcile(PRODUCTION)

    assert held.model_server.tags["production"] == "new"


async def test_a_freeze_that_is_lifted_lets_the_promotion_go_on() -> None:
    held = scene(freeze={"reason": "audit"})
    assert await held.reconcile(PRODUCTION) == DONE
    assert condition(held, "Promoted") == ("Unknown", "Frozen")

    held.state.lister.servers.put(server())
    await held.reconcile(PRODUCTION)

    assert held.model_server.writes == ["production on new"]


async def test_a_tag_that_somebody_moved_is_put_back_although_promotions_are_held() -> None:
    held = scene(freeze={"reason": "audit"})
    await held.reconcile(PRODUCTION)
    held.model_server.tags["production"] = "new"

    await held.reconcile(PRODUCTION)

    assert held.model_server.writes == ["production on old"]


async def test_a_rollback_is_made_although_promotions_are_held() -> None:
    held = scene(model="new")
    await held.reconcile(PRODUCTION)
    held.state.lister.servers.put(server(freeze={"reason": "audit"}))
    back = tag("production", version=10_000, model="old").model_copy(update={"status": held.tag().status})
    history = [*(back.status.history or []), *(back.status.history or [])]
    history[1] = history[1].model_copy(update={"model": "old", "hash": HASHES["old"]})
    back = back.model_copy(update={"status": back.status.model_copy(update={"history": history})})
    held.state.lister.tags.put(back)

    await held.reconcile(PRODUCTION)

    assert held.model_server.tags["production"] == "old"


async def test_the_first_model_of_a_tag_waits_too() -> None:
    held = scene(freeze={"reason": "audit"})
    del held.model_server.tags["production"]

    await held.reconcile(PRODUCTION)

    assert held.model_server.writes == []
    assert condition(held, "Tagged") == ("False", "Frozen")


async def test_an_action_server_is_to_take_its_image_only_once_the_model_is_let_through() -> None:
    held = scene(freeze={"reason": "audit"})
    named = tag("production", version=3, model="new", actionServer={"image": "actions:2"})
    held.state.lister.tags.put(named)
    held.state.lister.environments.put(environment("production", actionServer={"image": "actions:1"}))
    wanted = Request(Kind.DEPLOYMENT_ENVIRONMENT, PRODUCTION)

    await held.reconcile(PRODUCTION)
    held.queue.added.clear()
    held.state.lister.servers.put(server())
    await held.reconcile(PRODUCTION)

    assert wanted in held.queue.added
    assert held.model_server.writes == []  # the tag waits for the action server, which waits for the model
    desired = held.tag().status.desired_model
    assert desired is not None
    assert desired.name == "new"
