"""Attacks on the model server: archives with two readings, and requests that cost more than they should."""

from __future__ import annotations

import gzip
import os
import socket
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings

from tests.model_server.archives import tar_gz
from tests.model_server.conftest import MODELS
from tests.model_server.odd_archives import Header, extended, odd_archives, record
from tests.model_server.processes import OPEN, ServerProcess, running_process
from tests.model_server.unpacking import Unpacked, accepted, unpacked

MEBIBYTE = 1024**2


@pytest.mark.timeout(1200)
@settings(max_examples=6_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(odd_archives())
def test_what_is_taken_unpacks_to_what_was_seen(content: bytes) -> None:
    facts = accepted(content)

    if facts is not None:
        for mode in ("r", "r:gz"):
            assert unpacked(content, mode) == Unpacked(facts.files, {})


def empty_extended_headers() -> bytes:
    """Return 200 MB of headers without a member."""
    return gzip.compress(Header(name=b"x", type=b"x").blocks() * 400_000, 6)


def one_extended_header_for_each_member() -> bytes:
    """Yield members without end, each with an extended header of 64 KiB."""
    compressor = zlib.compressobj(wbits=31)
    pax = extended(b"x", record("comment", "x" * 65_000)).blocks()
    blocks = (pax + Header(name=b"%d" % number).blocks() for number in range(3000))
    return b"".join(compressor.compress(block) for block in blocks) + compressor.flush()


def empty_gzip_members() -> bytes:
    return gzip.compress(b"") * (8 * MEBIBYTE // 20)


def empty_deflate_blocks() -> bytes:
    """Return 200 MB that unpack to nothing: a tar of zero bytes without an end."""
    return gzip.compress(b"")[:10] + b"\0\0\0\xff\xff" * (200 * MEBIBYTE // 5)


def zeros() -> bytes:
    """Return half a gigabyte of zeros as the content of one file, compressed to half a megabyte."""
    header = Header(name=b"zeros", size=b"77777777777\0").blocks()
    compressor = zlib.compressobj(wbits=31)
    parts = [compressor.compress(header)]
    block = bytes(16 * MEBIBYTE)
    parts.extend(compressor.compress(block) for _ in range(30))
    return b"".join(parts) + compressor.flush()


def very_many_json_values() -> bytes:
    return tar_gz([("metadata.json", b"[" + b"[]," * (8 * MEBIBYTE // 3 - 10) + b"0]")])


@pytest.mark.parametrize(
    ("attack", "status"),
    [
        (empty_extended_headers, 400),
        (one_extended_header_for_each_member, 400),
        (empty_gzip_members, 400),
        (empty_deflate_blocks, 400),
        (zeros, 400),
        (very_many_json_values, 201),
    ],
)
def test_an_upload_costs_little_and_holds_nobody_up(tmp_path: Path, attack: Callable[[], bytes], status: int) -> None:
    content = attack()
    with running_process(tmp_path / "log", "--storage", str(tmp_path / "store"), OPEN) as server:
        before = cpu_seconds(server)
        uploading, statuses = started(lambda: upload(server, content))
        longest = 0.0
        with httpx.Client(base_url=server.url, timeout=60) as client:
            while uploading.is_alive():
                asked = time.monotonic()
                client.get("/healthz")
                longest = max(longest, time.monotonic() - asked)
                uploading.join(0.05)
        spent = cpu_seconds(server) - before

        assert statuses == [status]
        assert spent < 20
        assert longest < 5
        assert server.peak_memory_bytes() < 300 * MEBIBYTE


def test_half_requests_are_ended_and_others_answered_meanwhile(tmp_path: Path) -> None:
    with running_process(tmp_path / "log", "--storage", str(tmp_path / "store"), OPEN) as server:
        held = [half_request(server) for _ in range(150)]

        assert httpx.get(f"{server.url}/healthz").status_code == 200
        deadline = time.monotonic() + 20
        ended = [is_ended(connection, deadline) for connection in held]

    assert all(ended)


def test_guessing_passwords_is_slowed_down_and_who_knows_it_gets_in_from_elsewhere(tmp_path: Path) -> None:
    variables = {"RASA_MODEL_SERVER_USERNAME": "me", "RASA_MODEL_SERVER_PASSWORD": "secret"}
    with (
        running_process(tmp_path / "log", "--storage", str(tmp_path / "store"), variables=variables) as server,
        httpx.Client(base_url=server.url) as guessing,
        httpx.Client(base_url=server.url, transport=httpx.HTTPTransport(local_address="127.0.0.2")) as elsewhere,
    ):
        forged = ({"X-Forwarded-For": f"10.0.0.{number}"} for number in range(300))
        guesses = [log_in(guessing, str(number), headers) for number, headers in enumerate(forged)]

        assert guesses.count(401) <= 10
        assert set(guesses) == {401, 429}
        assert log_in(guessing, "secret") == 429
        assert log_in(elsewhere, "secret") == 200


def log_in(client: httpx.Client, password: str, headers: dict[str, str] | None = None) -> int:
    return client.post("/api/auth", json={"username": "me", "password": password}, headers=headers).status_code


def upload(server: ServerProcess, content: bytes) -> int:
    files = {"model": ("a.tar.gz", content)}
    return httpx.post(f"{server.url}{MODELS}", files=files, timeout=120).status_code


def started(work: Callable[[], int]) -> tuple[threading.Thread, list[int]]:
    """Start a thread that does the work, and return it with the list for its result."""
    results: list[int] = []
    thread = threading.Thread(target=lambda: results.append(work()))
    thread.start()
    return thread, results


def cpu_seconds(server: ServerProcess) -> float:
    """Return the CPU time of the process, proc_pid_stat(5)."""
    fields = Path(f"/proc/{server.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def half_request(server: ServerProcess) -> socket.socket:
    url = httpx.URL(server.url)
    connection = socket.create_connection((url.host, url.port or 80))
    connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-")
    return connection


def is_ended(connection: socket.socket, deadline: float) -> bool:
    connection.settimeout(max(0.01, deadline - time.monotonic()))
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    finally:
        connection.close()
