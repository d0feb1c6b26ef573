"""The inspection of a model file: the same however it is cut into blocks, never fooled, never hungry."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_model_server.archive import ArchiveFacts, ArchiveInspector, ArchiveLimits, BadArchiveError
from rasa_model_server.archive.gzip_stream import PIECE_BYTES, GzipDecoder
from tests.model_server.archives import member, model_file, tar, tar_gz

LIMITS = ArchiveLimits(unpacked_bytes=100_000_000)
NAMES = st.text("abcdef/._é", min_size=1, max_size=300).filter(
    lambda name: not name.startswith("/") and not name.endswith("/") and ".." not in name and "//" not in name
)
FORMATS = st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])


def inspected(content: bytes, block_size: int = 2**20, limits: ArchiveLimits = LIMITS) -> ArchiveFacts:
    inspector = ArchiveInspector(limits)
    for start in range(0, len(content), block_size):
        inspector.feed(content[start : start + block_size])
    return inspector.finish()


@given(st.lists(st.tuples(NAMES, st.binary(max_size=3000)), min_size=1, max_size=5), FORMATS, st.integers(1, 5000))
def test_every_tar_that_python_writes_is_taken_however_it_is_cut(
    files: list[tuple[str, bytes]], tar_format: int, block_size: int
) -> None:
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


def test_a_file_of_several_gzip_members_is_one_file() -> None:
    whole = tar([("a", b"a")])

    facts = inspected(gzip.compress(whole[:700]) + gzip.compress(whole[700:]), block_size=1)

    assert facts.members == 1


def test_links_within_their_own_directory_are_taken() -> None:
    content = tar_gz(
        [
            member("directory", tarfile.DIRTYPE),
            ("directory/a", b"a"),
            member("directory/b", tarfile.SYMTYPE, "a"),
            member("c", tarfile.LNKTYPE, "directory/a"),
        ]
    )

    assert inspected(content).members == 4


def test_a_size_in_a_pax_header_counts_so_that_no_member_hides_in_anothers_content() -> None:
    record = b"13 size=1000\n"
    pax = member("pax", tarfile.XHDTYPE)
    pax.size = len(record)
    hidden = member("../evil").tobuf()
    content = pax.tobuf() + record.ljust(512, b"\0") + member("big").tobuf() + hidden.ljust(1024, b"x") + bytes(1024)

    assert inspected(gzip.compress(content)).members == 1


def test_a_directory_that_claims_to_have_content_is_refused() -> None:
    header = member("directory", tarfile.DIRTYPE)
    header.size = 512

    with pytest.raises(BadArchiveError, match="its member 'directory' has a size that it cannot have"):
        inspected(gzip.compress(header.tobuf() + bytes(2048)))


def test_a_name_for_all_members_in_a_global_header_is_refused() -> None:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"path": "../x"}) as archive:
        archive.addfile(tarfile.TarInfo("a"))

    with pytest.raises(BadArchiveError, match="it has a pax header that renames all its members"):
        inspected(gzip.compress(output.getvalue()))


def test_more_members_than_the_limit_are_refused() -> None:
    content = tar_gz([(f"m{number}", b"") for number in range(11)])

    with pytest.raises(BadArchiveError, match="it has more than 10 members"):
        inspected(content, limits=ArchiveLimits(unpacked_bytes=10**9, members=10))
