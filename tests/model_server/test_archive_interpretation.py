"""No model file is taken that Rasa unpacks to anything but what the inspection saw."""

from __future__ import annotations

import gzip
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rasa_model_server.archive import BadArchiveError
from tests.model_server.archives import member, tar, tar_gz
from tests.model_server.odd_archives import Header, extended, good_members, odd_archives, record, tar_in_gzip, tar_of
from tests.model_server.unpacking import Unpacked, accepted, inspected, unpacked

MODES = ("r", "r:gz")
SIMPLE = Header(name=b"a", content=b"text")
EVIL = Header(name=b"../evil", content=b"text")
PATH = record("path", "../evil")


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(odd_archives())
def test_what_is_taken_unpacks_to_what_was_seen(content: bytes) -> None:
    facts = accepted(content)

    if facts is not None:
        assert [unpacked(content, mode) for mode in MODES] == [Unpacked(facts.files, {})] * 2


@settings(max_examples=60)
@given(good_members(), st.integers(0, 511), st.integers(0, 255))
def test_a_header_with_a_changed_byte_and_a_right_checksum_is_refused_or_understood(
    headers: list[Header], place: int, value: int
) -> None:
    block = bytearray(headers[0].blocks())
    block[place] = value
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block[:512])
    content = gzip.compress(bytes(block) + tar_of(headers[1:]), 1)

    facts = accepted(content)

    if facts is not None:
        assert [unpacked(content, mode) for mode in MODES] == [Unpacked(facts.files, {})] * 2


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("tar_format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_what_python_writes_is_taken_and_unpacks_to_the_same(mode: str, tar_format: int) -> None:
    large_owner = member("directory/owned")
    large_owner.uid = large_owner.gid = 1_000_650_000 if tar_format != tarfile.USTAR_FORMAT else 1000
    fraction = member("directory/exact")
    fraction.mtime = 1_700_000_000.25 if tar_format == tarfile.PAX_FORMAT else 1_700_000_000
    top = member("", tarfile.DIRTYPE)
    content = tar_gz([top, member("directory", tarfile.DIRTYPE), large_owner, fraction, ("é/ü", b"x")], tar_format)

    facts = inspected(content)

    assert facts.files == {"directory/owned": 0, "directory/exact": 0, "é/ü": 1}
    assert unpacked(content, mode) == Unpacked(facts.files, {})


@pytest.mark.parametrize(
    ("tar_format", "name"),
    [("v7", "directory/name"), ("ustar", f"{'d' * 90}/{'n' * 60}"), ("gnu", "n" * 120), ("posix", "n" * 120)],
)
def test_what_gnu_tar_writes_of_a_directory_is_taken_and_unpacks_to_the_same(
    tmp_path: Path, tar_format: str, name: str
) -> None:
    written = tmp_path / "model" / name
    written.parent.mkdir(parents=True)
    written.write_text("text")
    file = tmp_path / "model.tar.gz"
    subprocess.run(["tar", f"--format={tar_format}", "-czf", file, "-C", tmp_path / "model", "."], check=True)

    facts = inspected(file.read_bytes())

    assert facts.files == {name: 4}
    assert [unpacked(file.read_bytes(), mode) for mode in MODES] == [Unpacked(facts.files, {})] * 2


TWICE = "it has an extended header that no member follows, or several for one member"
GLOBAL = "it has a pax header for all its members: write it without one"
DAMAGED = "inside the gzip it is not a tar, or the tar is damaged"
UNUSUAL = "its tar has a header that is not as GNU tar, bsdtar or Python write it"


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ([extended(b"x", PATH), extended(b"L", b"good\0"), SIMPLE], TWICE),
        ([extended(b"L", b"../evil\0"), extended(b"x", record("path", "good")), SIMPLE], TWICE),
        ([extended(b"x", record("path", "good")), extended(b"x", PATH), SIMPLE], TWICE),
        ([extended(b"L", b"good\0"), extended(b"L", b"../evil\0"), SIMPLE], TWICE),
        ([SIMPLE, extended(b"x", record("path", "b"))], TWICE),
        ([extended(b"x", record("path", "a") + PATH), SIMPLE], "it has a pax header that is damaged"),
        ([extended(b"x", b"016 path=../evil\n"), SIMPLE], "it has a pax header that is damaged"),
        ([extended(b"x", b"7 a=b\n"), SIMPLE], "it has a pax header that is damaged"),
        ([extended(b"x", b"99 path=good\n"), SIMPLE], "it has a pax header that is damaged"),
        (
            [extended(b"x", record("size", "0")), SIMPLE],
            "it has a pax header with a 'size' that no member of a model has",
        ),
        (
            [extended(b"x", record("linkpath", "..")), SIMPLE],
            "it has a pax header with a 'linkpath' that no member of a model has",
        ),
        (
            [extended(b"x", record("mtime", "nan")), SIMPLE],
            "it has a pax header with a 'mtime' that no member of a model has",
        ),
        (
            [extended(b"x", record("uid", "9" * 30)), SIMPLE],
            "it has a pax header with a 'uid' that no member of a model has",
        ),
        (
            [extended(b"x", record("GNU.sparse.name", "../evil")), SIMPLE],
            "it has a pax header of a sparse file, or of another character set",
        ),
        (
            [extended(b"x", record("comment", "9 hdrcharset=BINARY")), SIMPLE],
            "it has a pax header of a sparse file, or of another character set",
        ),
        (
            [extended(b"x", record("path", "good"), padding=PATH), SIMPLE],
            "it has an extended header with something behind its end",
        ),
        ([extended(b"L", b"good\0../evil"), SIMPLE], "it has a long name with something behind it"),
        ([extended(b"x", b""), SIMPLE], "it has an extended header that is empty or longer than 64 KiB"),
        ([extended(b"g", PATH), SIMPLE], GLOBAL),
        (
            [extended(b"g", record("comment", "x")), SIMPLE],
            GLOBAL,
        ),
        (
            [extended(b"X", PATH), SIMPLE],
            (
                "its member '././@Extended' is neither a file nor a directory: "
                "a model has no links, devices or sparse files"
            ),
        ),
        ([replace(SIMPLE, prefix=b"..")], "its member '../a' has '..' in its path"),
        ([replace(SIMPLE, prefix=b"..", magic=b"ustar  \0")], UNUSUAL),
        ([replace(SIMPLE, prefix=b"..", magic=bytes(8))], UNUSUAL),
        ([replace(SIMPLE, name=b"a\0/../../evil")], UNUSUAL),
        ([replace(SIMPLE, uid=b"\xff" * 8)], UNUSUAL),
        ([replace(SIMPLE, size=b"\x80" + bytes(10) + b"\4")], UNUSUAL),
        ([replace(SIMPLE, size=b"-0000000004\0")], UNUSUAL),
        ([replace(SIMPLE, size=b"0o4\0\0\0\0\0\0\0\0\0")], UNUSUAL),
        ([replace(SIMPLE, end=b"tar\0")], UNUSUAL),
        (
            [replace(SIMPLE, name="é".encode(), signed_checksum=True)],
            DAMAGED,
        ),
        ([replace(SIMPLE, name=b"\xff")], "it has a member whose name is not UTF-8"),
        ([SIMPLE, SIMPLE], "its member 'a' is there twice"),
        ([SIMPLE, replace(SIMPLE, name=b"./a")], "its member './a' is there twice"),
        ([SIMPLE, replace(SIMPLE, name=b"a/b")], "its member 'a/b' makes a directory of a file"),
        ([replace(SIMPLE, name=b"a/b"), SIMPLE], "its member 'a' is there twice"),
        ([replace(SIMPLE, name=b"C:evil")], "its member 'C:evil' has a character that no path in a model has"),
        ([replace(SIMPLE, name=b"a//b")], "its member 'a//b' has a path with an empty step: write it as a/b"),
        (
            [extended(b"L", b"a/\0"), Header(name=b"directory/", type=b"\0")],
            "it has an extended header for a member of the old V7 format",
        ),
    ],
)
def test_what_readers_of_tars_read_differently_is_refused(headers: list[Header], reason: str) -> None:
    with pytest.raises(BadArchiveError) as refused:
        inspected(gzip.compress(tar_of(headers)))

    assert str(refused.value) == reason


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(tar_of([SIMPLE], bytes(512)) + tar_of([EVIL])),
        gzip.compress(tar([("a", b"a")])) + gzip.compress(tar_of([EVIL])),
        gzip.compress(tar([("a", b"a")])) + bytes(512),
        gzip.compress(tar_of([SIMPLE], bytes(2 * 1024 * 1024))),
        tar_in_gzip(tar_of([SIMPLE])),
    ],
)
def test_a_second_archive_in_the_file_or_behind_it_is_refused(content: bytes) -> None:
    with pytest.raises(BadArchiveError):
        inspected(content)
