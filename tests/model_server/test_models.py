"""Models: uploaded once, listed, deleted."""

from __future__ import annotations

import hashlib
import time

from tests.model_server.archives import model_file, tar_gz
from tests.model_server.conftest import MODELS, READS, WRITES, ModelServer


async def test_an_uploaded_model_is_answered_as_rasa_x_answers_it(server: ModelServer) -> None:
    content, before = model_file("hello"), time.time()

    answer = await server.upload("20260101-120000", content)

    assert answer.status_code == 201
    answered = answer.json()
    assert before <= answered.pop("uploaded_at") <= time.time()
    assert answered == {
        "project": "default",
        "model": "20260101-120000",
        "hash": hashlib.sha256(content).hexdigest(),
        "tags": [],
        "trained_at": 1767268800.0,
        "version": "3.6.21",
        "is_compatible": True,
        "model_id": "0123456789abcdef",
        "size": len(content),
    }


async def test_the_same_file_again_is_no_error(server: ModelServer) -> None:
    first = await server.upload("a", model_file("same"))

    second = await server.upload("a", model_file("same"))

    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json() == first.json()  # also the time of the upload


async def test_a_taken_name_is_refused_to_another_file_and_keeps_its_own(server: ModelServer) -> None:
    await server.upload("a", model_file("mine"))

    answer = await server.upload("a", model_file("other"))

    assert answer.status_code == 409
    assert answer.json()["reason"] == "ModelExists"
    assert answer.json()["message"] == (
        "a model 'a' with other content exists: a model is never overwritten, "
        "so upload this one under another name, or delete that one first"
    )
    assert (await server.client.get(f"{MODELS}/a", params=READS)).content == model_file("mine")


async def test_a_refused_upload_leaves_no_file_behind(server: ModelServer) -> None:
    await server.upload("a", model_file("mine"))
    kept = sorted(path.name for path in server.directory.rglob("*"))

    await server.upload("a", model_file("other"))
    await server.upload("b", b"not a model")

    assert sorted(path.name for path in server.directory.rglob("*")) == kept


async def test_a_model_of_rasa_2_is_described_by_its_fingerprint(server: ModelServer) -> None:
    fingerprint = b'{"version": "2.8.34", "trained_at": 1640995200.25, "config": "x"}'

    answer = await server.upload("old", tar_gz([("fingerprint.json", fingerprint), ("core/policy", b"p")]))

    assert (answer.json()["version"], answer.json()["trained_at"]) == ("2.8.34", 1640995200.25)


async def test_a_model_that_does_not_say_when_it_was_trained_is_as_old_as_its_newest_member(
    server: ModelServer,
) -> None:
    answer = await server.upload("bare", tar_gz([("weights", b"w")]))

    assert (answer.json()["version"], answer.json()["trained_at"]) == (None, 1_700_000_000.0)


async def test_the_last_trained_model_is_listed_first(server: ModelServer) -> None:
    for name, day in (("b", "02"), ("c", "03"), ("a", "01")):
        await server.upload(name, model_file(name, {"trained_at": f"2026-01-{day}T00:00:00"}))

    listed = await server.listed()

    assert [model["model"] for model in listed.json()] == ["c", "b", "a"]
    assert listed.headers["X-Total-Count"] == "3"


async def test_a_page_of_the_list_says_how_many_there_are_in_all(server: ModelServer) -> None:
    for day in range(1, 6):
        await server.upload(f"m{day}", model_file(str(day), {"trained_at": f"2026-01-0{day}T00:00:00"}))

    page = await server.listed(limit="2", offset="1")

    assert [model["model"] for model in page.json()] == ["m4", "m3"]
    assert page.headers["X-Total-Count"] == "5"


async def test_the_list_of_a_tag_has_the_model_that_has_it(server: ModelServer) -> None:
    await server.upload("a")
    await server.upload("b")
    await server.put_tag("b", "production")

    listed = await server.listed(tag="production")

    assert [model["model"] for model in listed.json()] == ["b"]
    assert listed.headers["X-Total-Count"] == "1"
    assert (await server.listed(tag="staging")).json() == []


async def test_a_limit_that_is_no_number_is_refused(server: ModelServer) -> None:
    answer = await server.listed(limit="-1")

    assert answer.status_code == 400
    assert answer.json()["message"] == "limit='-1' is not a whole number from 0"


async def test_a_tagged_model_is_not_deleted_by_mistake(server: ModelServer) -> None:
    await server.upload("a")
    await server.put_tag("a", "production")
    await server.put_tag("a", "staging")

    answer = await server.delete("a")

    assert (answer.status_code, answer.json()["reason"]) == (409, "ModelTagged")
    assert answer.json()["message"] == (
        "the model 'a' has the tags 'production', 'staging': move them to another model first, or delete with "
        "?force=true"
    )
    assert await server.tags() == {"a": ["production", "staging"]}


async def test_a_deleted_model_is_gone_with_its_tags_and_its_file(server: ModelServer) -> None:
    await server.upload("a")
    await server.put_tag("a", "production")

    answer = await server.delete("a", force=True)

    assert answer.status_code == 204
    assert (await server.listed()).json() == []
    assert (await server.pull("production")).status_code == 404
    assert (await server.client.get(f"{MODELS}/a", params=READS)).status_code == 404
    assert [path for path in server.directory.rglob("*") if path.is_file()] == []


async def test_deleting_a_model_leaves_the_tags_of_others(server: ModelServer) -> None:
    await server.upload("a")
    await server.upload("b")
    await server.put_tag("b", "production")

    await server.delete("a")

    assert await server.tags() == {"b": ["production"]}


async def test_deleting_what_is_not_there_is_404(server: ModelServer) -> None:
    answer = await server.delete("a")

    assert (answer.status_code, answer.json()["message"]) == (404, "there is no model 'a'")


async def test_the_name_of_a_deleted_model_may_be_used_again_without_getting_its_tags(server: ModelServer) -> None:
    await server.upload("a", model_file("first"))
    await server.put_tag("a", "production")
    await server.delete("a", force=True)

    answer = await server.upload("a", model_file("second"))

    assert answer.status_code == 201
    assert await server.tags() == {"a": []}


async def test_another_project_is_not_there(server: ModelServer) -> None:
    answer = await server.client.get("/api/projects/other/models", params=READS)

    assert answer.status_code == 404
    assert answer.json()["message"] == "there is no project 'other': the project of this server is 'default'"


async def test_an_upload_may_have_other_parts_around_the_model(server: ModelServer) -> None:
    files = {"comment": ("", b"x"), "model": ("a.tar.gz", model_file("a")), "after": ("", b"y")}

    answer = await server.client.post(MODELS, params=WRITES, files=files)

    assert answer.status_code == 201
    assert answer.json()["size"] == len(model_file("a"))
