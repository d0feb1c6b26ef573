"""Which models and tags are accepted, as far as the servers that load them decide."""

from __future__ import annotations

import re
from typing import Protocol

_VERSION = re.compile(r"v?(?P<release>[0-9]{1,9}(?:\.[0-9]{1,9})*)(?P<suffix>(?![0-9]).*)", re.DOTALL)
_RELEASE_PARTS = 3


class ProductionUnavailableError(Exception):
    """The production server cannot be asked. The message says why."""


class ModelCheck(Protocol):
    """What the registered environments demand of models and tags."""

    async def minimum_version(self) -> str | None:
        """Return the oldest Rasa version whose models production loads, or None where nothing says so.

        Raises ProductionUnavailableError if there are environments but no production among them, or it does not answer.
        """
        ...

    async def reserved_tags(self) -> tuple[str, ...]:
        """Return the tags that no other tag may differ from in upper and lower case only."""
        ...


def is_compatible(trained: str | None, minimum: str | None) -> bool:
    """Return whether a model that this Rasa version trained can be loaded by a server with this minimum version.

    If either is unknown, it can. A pre-release comes before its release.
    """
    if trained is None or minimum is None:
        return True
    trained_key, minimum_key = _sort_key(trained), _sort_key(minimum)
    return trained_key is None or minimum_key is None or trained_key >= minimum_key


def _sort_key(version: str) -> tuple[tuple[int, ...], bool] | None:
    found = _VERSION.match(version)
    if found is None:
        return None
    numbers = tuple(int(part) for part in found["release"].split("."))
    suffix = found["suffix"].lstrip(".-_").lower()
    return numbers + (0,) * (_RELEASE_PARTS - len(numbers)), not suffix.startswith(("a", "b", "rc", "dev"))
