"""The names of the tests in a file, for pages that refer to them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

DEFINITION = re.compile(r"^ *(?:async )?def (test_\w+)\(", re.MULTILINE)


@cache
def names_of_tests_in(path: Path) -> frozenset[str]:
    """Return the names of the tests in a file; none if the file does not exist."""
    return frozenset(DEFINITION.findall(path.read_text())) if path.is_file() else frozenset()
