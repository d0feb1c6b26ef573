"""Which members a model may have: nothing that could land outside the directory it is unpacked in. Pure."""

from __future__ import annotations

import tarfile

_FILES_AND_DIRECTORIES = frozenset(tarfile.REGULAR_TYPES) - {tarfile.GNUTYPE_SPARSE} | {tarfile.DIRTYPE}
_LINKS = frozenset({tarfile.SYMTYPE, tarfile.LNKTYPE})


def member_problem(member: tarfile.TarInfo) -> str | None:
    """Return why the member is refused, or None.

    A link may only point to what lies below its own directory (a hard link: below the top). That is stricter than
    "inside the archive", and it is what makes it safe: with `..` in a target, links can be chained to step outside.
    """
    if member.type not in _FILES_AND_DIRECTORIES | _LINKS:
        return f"its member {member.name!r} is neither a file, a directory nor a link"
    # Rasa writes an entry for the top directory itself, whose name tarfile reads as empty.
    problem = None if member.isdir() and not member.name else _path_problem(member.name)
    if problem is not None:
        return f"its member {member.name!r} {problem}"
    if member.type in _LINKS:
        problem = _path_problem(member.linkname)
        if problem is not None:
            return f"its link {member.name!r} to {member.linkname!r} {problem}"
    if member.size < 0 or (member.size > 0 and not member.isreg()):
        return f"its member {member.name!r} has a size that it cannot have"
    return None


def _path_problem(path: str) -> str | None:
    if not path:
        return "has no name"
    if path.startswith("/"):
        return "is an absolute path"
    if ".." in path.split("/"):
        return "has '..' in its path"
    if "\\" in path or "\0" in path:
        return "has a character that no path in a model has"
    return None
