"""Output for programs: JSON, YAML and names, the same for every command."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.cli.output import OutputFormat, as_yaml, name_of, show, show_object
from rasa_environments.cluster.resources import MODEL_TAGS, SECRETS

from .conftest import command

TAG = {
    "apiVersion": "rasa-environments.io/v1alpha1",
    "kind": "ModelTag",
    "metadata": {"name": "production", "managedFields": [{"manager": "kubectl-rasa"}]},
    "spec": {"model": "B"},
}
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def shown(output: OutputFormat, capsys: pytest.CaptureFixture[str]) -> str:
    """What is printed of one model in that format."""
    show(output, text=lambda: "model [red]B[/nope] :x:", document=lambda: [{"name": "B"}], names=["B"])
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("output", "printed"),
    [
        (OutputFormat.TEXT, "model [red]B[/nope] :x:\n"),
        (OutputFormat.JSON, '[\n  {\n    "name": "B"\n  }\n]\n'),
        (OutputFormat.YAML, "- name: B\n"),
        (OutputFormat.NAME, "B\n"),
    ],
)
def test_a_result_has_four_formats(output: OutputFormat, printed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(output, capsys) == printed


def test_a_name_is_written_as_by_kubectl() -> None:
    assert name_of(MODEL_TAGS, "production") == "modeltag.rasa-environments.io/production"
    assert name_of(SECRETS, "production-rasa") == "secret/production-rasa"


def test_an_object_is_printed_without_its_managed_fields(capsys: pytest.CaptureFixture[str]) -> None:
    show_object(OutputFormat.JSON, MODEL_TAGS, TAG)

    assert json.loads(capsys.readouterr().out) == {**TAG, "metadata": {"name": "production"}}


def test_an_object_that_messages_have_told_of_is_not_printed_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    show_object(OutputFormat.TEXT, MODEL_TAGS, TAG)

    assert capsys.readouterr().out == ""


@given(st.dictionaries(st.text(), PLAIN))
def test_yaml_means_the_same_as_json(document: Mapping[str, object]) -> None:
    assert yaml.safe_load(as_yaml([document])) == document


def test_a_format_that_does_not_exist_is_a_usage_error_that_lists_those_that_do() -> None:
    ran = command("history production -o table")

    assert ran.exit_code == 2
    assert all(name in ran.errors for name in ("text", "json", "yaml", "name"))
