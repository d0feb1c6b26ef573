"""Tags: each is on one model, and moves when it is put on another."""

from __future__ import annotations

import asyncio

from tests.model_server.conftest import ModelServer


async def test_a_tag_that_is_put_on_another_model_is_taken_from_the_first(server: ModelServer) -> None:
    await server.upload("a")
    await server.upload("b")
    await server.put_tag("a", "production")

    answer = await server.put_tag("b", "production")

    assert answer.status_code == 204
    assert await server.tags() == {"a": [], "b": ["production"]}


async def test_a_model_may_have_many_tags_listed_in_alphabetical_order(server: ModelServer) -> None:
    await server.upload("a")
    for tag in ("worker", "production", "staging"):
        await server.put_tag("a", tag)

    assert await server.tags() == {"a": ["production", "staging", "worker"]}


async def test_a_tag_on_a_model_that_is_not_there_is_404(server: ModelServer) -> None:
    answer = await server.put_tag("a", "production")

    assert (answer.status_code, answer.json()["message"]) == (404, "there is no model 'a'")


async def test_a_deleted_tag_is_on_no_model(server: ModelServer) -> None:
    await server.upload("a")
    await server.put_tag("a", "production")

    answer = await server.delete_tag("a", "production")

    assert answer.status_code == 204
    assert (await server.pull("production")).status_code == 404


async def test_deleting_a_tag_that_another_model_has_changes_nothing(server: ModelServer) -> None:
    await server.upload("a")
    await server.upload("b")
    await server.put_tag("b", "production")

    answer = await server.delete_tag("a", "production")

    assert answer.status_code == 204
    assert await server.tags() == {"a": [], "b": ["production"]}


async def test_deleting_a_tag_of_a_model_that_is_not_there_is_404(server: ModelServer) -> None:
    assert (await server.delete_tag("a", "production")).status_code == 404


async def test_a_name_that_cannot_be_a_tag_is_refused(server: ModelServer) -> None:
    await server.upload("a")

    answer = await server.put_tag("a", ".hidden")

    assert answer.status_code == 400
    assert answer.json()["message"] == (
        "'.hidden' is not the name of a tag: use letters, digits, '.', '_' and '-', "
        "first a letter, a digit or '_', at most 128 characters"
    )


async def test_a_tag_that_is_put_on_many_models_at_once_ends_on_exactly_one(server: ModelServer) -> None:
    names = [f"m{number}" for number in range(8)]
    await asyncio.gather(*(server.upload(name) for name in names))

    await asyncio.gather(*(server.put_tag(name, "production") for name in names))

    assert [tags for tags in (await server.tags()).values() if tags] == [["production"]]
