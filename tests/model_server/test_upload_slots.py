"""Limits on concurrent uploads."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from rasa_model_server.errors import ApiError
from rasa_model_server.web.upload_slots import UploadLimits, UploadSlots

LIMITS = UploadLimits(total=3, of_one_caller=2, waiting_of_one_caller=2, wait_seconds=0.01)


async def test_one_caller_leaves_room_for_another() -> None:
    slots = UploadSlots(LIMITS)

    async with AsyncExitStack() as held:
        for _ in range(2):
            await held.enter_async_context(slots.taken_by("ann"))
        with pytest.raises(ApiError) as refused:
            await held.enter_async_context(slots.taken_by("ann"))
        await held.enter_async_context(slots.taken_by("bob"))
        with pytest.raises(ApiError):
            await held.enter_async_context(slots.taken_by("carol"))

    assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, "10")
    async with slots.taken_by("carol"):
        pass


async def test_an_upload_waits_for_its_turn() -> None:
    slots = UploadSlots(UploadLimits(total=1, of_one_caller=1))
    order: list[str] = []

    async def upload(caller: str) -> None:
        async with slots.taken_by(caller):
            order.append(caller)

    async with slots.taken_by("ann"):
        waiting = asyncio.create_task(upload("bob"))
        await asyncio.sleep(0)
        order.append("ann")
    await waiting

    assert order == ["ann", "bob"]


async def test_only_some_uploads_of_a_caller_wait() -> None:
    slots = UploadSlots(UploadLimits(total=1, of_one_caller=1, waiting_of_one_caller=1))

    async def upload() -> None:
        async with slots.taken_by("ann"):
            pass

    async with slots.taken_by("ann"):
        waiting = asyncio.create_task(upload())
        await asyncio.sleep(0)
        with pytest.raises(ApiError):
            await upload()
    await waiting
