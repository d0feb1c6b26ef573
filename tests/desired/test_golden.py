"""The children of typical environments match the golden files."""

from __future__ import annotations

import difflib

import pytest
import yaml

from rasa_environments.api.base import JsonObject
from rasa_environments.desired.environment import children
from tests.desired.golden_cases import CASES, GOLDEN, given_context, golden_file


@pytest.mark.parametrize("case", CASES)
def test_the_children_are_those_of_the_golden_file(case: str, request: pytest.FixtureRequest) -> None:
    made = list(children(given_context(case)))
    if request.config.getoption("--regenerate-golden"):
        golden_file(case).write_text(as_text(made))

    golden = list(yaml.safe_load_all(golden_file(case).read_text()))

    assert made == golden, difference(golden, made)


def test_each_file_belongs_to_a_case() -> None:
    expected = {f"{case}.{part}.yaml" for case in CASES for part in ("given", "children")}

    assert {path.name for path in GOLDEN.iterdir()} == expected


def as_text(objects: list[JsonObject]) -> str:
    """Return the objects as YAML documents, with multi-line texts as blocks, so that a diff shows the changed line."""
    return yaml.dump_all(objects, Dumper=_Dumper, sort_keys=False, width=120, explicit_start=True)


def difference(golden: list[JsonObject], made: list[JsonObject]) -> str:
    """Return the differences from the golden file, line by line."""
    lines = difflib.unified_diff(
        as_text(golden).splitlines(), as_text(made).splitlines(), "golden file", "children", lineterm=""
    )
    advice = "(if this is what is wanted, run pytest tests/desired with --regenerate-golden and read the diff of git)"
    return "\n".join(["the children are not those of the golden file", advice, *lines])


class _Dumper(yaml.SafeDumper):
    """Write repeated values in full instead of with anchors, and multi-line texts as blocks."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)
