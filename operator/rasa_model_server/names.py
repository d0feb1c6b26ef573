"""Names of models, tags and environments."""

from __future__ import annotations

import re
from typing import Literal

MAXIMUM_NAME_LENGTH = 128
ARCHIVE_SUFFIX = ".tar.gz"

_NAME = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9._-]{{0,{MAXIMUM_NAME_LENGTH - 1}}}")


def name_problem(kind: Literal["model", "tag", "environment"], name: str) -> str | None:
    """Return what is wrong with the name of a model, a tag or an environment, or None.

    A name becomes a part of an object's key and of a URL, so it is kept to characters that need no quoting in either.
    """
    if _NAME.fullmatch(name):
        return None
    shown = name if len(name) <= MAXIMUM_NAME_LENGTH else name[:MAXIMUM_NAME_LENGTH] + "..."
    article = "an" if kind == "environment" else "a"
    return (
        f"{shown!r} is not the name of {article} {kind}: use letters, digits, '.', '_' and '-', "
        f"first a letter, a digit or '_', at most {MAXIMUM_NAME_LENGTH} characters"
    )


def is_same_but_for_case(name: str, other: str) -> bool:
    """Return whether two names differ in upper and lower case only."""
    return name != other and name.lower() == other.lower()


def model_name_of_file(filename: str) -> str | None:
    """Return the name of the model in a file of this name, or None if it does not end in .tar.gz."""
    name = filename.removesuffix(ARCHIVE_SUFFIX)
    return name if name and name != filename else None
