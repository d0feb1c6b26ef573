"""A large model passes through a server with little memory."""

from __future__ import annotations

import hashlib
import os
import struct
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import httpx

from tests.model_server.conftest import MODELS
from tests.model_server.processes import OPEN, running_process

GIGABYTE = 1024**3
MEBIBYTE = 1024**2
BOUNDARY = b"----boundary"
PART = (
    b"--" + BOUNDARY + b'\r\nContent-Disposition: form-data; name="model"; filename="large.tar.gz"\r\n\r\n',
    b"\r\n--" + BOUNDARY + b"--\r\n",
)


def test_a_model_of_one_gigabyte_goes_up_and_down_in_less_than_100_megabytes(tmp_path: Path) -> None:
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY.decode()}"}
    sent, received = hashlib.sha256(), hashlib.sha256()

    def body() -> Iterator[bytes]:
        yield PART[0]
        for block in large_model(GIGABYTE):
            sent.update(block)
            yield block
        yield PART[1]

    with running_process(tmp_path / "log", "--storage", str(tmp_path / "storage"), OPEN) as server:
        uploaded = httpx.post(f"{server.url}{MODELS}", content=body(), headers=headers, timeout=120)
        after_upload = server.peak_memory_bytes()
        with httpx.stream("GET", f"{server.url}{MODELS}/large", timeout=120) as answer:
            for block in answer.iter_raw():
                received.update(block)
        after_download = server.peak_memory_bytes()

    assert uploaded.status_code == 201
    assert uploaded.json()["size"] > GIGABYTE
    assert sent.hexdigest() == received.hexdigest() == uploaded.json()["hash"]
    assert after_upload < 100_000_000
    assert after_download < 100_000_000


def large_model(size: int) -> Iterator[bytes]:
    """A model file of one member of so many bytes, in gzip's stored form, which nothing compresses further."""
    block = os.urandom(65_535)
    header = tarfile.TarInfo("weights")
    header.size = size
    checksum = 0
    written = 0

    def stored(content: bytes) -> bytes:
        nonlocal checksum, written
        checksum = zlib.crc32(content, checksum)
        written += len(content)
        return b"\0" + struct.pack("<HH", len(content), len(content) ^ 0xFFFF) + content

    yield b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + stored(header.tobuf())
    pending = bytearray()
    left = size
    while left > 0:
        pending += stored(block[: min(left, len(block))])
        left -= len(block)
        if len(pending) > MEBIBYTE:
            yield bytes(pending)
            pending.clear()
    end = stored(bytes(-size % 512 + 1024))
    yield bytes(pending) + end + b"\x01\0\0\xff\xff" + struct.pack("<II", checksum, written % 2**32)
