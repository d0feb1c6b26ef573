"""Errors about unknown values, and consistency of the chart's files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.helm import CHART, VERSIONS, Version
from release.chart.files import COPIES, differences, generated, rules, write
from release.chart.values import ChartValues
from tests.helm.rendering import RefusedError, render, run

TYPOS: dict[str, tuple[dict[str, Any], str]] = {
    "a key": ({"replica": 2}, "additional properties 'replica' not allowed"),
    "a key within": ({"crds": {"instal": True}}, "at '/crds': additional properties 'instal' not allowed"),
    "a deep key": (
        {"metrics": {"rules": {"runbook": "x"}}},
        "at '/metrics/rules': additional properties 'runbook' not allowed",
    ),
    "a type": ({"replicas": "two"}, "at '/replicas': got string, want integer"),
    "a list": ({"namespaces": "bots"}, "at '/namespaces': got string, want array"),
    "a switch": ({"promotion": {"stamp": "no"}}, "at '/promotion/stamp': got string, want null or boolean"),
    "a choice": (
        {"image": {"pullPolicy": "never"}},
        "at '/image/pullPolicy': value must be one of 'Always', 'IfNotPresent', 'Never'",
    ),
    "a range": ({"operator": {"settings": {"workers": 0}}}, "at '/operator/settings/workers': minimum: got 0, want 1"),
    "a name": ({"namespaces": ["Bots"]}, "at '/namespaces/0': 'Bots' does not match pattern"),
    "an environment": (
        {"environments": {"staging": {"rasa": {"verison": "3.6.21"}}}},
        "at '/environments/staging/rasa': additional properties 'verison' not allowed",
    ),
    "a model server": (
        {"modelServers": {"default": {"uri": "http://rasa-x:5002"}}},
        "at '/modelServers/default': additional properties 'uri' not allowed",
    ),
    "defaults": ({"defaults": {"replica": 1}}, "at '/defaults': additional properties 'replica' not allowed"),
    "a tag": (
        {"modelTags": {"production": {"modell": "20260101-120000"}}},
        "at '/modelTags/production': additional properties 'modell' not allowed",
    ),
}


@pytest.mark.parametrize("typo", TYPOS)
@pytest.mark.parametrize("version", VERSIONS)
def test_a_typo_is_refused_with_the_place_and_what_is_wrong(version: Version, typo: str) -> None:
    values, message = TYPOS[typo]

    with pytest.raises(RefusedError) as refused:
        render(values, version=version)

    assert message in str(refused.value)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_chart_has_nothing_that_helm_advises_against(version: Version) -> None:
    said = run(version, ["lint", "--strict", CHART])

    assert re.findall(r"^\[(\w+)\] (.*)$", said, re.MULTILINE) == [("INFO", "Chart.yaml: icon is recommended")]


@pytest.mark.parametrize(
    "values", [{}, {"modelServer": {"enabled": True, "tokens": {"existingSecret": "tokens"}}}, {"replicas": 2}], ids=str
)
def test_both_versions_of_helm_make_the_same(values: dict[str, Any]) -> None:
    assert render(values, version=3) == render(values, version=4)


def test_a_chart_above_may_name_the_condition_and_give_what_is_global() -> None:
    assert render({"enabled": True, "global": {"team": "bots"}}) == render()


def test_the_values_of_the_chart_are_the_defaults_of_the_models() -> None:
    written = yaml.safe_load((CHART / "values.yaml").read_text())

    assert ChartValues.model_validate(written) == ChartValues()


def test_every_value_is_in_the_readme() -> None:
    keys = set(re.findall(r"^\| `([^`]+)` \|", (CHART / "README.md").read_text(), re.MULTILINE))

    assert {"replicas", "crds.keep", "modelServer.persistence.size", "metrics.rules.runbookUrl"} <= keys
    assert len(keys) > 80


def test_the_generated_files_are_current() -> None:
    assert differences(CHART, generated()) == []


def test_a_file_that_is_not_current_is_named(tmp_path: Path) -> None:
    write(tmp_path, generated())
    (tmp_path / COPIES[0] / "modeltags.yaml").unlink()
    (tmp_path / COPIES[1] / "gone.yaml").write_text("")
    (tmp_path / "values.yaml").write_text("replicas: 7\n")

    assert differences(tmp_path, generated()) == [
        "files/crds/modeltags.yaml: is missing",
        "values.yaml: differs from what it is made from",
        "files/promotion/gone.yaml: is a copy of nothing",
    ]

    write(tmp_path, generated())

    assert differences(tmp_path, generated()) == []


def test_the_rules_of_a_role_are_taken_with_their_comments() -> None:
    manifest = "kind: Role\nmetadata:\n  name: a-reader\nrules:\n  # why\n  - apiGroups: [x]\n    verbs: [get]\n"

    assert rules(f"kind: ServiceAccount\n---\n{manifest}") == {"a-reader": "# why\n- apiGroups: [x]\n  verbs: [get]\n"}
