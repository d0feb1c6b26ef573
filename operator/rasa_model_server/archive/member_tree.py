"""Where the members of a model are written when it is unpacked. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rasa_model_server.archive.problems import BadArchiveError
from rasa_model_server.archive.tar_header import shown

MAXIMUM_PATH_BYTES = 1024
MAXIMUM_DEPTH = 32

_MAXIMUM_PART_BYTES = 255
"""What file systems take (NAME_MAX)."""
_DRIVE = re.compile(r"[A-Za-z]:.*")


class MemberTree:
    """The files and directories that were seen so far. None is another's, and none is twice there."""

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self._files: dict[str, int] = {}
        self._directories: set[str] = set()
        self._written_directories: set[str] = set()

    @property
    def files(self) -> Mapping[str, int]:
        """The paths of all files, relative to the directory that the model is unpacked in, and their sizes in bytes."""
        return self._files

    def add(self, name: str, *, directory: bool, size: int = 0) -> str:
        """Add a member and return its path: "" for the top directory itself.

        Raises BadArchiveError if the member would be written elsewhere or over another, or if there are too many.
        """
        parts = member_path(name, directory=directory)
        path = "/".join(parts)
        for length in range(1, len(parts)):
            self._add_directory("/".join(parts[:length]), name)
        if directory:
            if path in self._written_directories:
                raise BadArchiveError(f"its member {shown(name)} is there twice")
            self._written_directories.add(path)
            self._add_directory(path, name)
        elif path in self._files or path in self._directories:
            raise BadArchiveError(f"its member {shown(name)} is there twice")
        else:
            self._files[path] = size
        if len(self._files) + len(self._directories) > self._maximum:
            raise BadArchiveError(f"it has more than {self._maximum} files and directories")
        return path

    def _add_directory(self, path: str, name: str) -> None:
        if path in self._files:
            raise BadArchiveError(f"its member {shown(name)} makes a directory of a file")
        self._directories.add(path)


def member_path(name: str, *, directory: bool) -> tuple[str, ...]:
    """Return the parts of the path of a member.

    Raises BadArchiveError if the path is absolute, leads upwards, or can be read in more than one way.
    """
    if name.startswith("/"):
        raise BadArchiveError(f"its member {shown(name)} is an absolute path")
    relative = name.removesuffix("/") if directory else name
    # The top directory itself: Rasa 3 and `tar -C DIRECTORY .` write an entry for it.
    if directory and relative in ("", "."):
        return ()
    parts = tuple(relative.removeprefix("./").split("/"))
    problem = _problem(relative, parts)
    if problem is not None:
        raise BadArchiveError(f"its member {shown(name)} {problem}")
    return parts


def _problem(path: str, parts: tuple[str, ...]) -> str | None:
    if ".." in parts:
        return "has '..' in its path"
    if "" in parts or "." in parts:
        return "has a path with an empty step: write it as a/b"
    if not path.isprintable() or "\\" in path or _DRIVE.fullmatch(parts[0]):
        return "has a character that no path in a model has"
    if len(parts) > MAXIMUM_DEPTH or len(path.encode()) > MAXIMUM_PATH_BYTES:
        return f"is longer than {MAXIMUM_PATH_BYTES} bytes or deeper than {MAXIMUM_DEPTH} directories"
    if max(len(part.encode()) for part in parts) > _MAXIMUM_PART_BYTES:
        return f"has a step of more than {_MAXIMUM_PART_BYTES} bytes in its path"
    return None
