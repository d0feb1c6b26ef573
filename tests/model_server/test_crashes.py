"""A server that is killed leaves nothing half done, and leftover files are removed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from rasa_model_server.storage import open_storage
from rasa_model_server.storage.sweeping import ABANDONED_AFTER, sweep
from tests.model_server.archives import model_file, tar_gz
from tests.model_server.conftest import MODELS
from tests.model_server.processes import OPEN, ServerProcess, running_process


@cache
def large_model() -> bytes:
    """Return a model file of 20 MB, which is made when it is first wanted."""
    return tar_gz([("weights", os.urandom(20_000_000))])


def test_an_upload_cut_off_by_a_kill_is_no_model_and_its_name_is_free(tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    arguments = ("--storage", str(storage), OPEN)
    with running_process(tmp_path / "first", *arguments) as server, half_an_upload(server, storage):
        server.process.kill()
        server.process.wait()

    assert left_over(storage)
    with running_process(tmp_path / "second", *arguments) as server:
        listed = httpx.get(f"{server.url}{MODELS}")
        uploaded = httpx.post(f"{server.url}{MODELS}", files={"model": ("a.tar.gz", model_file("another"))})
        pulled = httpx.get(f"{server.url}{MODELS}/a")

    assert (listed.json(), uploaded.status_code, pulled.content) == ([], 201, model_file("another"))


def test_an_upload_that_its_client_gives_up_leaves_nothing(tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    with running_process(tmp_path / "log", "--storage", str(storage), OPEN) as server:
        with half_an_upload(server, storage):
            pass

        wait_until(lambda: not left_over(storage))
        assert httpx.get(f"{server.url}{MODELS}").json() == []
        assert "Traceback" not in server.log.read_text()


def test_what_a_killed_upload_left_is_removed_after_a_day(tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    with running_process(tmp_path / "log", "--storage", str(storage), OPEN) as server:
        httpx.post(f"{server.url}{MODELS}", files={"model": ("kept.tar.gz", model_file("kept"))})
        kept = sorted(path.name for path in (storage / "models").iterdir())
        with half_an_upload(server, storage):
            server.process.kill()
    unnamed = storage / "models" / "whole.0123.tar.gz"
    unnamed.write_bytes(model_file("killed between its two writes"))
    opened, now = open_storage(str(storage)), datetime.now(UTC)

    too_early = asyncio.run(sweep(opened, now))
    in_time = asyncio.run(sweep(opened, now + ABANDONED_AFTER + timedelta(minutes=1)))

    assert too_early == []
    assert len(in_time) == 2
    assert sorted(path.name for path in (storage / "models").iterdir()) == kept


def test_a_model_is_never_swept(tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    with running_process(tmp_path / "log", "--storage", str(storage), OPEN) as server:
        httpx.post(f"{server.url}{MODELS}", files={"model": ("a.tar.gz", model_file("a"))})
        httpx.put(f"{server.url}{MODELS}/a/tags/production")

        swept = asyncio.run(sweep(open_storage(str(storage)), datetime.now(UTC) + timedelta(days=1000)))

        assert swept == []
        assert httpx.get(f"{server.url}{MODELS}/tags/production").content == model_file("a")


def test_a_tag_whose_model_was_lost_between_two_writes_is_on_nothing(tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    with running_process(tmp_path / "log", "--storage", str(storage), OPEN) as server:
        httpx.post(f"{server.url}{MODELS}", files={"model": ("a.tar.gz", model_file("a"))})
        httpx.put(f"{server.url}{MODELS}/a/tags/production")
        (storage / "models" / "a.json").unlink()

        before = httpx.get(f"{server.url}{MODELS}/tags/production")
        httpx.post(f"{server.url}{MODELS}", files={"model": ("a.tar.gz", model_file("another a"))})
        after = httpx.get(f"{server.url}{MODELS}/tags/production")

    assert (before.status_code, after.status_code) == (404, 404)


@contextlib.contextmanager
def half_an_upload(server: ServerProcess, storage: Path) -> Iterator[None]:
    """Begin an upload, go on once the server has written a part of it to the store, and close its connection."""
    request = httpx.Request("POST", f"{server.url}{MODELS}", files={"model": ("a.tar.gz", large_model())})
    body = request.read()
    head = [f"POST {MODELS} HTTP/1.1".encode(), *(name + b": " + value for name, value in request.headers.raw)]
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname or "", address.port or 0)) as connection:
        connection.sendall(b"\r\n".join(head) + b"\r\n\r\n" + body[: len(body) * 3 // 4])
        wait_until(lambda: any(path.stat().st_size > 0 for path in left_over(storage)))
        yield


def left_over(storage: Path) -> list[Path]:
    """The unfinished files of a directory's store."""
    return [path for path in storage.rglob("*#*") if path.is_file()]


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "waited for 30 seconds"
        time.sleep(0.01)
