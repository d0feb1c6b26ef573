"""Golden files show the objects for typical values, so that every change of the chart shows."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest
import yaml

from local.helm import CHART, VERSIONS, Version
from rasa_environments.api.base import JsonObject
from tests.helm.rendering import RELEASE, Rendered, render, run

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(path.name.removesuffix(".values.yaml") for path in GOLDEN.glob("*.values.yaml"))
COPIED = {
    "CustomResourceDefinition",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
}
"""Kinds copied from other files: names and metadata are enough here."""
LONG = ("rasa-environments.json", "rasa-environments.yaml")
"""Keys of ConfigMaps that hold files of the chart."""


@pytest.mark.parametrize("case", CASES)
def test_the_objects_are_those_of_the_golden_file(case: str, request: pytest.FixtureRequest) -> None:
    values = yaml.safe_load((GOLDEN / f"{case}.values.yaml").read_text()) or {}
    golden = GOLDEN / f"{case}.objects.yaml"

    made = as_text(render(values, namespace="bots"))
    if request.config.getoption("--regenerate-golden"):
        golden.write_text(made)

    lines = difflib.unified_diff(golden.read_text().splitlines(), made.splitlines(), "golden file", "now", lineterm="")
    assert made == golden.read_text(), "\n".join([ADVICE, *lines])


ADVICE = "(if this is what is wanted, run pytest tests/helm with --regenerate-golden and read the diff of git)"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("upgrade", [False, True], ids=["install", "upgrade"])
@pytest.mark.parametrize("case", CASES)
def test_rendered_again_without_a_cluster_it_is_the_same(case: str, upgrade: bool, version: Version) -> None:
    values = (GOLDEN / f"{case}.values.yaml").read_text()
    command: list[str | Path] = [
        "template",
        RELEASE,
        CHART,
        "--namespace=bots",
        "--values=-",
        *(["--is-upgrade"] if upgrade else []),
    ]

    assert run(version, command, values) == run(version, command, values)


def test_each_file_belongs_to_a_case() -> None:
    expected = {f"{case}.{part}.yaml" for case in CASES for part in ("values", "objects")}

    assert {path.name for path in GOLDEN.iterdir()} == expected
    assert len(CASES) == 4


def as_text(release: Rendered) -> str:
    """The objects in a fixed order, as YAML, without what is copied."""
    ordered = sorted(release.objects, key=lambda obj: (obj["kind"], obj["metadata"]["name"], str(obj["metadata"])))
    return yaml.safe_dump_all([abridged(obj) for obj in ordered], sort_keys=False, width=120, explicit_start=True)


def abridged(obj: JsonObject) -> JsonObject:
    """The object without the content of copies."""
    if obj["kind"] in COPIED:
        return {key: obj[key] for key in ("apiVersion", "kind", "metadata")}
    if obj["kind"] == "ConfigMap":
        return {**obj, "data": {key: "of the chart" if key in LONG else value for key, value in obj["data"].items()}}
    return obj
