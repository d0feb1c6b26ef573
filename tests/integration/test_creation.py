"""A new environment: its children, its status, and what it costs."""

from __future__ import annotations

import re

from tests.integration.manifests import environment
from tests.integration.space import Space


def test_ten_lines_of_yaml_make_an_environment(space: Space) -> None:
    space.apply(environment())

    space.wait_until_ready()

    assert re.fullmatch("[0-9a-f]{64}", space.token())
