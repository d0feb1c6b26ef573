"""docs/how-to/migrate-from-rasa-x-helm.md matches the code."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from typer.main import get_command

from local.installation import ROOT
from rasa_chart_import.all_sources import SOURCES
from rasa_chart_import.sources import Source
from rasa_environments.cli.application import application
from tests.desired.contexts import context

from .cases import environments, from_values

PAGE = (ROOT / "docs" / "how-to" / "migrate-from-rasa-x-helm.md").read_text()


def rows(title: str) -> list[list[str]]:
    """The cells of the table in a section."""
    section = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [line.strip("| ").replace("\\<", "<").split(" | ") for line in lines]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_each_value_is_in_the_table_once(source: Source) -> None:
    paths = [path for entry in source.table.entries for path in entry.paths]

    assert sorted(set(paths)) == sorted(paths)


def test_each_option_is_explained_and_nothing_else() -> None:
    command = get_command(application).commands["import"]  # type: ignore[attr-defined]
    options = {name for parameter in command.params for name in parameter.opts if parameter.name != "file"}

    explained = {name for cells in rows("2. Import") for name in re.findall(r"`(-[^`]+)`", cells[0])}

    assert explained | {"--help", "-h"} == options | {"--help", "-h"}


def test_the_services_are_led_to_the_pods_that_the_operator_makes() -> None:
    led = [json.loads(patch)[0]["value"] for patch in re.findall(r"'(\[\{\"op\".*?\}\])'", PAGE)]

    assert led == [dict(context({}, name=name).selector) for name in ("production", "worker")]


def test_the_chart_learns_the_addresses_of_the_operator_s_services() -> None:
    block = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0]
    versions = yaml.safe_load(block)["rasa"]["versions"]

    addresses = [version["external"]["url"] for version in versions.values()]

    assert addresses == [f"http://{name}-rasa.bots.svc:5005" for name in environments(from_values({}))]
    assert all(name in context({}, name=name).url for name in ("production", "worker"))
