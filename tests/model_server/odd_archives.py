"""Tars that are built header by header, with everything that readers of tars read differently."""

from __future__ import annotations

import gzip
import struct
import zlib
from dataclasses import dataclass, replace

from hypothesis import strategies as st

BLOCK = 512
GOOD_NAMES = ("a", "b", "a/b", "directory", "directory/", "directory/c", "./a", "./", "metadata.json", "é/ü")
ODD_NAMES = (
    "../evil",
    "../../evil",
    "a/../../evil",
    "./../evil",
    "..",
    ".",
    "",
    "a//b",
    "a/",
    "a/b/c",
    "a/./b",
    "directory/../../evil",
    "C:evil",
    "C:\\evil",
    "..\\evil",
    "a\nb",
    "\u202ea",
    "n" * 150,
    "d/" * 40 + "x",
)
KEYWORDS = ("path", "linkpath", "size", "mtime", "uid", "uname", "comment", "hdrcharset", "GNU.sparse.name")
VALUES = (*ODD_NAMES, *GOOD_NAMES, "0", "512", "1024", "-1", "1.5", "inf", "nan", "BINARY", "9" * 30, "1_0")


@dataclass(frozen=True)
class Header:
    """A header block, field by field."""

    name: bytes = b"a"
    mode: bytes = b"0000644\0"
    uid: bytes = b"0000000\0"
    size: bytes | None = None
    mtime: bytes = b"00000000000\0"
    type: bytes = b"0"
    link: bytes = b""
    magic: bytes = b"ustar\x0000"
    prefix: bytes = b""
    end: bytes = b""
    signed_checksum: bool = False
    content: bytes = b""
    padding: bytes = b"\0"

    def blocks(self) -> bytes:
        """The header, and its content with the padding after it."""
        size = self.size if self.size is not None else b"%011o\0" % len(self.content)
        owners_and_device = bytes(80)
        tail = self.magic + owners_and_device + self.prefix.ljust(155, b"\0") + self.end
        fields = (self.name[:100].ljust(100, b"\0"), self.mode, self.uid, self.uid, size, self.mtime, b" " * 8)
        block = (b"".join(fields) + self.type + self.link[:100].ljust(100, b"\0") + tail)[:BLOCK].ljust(BLOCK, b"\0")
        total = sum(struct.unpack("512b", block)) if self.signed_checksum else sum(block)
        block = block[:148] + b"%06o\0 " % total + block[156:]
        return block + self.content + (self.padding * BLOCK)[: -len(self.content) % BLOCK]


def record(keyword: str, value: str) -> bytes:
    """A record of a pax header, with its length in front."""
    rest = f" {keyword}={value}\n".encode()
    length = len(rest) + 1
    while len(str(length)) + len(rest) != length:
        length = len(str(length)) + len(rest)
    return str(length).encode() + rest


def extended(kind: bytes, content: bytes, padding: bytes = b"\0") -> Header:
    """An extended header: pax (x, g, X) or GNU (L, K)."""
    return Header(name=b"././@Extended", type=kind, content=content, padding=padding, magic=_magic_of(kind))


def _magic_of(kind: bytes) -> bytes:
    return b"ustar  \0" if kind in b"LK" else b"ustar\x0000"


def tar_of(headers: list[Header], end: bytes = bytes(1024)) -> bytes:
    return b"".join(header.blocks() for header in headers) + end


_good_names = st.sampled_from(GOOD_NAMES)
_names = _good_names | st.sampled_from(ODD_NAMES)
_records = (
    st.tuples(st.just("path"), _names)
    | st.tuples(st.just("size"), st.sampled_from(["0", "4", "512", "1024"]))
    | st.tuples(st.sampled_from(KEYWORDS), st.sampled_from(VALUES))
)
_contents = st.sampled_from([b"", b"text", b"x" * 512, b"y" * 700])


@st.composite
def good_members(draw: st.DrawFn, names: st.SearchStrategy[str] = _good_names) -> list[Header]:
    """One member as a writer would write it, with an extended header or without."""
    name = draw(names).encode()
    directory = name.endswith(b"/")
    content = b"" if directory else draw(_contents)
    member = Header(name=name, type=b"5" if directory else b"0", content=content)
    match draw(st.sampled_from(["plain", "pax", "gnu", "v7"])):
        case "pax":
            records = record("path", name.decode()) + record("mtime", "1.5")
            return [extended(b"x", records), replace(member, name=b"short")]
        case "gnu":
            long = extended(b"L", name + b"\0")
            return [long, replace(member, name=b"short", magic=b"ustar  \0")]
        case "v7":
            return [replace(member, type=b"\0", magic=bytes(8))]
        case _:
            return [member]


