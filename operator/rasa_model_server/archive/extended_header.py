"""Extended headers, and what they may say about the member that follows. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rasa_model_server.archive.problems import BadArchiveError

MAXIMUM_EXTENDED_HEADER_BYTES = 64 * 1024

_MAXIMUM_RECORDS = 64
_LENGTH = re.compile(rb"(?P<digits>[1-9][0-9]{0,5}) ")
_KEYWORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@#+-]*")
_HARMLESS_KEYWORDS = frozenset({"atime", "ctime", "comment", "uname", "gname"})
_HARMLESS_PREFIXES = ("SCHILY.", "LIBARCHIVE.", "RHT.")
"""Attributes of files as star, bsdtar and GNU tar keep them. tarfile passes them over."""
_OWNER = re.compile(r"[0-9]{1,10}")
_TIME = re.compile(r"[0-9]{1,11}(\.[0-9]{1,20})?")
_SOUGHT_ANYWHERE = (b"hdrcharset=", b"GNU.sparse")
"""tarfile looks for these in the whole header, inside the values of other records too."""
_DAMAGED = "it has a pax header that is damaged"


@dataclass(frozen=True)
class Overrides:
    """What the extended header of a member says about it, None where it says nothing."""

    name: str | None = None
    mtime: float | None = None


def long_name(content: bytes) -> Overrides:
    """Return the name in the content of a GNU header of a long name.

    Raises BadArchiveError if it is not one name.
    """
    name = content.removesuffix(b"\0")
    if b"\0" in name:
        raise BadArchiveError("it has a long name with something behind it")
    return Overrides(name=utf8(name))


def pax_overrides(content: bytes) -> Overrides:
    """Return what the records of a pax header say.

    Raises BadArchiveError if a record is damaged, occurs twice, or has a key that a model does not need.
    """
    if any(sought in content for sought in _SOUGHT_ANYWHERE):
        raise BadArchiveError("it has a pax header of a sparse file, or of another character set")
    records = _records(content)
    for keyword, value in records.items():
        _check_record(keyword, value)
    name, mtime = records.get("path"), records.get("mtime")
    return Overrides(
        name=utf8(name) if name is not None else None,
        mtime=float(mtime) if mtime is not None else None,
    )


def utf8(name: bytes) -> str:
    """Return the name as text.

    Raises BadArchiveError if it is not UTF-8.
    """
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError:
        raise BadArchiveError("it has a member whose name is not UTF-8") from None


def _records(content: bytes) -> dict[str, bytes]:
    """Return the records of a pax header, each `<length> <keyword>=<value>` and a newline."""
    records: dict[str, bytes] = {}
    position = 0
    while position < len(content):
        found = _LENGTH.match(content, position)
        end = position + int(found["digits"]) if found is not None else 0
        if found is None or not found.end() < end <= len(content) or content[end - 1 : end] != b"\n":
            raise BadArchiveError(_DAMAGED)
        keyword_bytes, equals, value = content[found.end() : end - 1].partition(b"=")
        keyword = keyword_bytes.decode("ascii", "replace")
        if not equals or not _KEYWORD.fullmatch(keyword) or keyword in records or len(records) == _MAXIMUM_RECORDS:
            raise BadArchiveError(_DAMAGED)
        records[keyword] = value
        position = end
    return records


def _check_record(keyword: str, value: bytes) -> None:
    text = value.decode("utf-8", "replace")
    match keyword:
        case "path":
            good = bool(value) and b"\0" not in value
        case "mtime":
            good = _TIME.fullmatch(text) is not None
        case "uid" | "gid":
            good = _OWNER.fullmatch(text) is not None and int(text) < 2**32
        case _:
            good = keyword in _HARMLESS_KEYWORDS or keyword.startswith(_HARMLESS_PREFIXES)
    if not good:
        raise BadArchiveError(f"it has a pax header with a {keyword[:40]!r} that no member of a model has")
