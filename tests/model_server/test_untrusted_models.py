"""A hostile model file, tag, request or store does no harm to others."""

from __future__ import annotations

import json
import stat
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from rasa_model_server.archive.training import MAXIMUM_TEXT_LENGTH
from rasa_model_server.rasa_x.environment_rules import registration_problem
from rasa_model_server.rasa_x.profiles import PROFILES
from rasa_model_server.settings import Settings
from rasa_model_server.storage import EnvironmentRecord
from tests.model_server.archives import model_file, tar_gz
from tests.model_server.conftest import MODELS, READS, WRITES, ModelServer, running
from tests.model_server.processes import running_process

MANY = "9" * 5000


def saying(**metadata: object) -> bytes:
    return model_file(metadata=metadata)


async def test_a_listing_stays_small_whatever_models_say_of_themselves(server: ModelServer) -> None:
    for number in range(2):
        content = saying(model_id="x" * 2_000_000, rasa_open_source_version="1" * 2_000_000, trained_at="y" * 2_000_000)
        assert (await server.upload(f"{'m' * 127}{number}", content)).status_code == 201

    listed = await server.listed()

    assert [(model["model_id"], model["version"]) for model in listed.json()] == [(None, None)] * 2
    assert len(listed.content) < 2000


async def test_what_an_earlier_release_stored_is_cut_when_it_is_read(server: ModelServer) -> None:
    await server.upload("a")
    record = server.directory / "models" / "a.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"model_id": "x" * 8_000_000, "version": MANY}))

    (listed,) = (await server.listed()).json()

    assert (listed["model_id"], listed["version"]) == (None, None)


@pytest.mark.parametrize("version", [MANY[:MAXIMUM_TEXT_LENGTH], f"3.{MANY[:100]}", "v" * 100, "3.6.\u0661"])
async def test_a_version_that_is_none_is_compared_with_productions_all_the_same(
    settings: Settings, version: str
) -> None:
    async with running(replace(settings, profile=PROFILES["RasaEnterprise-1.0"])) as server:
        answer = await server.upload("a", saying(rasa_open_source_version=version))

    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (f"bytes=0-{MANY}", 206),
        (f"bytes=-{MANY}", 206),
        (f"bytes={MANY}-", 416),
        (f"bytes={MANY}-{MANY}", 416),
        ("bytes=1-x", 200),
    ],
)
async def test_a_range_of_numbers_that_python_does_not_read_is_answered(
    server: ModelServer, header: str, status: int
) -> None:
    await server.upload("a")

    answer = await server.client.get(f"{MODELS}/a", params=READS, headers={"Range": header})

    assert answer.status_code == status


@pytest.mark.parametrize("parameter", ["limit", "offset"])
@pytest.mark.parametrize("value", [MANY, "-1", "\u0661", "1_0", "1e3", "+1", ""])
async def test_a_count_that_is_none_is_refused(server: ModelServer, parameter: str, value: str) -> None:
    answer = await server.listed(**{parameter: value})

    assert answer.status_code == 400
    assert len(answer.content) < 500


@pytest.mark.parametrize(("first", "second"), [("Beta", "beta"), ("beta", "BETA")])
async def test_a_tag_that_differs_from_another_in_case_only_is_refused(
    server: ModelServer, first: str, second: str
) -> None:
    await server.upload("a")
    await server.put_tag("a", first)

    answer = await server.put_tag("a", second)

    assert (answer.status_code, answer.json()["message"]) == (
        400,
        f"the tag {second!r} differs from {first!r} in upper and lower case only: use {first!r}, or another",
    )
    assert (await server.put_tag("a", first)).status_code == 204


@pytest.mark.parametrize("tag", ["PRODUCTION", "Production", "wOrker"])
async def test_a_tag_that_looks_like_a_protected_one_is_refused_before_that_is_there(
    server: ModelServer, tag: str
) -> None:
    await server.upload("a")

    assert (await server.put_tag("a", tag)).status_code == 400
    assert (await server.tags())["a"] == []


@pytest.mark.parametrize("names", [["Production"], ["test", "TEST"]])
def test_environments_that_differ_in_case_only_are_not_registered(names: list[str]) -> None:
    environments = [EnvironmentRecord(name=name, url="http://rasa:5005", token="t") for name in names]

    assert "in upper and lower case only" in (registration_problem(environments) or "")


async def test_a_link_in_the_place_of_a_model_is_not_followed(server: ModelServer, tmp_path: Path) -> None:
    await server.upload("a")
    outside = tmp_path / "secret"
    outside.write_bytes(b"secret of the server" * 100)
    (archive,) = (server.directory / "models").glob("a.*.tar.gz")
    archive.unlink()
    archive.symlink_to(outside)

    answer = await server.client.get(f"{MODELS}/a", params=READS)

    assert (answer.status_code, b"secret" in answer.content) == (404, False)


@pytest.mark.parametrize("earlier", [False, True])
def test_what_is_stored_in_a_directory_is_for_this_user_alone(tmp_path: Path, earlier: bool) -> None:
    store = tmp_path / "store"
    if earlier:
        (store / "environments").mkdir(parents=True)
        (store / "environments" / "registered.json").write_text("null")
        (store / "environments" / "registered.json").chmod(0o644)
    arguments = ("--storage", str(store), "--insecure-no-authentication", "--profile", "RasaEnterprise-1.0")
    with running_process(tmp_path / "log", *arguments) as server, httpx.Client(base_url=server.url) as client:
        if not earlier:
            client.put("/api/environments", json=[])
            client.post(MODELS, files={"model": ("a.tar.gz", tar_gz([("a", b"a")]))})
            client.put(f"{MODELS}/a/tags/experimental")
    paths = [path for path in store.rglob("*") if path.is_dir() or path.is_file()]

    assert store / "environments" / "registered.json" in paths
    modes = {str(path.relative_to(store)): stat.S_IMODE(path.stat().st_mode) for path in paths}
    assert modes == {str(path.relative_to(store)): 0o700 if path.is_dir() else 0o600 for path in paths}


async def test_a_multipart_body_of_many_parts_is_refused(server: ModelServer) -> None:
    files = [(f"other{number}", ("x", b"")) for number in range(20)]

    answer = await server.client.post(MODELS, params=WRITES, files=files)

    assert (answer.status_code, answer.json()["message"]) == (
        400,
        "the multipart body has more than 16 parts: send one, the model",
    )


async def test_a_part_with_endless_headers_is_refused(server: ModelServer) -> None:
    body = b"--x\r\nX: " + b"x" * 1_000_000
    headers = {"Content-Type": "multipart/form-data; boundary=x"}

    answer = await server.client.post(MODELS, params=WRITES, content=body, headers=headers)

    assert answer.status_code == 400
    assert answer.json()["message"].startswith("the multipart body is damaged")


async def test_what_surrounds_the_model_in_a_body_without_a_length_is_limited(settings: Settings) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="other"\r\n\r\n'
        for _ in range(40):
            yield bytes(100_000)

    async with running(replace(settings, max_model_bytes=1_000_000)) as server:
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        answer = await server.client.post(MODELS, params=WRITES, content=body(), headers=headers)

    assert answer.status_code == 413
