"""Model files to upload: good ones, and every kind of bad one."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Iterable, Mapping


def tar(members: Iterable[tarfile.TarInfo | tuple[str, bytes]], tar_format: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar of members: of files by name and content, or of headers alone."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tar_format) as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
            else:
                name, content = member
                header = tarfile.TarInfo(name)
                header.size = len(content)
                header.mtime = 1_700_000_000
                archive.addfile(header, io.BytesIO(content))
    return output.getvalue()


def tar_gz(members: Iterable[tarfile.TarInfo | tuple[str, bytes]], tar_format: int = tarfile.PAX_FORMAT) -> bytes:
    return gzip.compress(tar(members, tar_format), mtime=0)


def model_file(text: str = "", metadata: Mapping[str, object] | None = None) -> bytes:
    """A model file like those of Rasa 3. Another text makes another model."""
    described = metadata or {
        "rasa_open_source_version": "3.6.21",
        "model_id": "0123456789abcdef",
        "trained_at": "2026-01-01T12:00:00",
    }
    return tar_gz([("components/text", text.encode()), ("metadata.json", json.dumps(described).encode())])


def member(name: str, member_type: bytes = tarfile.REGTYPE, link_name: str = "") -> tarfile.TarInfo:
    """The header of an empty member."""
    header = tarfile.TarInfo(name)
    header.type = member_type
    header.linkname = link_name
    return header
