"""The inspection of a model file: independent of how it arrives, never deceived, and bounded in memory."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rasa_model_server.archive import ArchiveInspector, ArchiveLimits, BadArchiveError
from rasa_model_server.archive.gzip_stream import PIECE_BYTES, GzipDecoder
from tests.model_server.archives import member, model_file, tar_gz
from tests.model_server.odd_archives import extended, record, tar_of
from tests.model_server.unpacking import inspected

PARTS = st.text("abcdef._é", min_size=1, max_size=100).filter(lambda part: part.strip("."))
NAMES = st.lists(PARTS, min_size=1, max_size=4).map("/".join)
FILES = st.lists(st.tuples(NAMES, st.binary(max_size=3000)), min_size=1, max_size=5, unique_by=lambda file: file[0])
FORMATS = st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])


@given(FILES, FORMATS, st.integers(1, 5000))
def test_every_tar_that_python_writes_is_taken_however_it_is_cut(
    files: list[tuple[str, bytes]], tar_format: int, block_size: int
) -> None:
    assume(not any(other.startswith(f"{name}/") for name, _ in files for other, _ in files))
    content = tar_gz(files, tar_format)

    facts = inspected(content, block_size)

    assert (facts.members, facts.size) == (len(files), len(content))
    assert facts.hash == hashlib.sha256(content).hexdigest()


@given(st.binary(max_size=5000), st.integers(1, 5000), FORMATS)
def test_the_documents_of_a_model_come_out_as_they_went_in(document: bytes, block_size: int, tar_format: int) -> None:
    files = [("a", b"x" * 700), ("./metadata.json", document), ("deep/metadata.json", b"another")]

    assert inspected(tar_gz(files, tar_format), block_size).documents == {"metadata.json": document}


@given(st.data())
def test_a_file_with_a_flipped_byte_is_refused_or_taken_but_never_breaks_the_inspection(data: st.DataObject) -> None:
    content = bytearray(gzip.decompress(model_file("x")))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    damaged = gzip.compress(bytes(content))

    try:
        inspected(damaged)
    except BadArchiveError:
        return
    with tarfile.open(fileobj=io.BytesIO(damaged)) as archive:
        assert all(not name.startswith("/") and ".." not in name.split("/") for name in archive.getnames())


@given(st.integers(0, 3000))
def test_a_file_that_is_cut_off_anywhere_is_refused(length: int) -> None:
    content = model_file("x")
    cut = content[: length % len(content)]

    with pytest.raises(BadArchiveError):
        inspected(cut)


@given(st.binary(max_size=2000))
def test_what_is_no_gzip_at_all_is_refused(content: bytes) -> None:
    with pytest.raises(BadArchiveError):
        inspected(content)


@given(st.integers(0, 3 * PIECE_BYTES))
def test_a_gzip_stream_is_decoded_to_its_last_byte_in_small_pieces(size: int) -> None:
    decoder = GzipDecoder()

    pieces = list(decoder.decode(gzip.compress(bytes(size), 9)))
    decoder.finish()

    assert sum(map(len, pieces)) == size
    assert max(map(len, pieces), default=0) <= PIECE_BYTES


def test_a_file_of_several_gzip_members_is_refused() -> None:
    content = gzip.compress(b"") * 400_000

    with pytest.raises(BadArchiveError, match="it has data after the end of its gzip data: write it in one piece"):
        inspected(content)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_links_are_refused_wherever_they_lead(kind: bytes) -> None:
    with pytest.raises(BadArchiveError, match="its member 'b' is neither a file nor a directory"):
        inspected(tar_gz([("a", b"a"), member("b", kind, "a")]))


def test_a_directory_that_claims_to_have_content_is_refused() -> None:
    header = member("directory", tarfile.DIRTYPE)
    header.size = 512

    with pytest.raises(BadArchiveError, match="its member 'directory/' is a directory with content"):
        inspected(gzip.compress(header.tobuf() + bytes(2048)))


def test_a_name_for_all_members_in_a_global_header_is_refused() -> None:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"path": "../x"}) as archive:
        archive.addfile(tarfile.TarInfo("a"))

    with pytest.raises(BadArchiveError, match="it has a pax header for all its members: write it without one"):
        inspected(gzip.compress(output.getvalue()))


@pytest.mark.parametrize("names", [[f"m{number}" for number in range(11)], ["/".join("abcdefghijk")]])
def test_more_files_and_directories_than_the_limit_are_refused(names: list[str]) -> None:
    content = tar_gz([(name, b"") for name in names])

    with pytest.raises(BadArchiveError, match="it has more than 10 files and directories"):
        inspected(content, limits=ArchiveLimits(unpacked_bytes=10**9, members=10))


def test_a_file_that_unpacks_to_far_more_than_its_size_is_refused() -> None:
    content = tar_gz([("zeros", bytes(3_000_000))])

    with pytest.raises(BadArchiveError, match="it unpacks to more than 200 times its size"):
        inspected(content, limits=ArchiveLimits(unpacked_bytes=10**9, free_unpacked_bytes=1_000_000))


def test_a_file_that_takes_too_much_time_to_unpack_is_refused() -> None:
    seconds = iter(range(100))
    inspector = ArchiveInspector(ArchiveLimits(unpacked_bytes=10**9), cpu_clock=lambda: float(next(seconds)))

    with pytest.raises(BadArchiveError, match="to unpack it takes more time than a model of its size takes"):
        inspector.feed(tar_gz([("a", bytes(3_000_000))]))


def test_a_file_of_nothing_but_extended_headers_is_refused_at_its_second() -> None:
    header = extended(b"x", record("atime", "1"))

    with pytest.raises(BadArchiveError, match="several for one member"):
        inspected(gzip.compress(tar_of([header, header])))
