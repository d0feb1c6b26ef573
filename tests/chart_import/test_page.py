"""docs/how-to/migrate-from-rasa-x-helm.md matches the code."""

from __future__ import annotations

import json
import re

import yaml
from rasa_chart_import.importing import HelmRelease
from rasa_chart_import.importing import imported as import_values
from typer.main import get_command

from local.installation import ROOT
from rasa_chart_import.rasa_x.mapping import ENTRIES
from rasa_environments.cli.application import application
from tests.desired.contexts import context

from .cases import environments

PAGE = (ROOT / "docs" / "how-to" / "migrate-from-rasa-x-helm.md").read_text()


def rows(title: str) -> list[list[str]]:
    """The cells of the table in a section."""
    section = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [line.strip("| ").replace("\\<", "<").split(" | ") for line in lines]


def test_the_table_of_values_is_that_of_the_code_both_ways() -> None:
    written = [
        (path, outcome, text)
        for paths, outcome, text in rows("The chart's values, one by one")
        for path in re.findall(r"`([^`]+)`", paths)
    ]

    assert written == [(path, entry.outcome, entry.text) for entry in ENTRIES for path in entry.paths]


def test_each_value_is_in_the_table_once() -> None:
    paths = [path for entry in ENTRIES for path in entry.paths]

    assert sorted(set(paths)) == sorted(paths)


def test_each_option_is_explained_and_nothing_else() -> None:
    command = get_command(application).commands["import-helm-values"]  # type: ignore[attr-defined]
    options = {name for parameter in command.params for name in parameter.opts if parameter.name != "file"}

    explained = {name for cells in rows("2. Import") for name in re.findall(r"`(-[^`]+)`", cells[0])}

    assert explained | {"--help", "-h"} == options | {"--help", "-h"}


def test_the_services_are_led_to_the_pods_that_the_operator_makes() -> None:
    led = [json.loads(patch)[0]["value"] for patch in re.findall(r"'(\[\{\"op\".*?\}\])'", PAGE)]

    assert led == [dict(context({}, name=name).selector) for name in ("production", "worker")]


def test_the_chart_learns_the_addresses_of_the_operator_s_services() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    versions = yaml.safe_load(block)["rasa"]["versions"]

    addresses = [version["external"]["url"] for version in versions.values()]

    assert addresses == [
        f"http://{name}-rasa.bots.svc:5005" for name in environments(import_values({}, HelmRelease("my", "bots")))
    ]
    assert all(name in context({}, name=name).url for name in ("production", "worker"))
