"""Files that are not models are refused with a reason."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from dataclasses import replace

import pytest

from rasa_model_server.settings import Settings
from tests.model_server.archives import member, model_file, tar, tar_gz
from tests.model_server.conftest import MODELS, WRITES, ModelServer, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

GOOD = model_file("good")
NO_FILE = "its member 'a' is neither a file nor a directory: a model has no links, devices or sparse files"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"PK\x03\x04 a zip", "it is not gzip: a model is a .tar.gz as `rasa train` writes it"),
        (tar([("a", b"a")]), "it is not gzip: a model is a .tar.gz as `rasa train` writes it"),
        (GOOD[:-10], "its gzip data is cut off: the file is not whole"),
        (GOOD[:1], "its gzip data is cut off: the file is not whole"),
        (GOOD + b"more", "it has data after the end of its gzip data: write it in one piece"),
        (GOOD[:-8] + bytes(8), "its gzip data is damaged (Error -3 while decompressing data: incorrect data check)"),
        (gzip.compress(b"hello" * 1000), "inside the gzip it is not a tar, or the tar is damaged"),
        (gzip.compress(b"short"), "its tar is cut off: the file is not whole"),
        (gzip.compress(tar([("a", b"a" * 5000)])[:2048]), "its tar is cut off: the file is not whole"),
        (gzip.compress(tar([("a", b"a")]) + b"more"), "it has data after the end of its tar"),
        (gzip.compress(bytes(10240)), "its tar has no members"),
        (tar_gz([("../a", b"a")]), "its member '../a' has '..' in its path"),
        (tar_gz([("a/../../b", b"a")]), "its member 'a/../../b' has '..' in its path"),
        (tar_gz([("/etc/passwd", b"a")]), "its member '/etc/passwd' is an absolute path"),
        (tar_gz([("a\\b", b"a")]), "its member 'a\\\\b' has a character that no path in a model has"),
        (tar_gz([("x" * 200 + "/../b", b"a")]), f"its member '{'x' * 100}...' has '..' in its path"),
        (
            tar_gz([("x" * 200 + "/../b", b"a")], tarfile.GNU_FORMAT),
            f"its member '{'x' * 100}...' has '..' in its path",
        ),
        *(
            (tar_gz([member("a", kind, link)], tarfile.GNU_FORMAT), NO_FILE)
            for kind, link in (
                (tarfile.SYMTYPE, "b"),
                (tarfile.LNKTYPE, "b"),
                (tarfile.CHRTYPE, ""),
                (tarfile.FIFOTYPE, ""),
                (tarfile.CONTTYPE, ""),
                (tarfile.GNUTYPE_SPARSE, ""),
            )
        ),
    ],
)
async def test_a_file_that_is_not_a_model_is_refused_with_the_reason(
    shared_server: ModelServer, content: bytes, reason: str
) -> None:
    answer = await shared_server.client.post(MODELS, params=WRITES, files={"model": ("a.tar.gz", content)})

    assert answer.status_code == 400
    assert answer.json()["reason"] == "BadModel"
    assert answer.json()["message"] == f"the file is not a model: {reason}"
    assert (await shared_server.listed()).json() == []


@pytest.mark.parametrize(
    ("filename", "message"),
    [
        ("model.zip", "'model.zip' does not end in .tar.gz, as the name of a model does"),
        (".tar.gz", "'.tar.gz' does not end in .tar.gz, as the name of a model does"),
        (
            "../x.tar.gz",
            (
                "'../x' is not the name of a model: use letters, digits, '.', '_' and '-', "
                "first a letter, a digit or '_', at most 128 characters"
            ),
        ),
        (
            "x y.tar.gz",
            (
                "'x y' is not the name of a model: use letters, digits, '.', '_' and '-', "
                "first a letter, a digit or '_', at most 128 characters"
            ),
        ),
    ],
)
async def test_a_file_whose_name_cannot_be_a_models_is_refused(
    shared_server: ModelServer, filename: str, message: str
) -> None:
    answer = await shared_server.client.post(MODELS, params=WRITES, files={"model": (filename, GOOD)})

    assert (answer.status_code, answer.json()["message"]) == (400, message)


@pytest.mark.parametrize(
    ("content_type", "body", "message"),
    [
        ("application/json", b"{}", "the body is application/json, not multipart/form-data"),
        ("multipart/form-data", b"", "the body is multipart/form-data, but its Content-Type has no boundary"),
        (
            "multipart/form-data; boundary=x",
            b"",
            "the multipart body ends before its last boundary: the upload was cut off",
        ),
        ("multipart/form-data; boundary=x", b"--x--\r\n", "the body has no part called 'model': curl -F model=@FILE"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\nvalue\r\n--x--\r\n',
            "the part 'model' is not a file: curl -F model=@FILE",
        ),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="model"; filename="a.tar.gz"\r\n\r\n' + GOOD,
            "the multipart body ends before its last boundary: the upload was cut off",
        ),
    ],
)
async def test_a_body_that_is_not_an_upload_is_refused(
    shared_server: ModelServer, content_type: str, body: bytes, message: str
) -> None:
    headers = {"Content-Type": content_type}

    answer = await shared_server.client.post(MODELS, params=WRITES, content=body, headers=headers)

    assert (answer.status_code, answer.json()["message"]) == (400, message)


async def test_two_models_in_one_upload_are_refused(shared_server: ModelServer) -> None:
    files = [("model", ("a.tar.gz", GOOD)), ("model", ("b.tar.gz", GOOD))]

    answer = await shared_server.client.post(MODELS, params=WRITES, files=files)

    assert answer.status_code == 400
    assert answer.json()["message"] == "the body has two parts called 'model': send one model"


@pytest.mark.parametrize("size", [1001, 5_000_000, 50_000_000])
async def test_a_model_over_the_limit_is_refused_and_the_client_gets_to_read_it(settings: Settings, size: int) -> None:
    content = tar_gz([("weights", bytes(10))])[:10] + bytes(size)

    async with running(replace(settings, max_model_bytes=1000)) as server:
        answer = await server.upload("a", content)

    assert answer.status_code == 413
    assert answer.json()["message"] == (
        "the model is larger than the 1000 bytes that this server takes (--max-model-bytes)"
    )


async def test_a_large_upload_without_credentials_gets_to_read_that(shared_server: ModelServer) -> None:
    answer = await shared_server.client.post(MODELS, files={"model": ("a.tar.gz", bytes(50_000_000))})

    assert answer.status_code == 401


async def test_a_large_upload_that_is_bad_from_its_first_byte_gets_to_read_that(shared_server: ModelServer) -> None:
    answer = await shared_server.upload("a", bytes(50_000_000))

    assert answer.status_code == 400


async def test_a_file_that_unpacks_to_far_more_than_it_is_is_refused(settings: Settings) -> None:
    bomb = tar_gz([("zeros", bytes(20_000_000))])

    async with running(replace(settings, max_unpacked_bytes=10_000_000)) as server:
        answer = await server.upload("a", bomb)

    assert len(bomb) < 100_000
    assert (answer.status_code, answer.json()["message"]) == (
        400,
        "the file is not a model: it unpacks to more than 10000000 bytes",
    )


async def test_a_header_that_claims_to_be_endless_is_refused_without_reading_it(shared_server: ModelServer) -> None:
    header = member("claims", tarfile.XHDTYPE)
    header.size = 4 * 1024**3
    compressor = zlib.compressobj(wbits=31)
    content = compressor.compress(header.tobuf() + bytes(1_000_000)) + compressor.flush()

    answer = await shared_server.upload("a", content)

    assert (
        answer.json()["message"]
        == "the file is not a model: it has an extended header that is empty or longer than 64 KiB"
    )
