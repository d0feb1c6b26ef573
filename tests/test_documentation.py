"""What the documentation says is so: names are complete, links lead somewhere, examples are valid."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.installation import ROOT
from rasa_environments.api.conditions import ConditionType, Reason
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_server import ModelServer
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.reconcile.directory import Directory
from rasa_environments.reconcile.queue import WorkQueue
from rasa_environments.runtime.metrics import Metrics
from rasa_environments.runtime.settings import Settings

DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.glob("*.md")])
KINDS = {kind.__name__: kind for kind in (ModelServer, DeploymentEnvironment, ModelTag)}


def named_in_tables(page: Path) -> list[str]:
    """What stands as `code` in the first column of the page's tables."""
    cells = re.findall(r"^\| (`[^|]+?) \|", page.read_text(), re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def test_each_condition_type_and_reason_is_explained_and_nothing_else() -> None:
    assert sorted(named_in_tables(DOCS / "conditions.md")) == sorted([*ConditionType, *Reason])


def test_each_setting_is_explained_and_nothing_else() -> None:
    renamed = {"namespaces": "--namespace"}
    options = {renamed.get(name, f"--{name.replace('_', '-')}") for name in Settings.model_fields}

    explained = {name for name in named_in_tables(DOCS / "operations.md") if name.startswith("--")}

    assert explained == options


def test_each_metric_is_explained_and_nothing_else() -> None:
    exposed = Metrics(Directory(), WorkQueue()).text().decode()
    metrics = set(re.findall(r"^# TYPE (\S+) ", exposed, re.MULTILINE))
    explained = {name for name in named_in_tables(DOCS / "operations.md") if name.startswith("rasa_environments_")}

    assert {name for name in metrics if not name.endswith("_created")} == explained


def test_each_dependency_is_explained_and_nothing_else() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]

    names = sorted(re.split(r"[<>=]", requirement)[0] for requirement in wanted)

    assert sorted(named_in_tables(DOCS / "dependencies.md")) == names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_that_are_there(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text())

    assert [link for link in links if not link.startswith("https://") and not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_paths_that_are_named_are_there(page: Path) -> None:
    named = re.findall(r"`((?:operator|local|tests|manifests|crds|docs|samples)/[\w./-]*)`", page.read_text())

    assert [path for path in named if not (ROOT / path).exists()] == []


def examples() -> list[dict[str, Any]]:
    """Our resources among the YAML of all pages."""
    blocks = [block for page in PAGES for block in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)]
    return [obj for block in blocks for obj in yaml.safe_load_all(block) if obj.get("kind") in KINDS]


@pytest.mark.parametrize("example", examples(), ids=lambda example: str(example["kind"]))
def test_examples_are_valid(example: dict[str, Any]) -> None:
    metadata = {"namespace": "default", "uid": "1", "generation": 1, "creationTimestamp": "", "resourceVersion": "1"}

    KINDS[example["kind"]].model_validate({**example, "metadata": metadata | example["metadata"]})


def test_the_shortest_environment_has_ten_lines_at_most() -> None:
    block = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[0]

    assert yaml.safe_load(block)["kind"] == "DeploymentEnvironment"
    assert len(block.splitlines()) <= 10
