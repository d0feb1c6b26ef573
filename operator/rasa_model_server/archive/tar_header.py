"""The 512-byte header blocks of a tar, read strictly: what different readers take for different things is refused.

The formats are ustar and pax (POSIX.1-2017, "ustar Interchange Format"), GNU, and V7, as GNU tar, bsdtar and Python's
tarfile write them. The meaning is that of tarfile, which Rasa unpacks models with.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from rasa_model_server.archive.problems import BadArchiveError

BLOCK_BYTES = 512

_POSIX_MAGIC = b"ustar\x0000"
_GNU_MAGIC = b"ustar  \0"
_V7_MAGIC = bytes(8)
_OCTAL = re.compile(rb" *(?P<digits>[0-7]*)[ \0]*")
_CHECKSUM = slice(148, 156)
_BASE_256 = 0x80
_MAXIMUM_OWNER = 2**32 - 1
_DAMAGED = "inside the gzip it is not a tar, or the tar is damaged"
_UNUSUAL = "its tar has a header that is not as GNU tar, bsdtar or Python write it"


class Kind(Enum):
    """What a header introduces."""

    FILE = "file"
    DIRECTORY = "directory"
    PAX = "pax"
    """Records that describe the member that follows."""
    LONG_NAME = "long name"
    """GNU: the name of the member that follows."""


_KINDS = {b"0": Kind.FILE, b"5": Kind.DIRECTORY, b"x": Kind.PAX, b"L": Kind.LONG_NAME}
_V7_FILE = b"\0"


@dataclass(frozen=True)
class TarHeader:
    """One header. `name` is as it is written, and may be cut where an extended header has it whole."""

    kind: Kind
    name: bytes
    size: int
    mtime: int
    explicit_kind: bool
    """Whether the type is in the header, not told by a slash at the end of the name as in V7."""


def parse_header(block: bytes) -> TarHeader | None:
    """Return the header in a block of 512 bytes, or None for the block of zeros that ends a tar.

    Raises BadArchiveError if it is not a header, is one of a member that no model has, or one that readers interpret
    differently.
    """
    if block.count(0) == BLOCK_BYTES:
        return None
    if _number(block[_CHECKSUM], _DAMAGED) != sum(block) - sum(block[_CHECKSUM]) + 8 * ord(" "):
        raise BadArchiveError(_DAMAGED)
    prefix = _prefix(block)
    own_name = _text(block[0:100])
    name = prefix + b"/" + own_name if prefix else own_name
    kind = _kind(block[156:157], own_name, name)
    if kind is Kind.DIRECTORY and name == b"/":
        # Rasa 3 adds its directory under an empty name, which tarfile writes so, and reads as an empty name again.
        name = b""
    _check_fields(block)
    size = _number(block[124:136])
    if kind is Kind.DIRECTORY and size:
        raise BadArchiveError(f"its member {shown(name)} is a directory with content")
    return TarHeader(kind, name, size, _number(block[136:148]), explicit_kind=block[156:157] != _V7_FILE)


def shown(name: bytes | str) -> str:
    """Return a name for a message: quoted, of bounded length."""
    text = name.decode("utf-8", "replace") if isinstance(name, bytes) else name
    return repr(text if len(text) <= 100 else f"{text[:100]}...")


def _prefix(block: bytes) -> bytes:
    """Return what comes before the name, and check that what the format leaves unused is empty.

    tarfile reads the prefix whatever the format is.
    """
    magic = block[257:265]
    prefix, unused = b"", block[345:]
    if magic == _POSIX_MAGIC:
        prefix, unused = _text(block[345:500]), block[500:]
    elif magic not in (_GNU_MAGIC, _V7_MAGIC):
        raise BadArchiveError(_DAMAGED)
    if any(unused):
        raise BadArchiveError(_UNUSUAL)
    return prefix


def _kind(type_flag: bytes, own_name: bytes, name: bytes) -> Kind:
    if type_flag == _V7_FILE:
        return Kind.DIRECTORY if own_name.endswith(b"/") else Kind.FILE
    kind = _KINDS.get(type_flag)
    if type_flag == b"g":
        raise BadArchiveError("it has a pax header for all its members: write it without one")
    if kind is None:
        raise BadArchiveError(
            f"its member {shown(name)} is neither a file nor a directory: a model has no links, devices or sparse files"
        )
    return kind


def _check_fields(block: bytes) -> None:
    _number(block[100:108])
    for owner in (block[108:116], block[116:124]):
        _owner(owner)
    if any(block[157:257]):
        raise BadArchiveError(_UNUSUAL)
    for owner_name in (block[265:297], block[297:329]):
        _text(owner_name)
    for device in (block[329:337], block[337:345]):
        _number(device)


def _text(field: bytes) -> bytes:
    """Return the text of a field, which ends at its first zero byte. Nothing may hide behind that."""
    text, _, rest = field.partition(b"\0")
    if any(rest):
        raise BadArchiveError(_UNUSUAL)
    return text


def _number(field: bytes, problem: str = _UNUSUAL) -> int:
    found = _OCTAL.fullmatch(field)
    if found is None:
        raise BadArchiveError(problem)
    return int(found["digits"] or b"0", 8)


def _owner(field: bytes) -> int:
    """Return a user or group id. GNU tar writes those over 2,097,151, as OpenShift has them, in base 256."""
    if field[0] != _BASE_256:
        return _number(field)
    owner = int.from_bytes(field[1:], "big")
    if owner > _MAXIMUM_OWNER:
        raise BadArchiveError(_UNUSUAL)
    return owner
