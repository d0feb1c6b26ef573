"""The flag that writes golden files anew."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--regenerate-golden`: what the children are now becomes what is expected of them."""
    parser.addoption("--regenerate-golden", action="store_true", help="write tests/desired/golden/*.children.yaml anew")
