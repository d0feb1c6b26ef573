"""The names of the tests in a file, which pages refer to."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

DEFINITION = re.compile(r"^ *(?:async )?def (test_\w+)\(", re.MULTILINE)


@cache
def names_of_tests_in(path: Path) -> frozenset[str]:
    """The names of the tests in a file; none where there is no such file."""
    return frozenset(DEFINITION.findall(path.read_text())) if path.is_file() else frozenset()