@st.composite
def _odd_extended_headers(draw: st.DrawFn) -> list[Header]:
    """One or two extended headers and a member, with one thing about them that is odd."""
    name = draw(_good_names)
    good = {b"x": record("path", name) + record("mtime", "1.5"), b"L": name.encode() + b"\0"}
    kind = draw(st.sampled_from([b"x", b"L"]))
    member = Header(name=b"a", content=draw(_contents), magic=_magic_of(kind))
    hidden = {b"x": record("path", "../evil"), b"L": b"../evil\0"}[kind]
    match draw(st.sampled_from(["kind", "records", "padding", "rest", "two"])):
        case "kind":
            other = draw(st.sampled_from([b"g", b"X", b"K", b"N"]))
            return [extended(other, good[kind]), member]
        case "records":
            pairs = draw(st.lists(_records, min_size=1, max_size=2))
            return [extended(b"x", b"".join(record(*pair) for pair in pairs)), member]
        case "padding":
            return [extended(kind, good[kind], hidden), member]
        case "rest":
            return [extended(kind, good[kind] + draw(st.sampled_from([b"\0", b"5 a=\n", b"x"])) + hidden), member]
        case _:
            second = draw(st.sampled_from([b"x", b"L"]))
            return [extended(kind, draw(st.sampled_from([good[kind], hidden]))), extended(second, good[second]), member]


@st.composite
def _odd_members(draw: st.DrawFn) -> list[Header]:
    """Headers of any kind, in any order, of which each field may be anything."""
    if draw(st.booleans()):
        return draw(_odd_extended_headers())
    numbers = [b"0000000\0", b"      0\0", b"\x80" + bytes(6) + b"\1", b"\xff" * 8, b"0o7\0\0\0\0\0", b"1_0\0\0\0\0\0"]
    sizes = [
        None,
        None,
        b"00000001000\0",
        b"\x80" + bytes(9) + b"\2\0",
        b"\xff" * 12,
        b"-0000000001\0",
        b"0\00000000000",
    ]
    return [
        Header(
            name=draw(_names).encode() + draw(st.sampled_from([b"", b"", b"\0more", b"\xff"])),
            uid=draw(st.sampled_from(numbers)),
            size=draw(st.sampled_from(sizes)),
            type=draw(st.sampled_from([b"0", b"0", b"\0", b"5", b"1", b"2", b"3", b"6", b"7", b"S", b"D", b"V", b"Z"])),
            link=draw(st.sampled_from([b"", b"", b"a", b"../evil", b".", b"/"])),
            magic=draw(st.sampled_from([b"ustar\x0000", b"ustar  \0", bytes(8), b"GNUtar \0"])),
            prefix=draw(st.sampled_from([b"", b"", b"..", b"directory", b"/", b"a\0b"])),
            end=draw(st.sampled_from([b"", b"", b"tar\0", b"x"])),
            signed_checksum=draw(st.booleans()),
            content=draw(_contents),
        )
    ]


@st.composite
def odd_archives(draw: st.DrawFn) -> bytes:
    """A model file in which up to two things are odd: a name, a member, the end, some bytes, the gzip around it."""
    odd = draw(st.sets(st.sampled_from(["name", "member", "end", "bytes", "gzip"]), max_size=2))
    members = draw(st.lists(good_members(), min_size=1, max_size=3, unique_by=lambda member: member[-1].blocks()))
    if "name" in odd:
        members.append(draw(good_members(_names)))
    if "member" in odd:
        members.insert(draw(st.integers(0, len(members))), draw(_odd_members()))
    content = bytearray(tar_of([header for group in members for header in group]))
    if "end" in odd:
        ends = [b"", bytes(512), bytes(10240), bytes(1024) + tar_of([Header(name=b"../evil")])]
        content[-1024:] = draw(st.sampled_from(ends))
    if "bytes" in odd:
        for _ in range(draw(st.integers(1, 3))):
            content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    return draw(_wrapped(bytes(content))) if "gzip" in odd else gzip.compress(content, 1)


def _wrapped(content: bytes) -> st.SearchStrategy[bytes]:
    half = len(content) // 2 // BLOCK * BLOCK
    return st.sampled_from(
        [
            gzip.compress(content[:half], 1) + gzip.compress(content[half:], 1),
            gzip.compress(content, 1) + bytes(8),
            gzip.compress(content, 1) + b"more",
            tar_in_gzip(content),
        ]
    )


def tar_in_gzip(inner: bytes, outer: Header | None = None) -> bytes:
    """A gzip file that is a tar file, too: the first block of the outer tar lies in the extra field of its header."""
    header = (outer or Header(name=b"\x1f\x8b\x08\x04/../evil")).blocks()[:BLOCK]
    start = b"\x1f\x8b\x08\x04" + header[4:10] + struct.pack("<H", BLOCK - 12) + header[12:]
    compressor = zlib.compressobj(wbits=-15)
    body = compressor.compress(inner) + compressor.flush()
    return start + body + struct.pack("<II", zlib.crc32(inner), len(inner) % 2**32)
