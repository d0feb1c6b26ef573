"""The documentation matches the code: names are complete, links work, examples are valid."""

import re
import tomllib
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from local.installation import ROOT
from rasa_environments.api.conditions import ConditionType, Reason
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_server import DEFAULT_REGISTRATIONS, ModelServer, Profile
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.cli.application import application
from rasa_environments.controller.answer_times import AnswerTimes
from rasa_environments.controller.promotions import Promotions
from rasa_environments.controller.queue import WorkQueue
from rasa_environments.desired.profiles import PROFILES
from rasa_environments.desired.secret_variables import FIXED_KEYS
from rasa_environments.domain.lister import Lister
from rasa_environments.judge.events import Action, EventReason
from rasa_environments.runtime.metrics import Metrics
from rasa_environments.runtime.watches import Watches
from tests.desired.contexts import children_by_kind, context
from tests.desired.golden_cases import given_context
from tests.named_tests import names_of_tests_in

DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")])
PROFILE_SAMPLES = sorted((ROOT / "manifests" / "samples" / "profiles").glob("*.yaml"))
KINDS = {kind.__name__: kind for kind in (ModelServer, DeploymentEnvironment, ModelTag)}


def named_in_tables(page: Path) -> list[str]:
    """Return what is marked as `code` in the first column of the page's tables."""
    cells = re.findall(r"^\| (`[^|]+?) \|", page.read_text(), re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def test_each_condition_type_and_reason_is_explained_and_nothing_else() -> None:
    assert sorted(named_in_tables(REFERENCE / "conditions.md")) == sorted([*ConditionType, *Reason])


def test_each_reason_and_action_of_an_event_is_explained_and_nothing_else() -> None:
    page = REFERENCE / "events.md"
    last_cells = re.findall(r"\| `(\w+)` \|$", page.read_text(), re.MULTILINE)

    assert sorted(named_in_tables(page)) == sorted(EventReason)
    assert set(last_cells) == set(Action)


def test_each_metric_is_explained_and_nothing_else() -> None:
    exposed = Metrics(Lister(), WorkQueue(), Watches({}), Promotions(), AnswerTimes()).text().decode()
    metrics = set(re.findall(r"^# TYPE (rasa_environments_\S+) ", exposed, re.MULTILINE))
    explained = {name for name in named_in_tables(REFERENCE / "settings.md") if name.startswith("rasa_environments_")}

    assert {name for name in metrics if not name.endswith("_created")} == explained


def test_each_dependency_is_explained_and_nothing_else() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]

    names = sorted(re.split(r"[\[<>=]", requirement)[0] for requirement in wanted)

    assert sorted(named_in_tables(REFERENCE / "dependencies.md")) == names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_that_are_there(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", re.sub(r"`[^`]*`", "", page.read_text()))

    assert [link for link in links if not link.startswith("https://") and not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_paths_that_are_named_are_there(page: Path) -> None:
    named = re.findall(r"`((?:operator|local|tests|manifests|crds|docs|samples)/[\w./-]*)`", page.read_text())

    assert [path for path in named if not (ROOT / path).exists()] == []


def examples() -> list[dict[str, Any]]:
    """Return the custom resources in the YAML of all pages."""
    blocks = [block for page in PAGES for block in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)]
    objects = [obj for block in blocks for obj in yaml.safe_load_all(block)]
    return [obj for obj in objects if isinstance(obj, dict) and obj.get("kind") in KINDS]


@pytest.mark.parametrize("example", examples(), ids=lambda example: str(example["kind"]))
def test_examples_are_valid(example: dict[str, Any]) -> None:
    metadata = {"namespace": "default", "uid": "1", "generation": 1, "creationTimestamp": "", "resourceVersion": "1"}

    KINDS[example["kind"]].model_validate({**example, "metadata": metadata | example["metadata"]})


def test_the_shortest_environment_has_ten_lines_at_most() -> None:
    block = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[0]

    assert yaml.safe_load(block)["kind"] == "DeploymentEnvironment"
    assert len(block.splitlines()) <= 10


def rows_of_pages() -> list[tuple[str, list[str]]]:
    """Return each row of the tables in docs/reference/pages.md: its subject, and the tests in its last column."""
    cells = [
        line.strip("| ").split(" | ") for line in (REFERENCE / "pages.md").read_text().splitlines() if line[:2] == "| "
    ]
    rows = [row for row in cells if row[-1].strip() != "test"]
    return [(row[0], re.findall(r"`([^`]+)`", row[-1])) for row in rows]


def test_the_table_of_the_pages_is_read_as_it_stands() -> None:
    rows = rows_of_pages()

    assert len(rows) > 50
    assert "a rotated token" in [what for what, _ in rows]


@pytest.mark.parametrize(("what", "tests"), rows_of_pages(), ids=lambda value: value[:40] if value else "")
def test_each_row_of_the_pages_is_proven_by_a_test_that_is_there(what: str, tests: list[str]) -> None:
    missing = [
        test for test in tests if test.partition("::")[2] not in names_of_tests_in(ROOT / test.partition("::")[0])
    ]

    assert tests, f"no test for: {what}"
    assert missing == []


def section(page: Path, title: str) -> str:
    """Return a section of a page, without its title."""
    return page.read_text().partition(f"\n## {title}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize(
    ("profile", "title", "case"),
    [
        ("RasaX-0.2", "Rasa X 0.2x", "rasa_x_0_2"),
        ("RasaX-0.32", "Rasa X 0.32", "rasa_x_0_32"),
        ("RasaEnterprise-1.0", "Rasa Enterprise 1.0", "rasa_enterprise_1_0"),
    ],
)
def test_each_variable_and_argument_of_a_profile_is_explained(profile: str, title: str, case: str) -> None:
    made = children_by_kind(given_context(case))
    (container,) = made["Deployment"]["spec"]["template"]["spec"]["containers"]
    explained = section(REFERENCE / "profiles.md", title)

    fixed = {entry["name"] for entry in container["env"] if "value" in entry or entry["name"] in FIXED_KEYS}
    written = fixed | {word for word in container["args"] if word[:2] == "--"}

    assert given_context(case).server.spec.profile == profile
    assert {name for name in written if re.search(rf"(?<![\w-]){name}(?![\w-])", explained) is None} == set()


def table_of_profiles() -> dict[str, dict[str, str]]:
    """Return the table in docs/explanation/profiles.md with a column for each profile.

    Title of a row to profile to cell.
    """
    lines = (DOCS / "explanation" / "profiles.md").read_text().partition("\n\n| | `RasaX-0.2` |")[2].splitlines()[2:]
    rows = [line.strip("| ").split(" | ") for line in takewhile(lambda line: line.startswith("|"), lines)]
    return {title: dict(zip(Profile, cells, strict=True)) for title, *cells in rows}


@pytest.mark.parametrize("profile", Profile)
def test_the_table_of_profiles_says_what_they_decide(profile: Profile) -> None:
    table, rules = table_of_profiles(), PROFILES[profile]
    support = context({}, name="support")

    assert table["Rasa (`rasa.version`)"][profile] == ", ".join(f"{major}.x" for major in sorted(rules.majors))
    assert table["`spec.registration`, if none is set"][profile] == f"`{DEFAULT_REGISTRATIONS[profile]}`"
    queue = table["RabbitMQ queue, if none is set"][profile].replace("<environment>", "support")
    assert queue == f"`{rules.queue(support)}`"
    ready = "ready" if rules.asks_production else "not ready"
    assert table["pods of production and worker before the first model"][profile] == ready
    own_queue = "queue" in table["unique on a ModelServer"][profile]
    assert own_queue == rules.own_queue_and_database


@pytest.mark.parametrize("file", PROFILE_SAMPLES, ids=lambda file: file.stem)
def test_the_sample_of_a_profile_becomes_all_children(file: Path) -> None:
    ran = CliRunner().invoke(application, ["render", "--file", str(file), "--namespace", "bots"])

    assert ran.exit_code == 0, ran.output
    deployments = [child for child in yaml.safe_load_all(ran.stdout) if child["kind"] == "Deployment"]
    assert len(deployments) == 3


def test_the_sample_of_an_action_server_becomes_one() -> None:
    file = ROOT / "manifests" / "samples" / "action-server" / "environment.yaml"

    ran = CliRunner().invoke(application, ["render", "--file", str(file), "--namespace", "bots"])

    assert ran.exit_code == 0, ran.output
    actions, rasa = (child for child in yaml.safe_load_all(ran.stdout) if child["kind"] == "Deployment")
    assert (actions["metadata"]["name"], rasa["metadata"]["name"]) == ("support-actions", "support-rasa")
    (container,) = actions["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "registry.example.com/support-actions:1.5", "that of the ModelTag"


@pytest.mark.parametrize(
    "file", [file for file in PROFILE_SAMPLES if file.stem != "rasa-pro"], ids=lambda file: file.stem
)
def test_the_sample_of_a_profile_has_what_rasa_x_does_not_start_without(file: Path) -> None:
    objects = list(yaml.safe_load_all(file.read_text()))
    names = [obj["metadata"]["name"] for obj in objects if obj["kind"] == "DeploymentEnvironment"]

    assert names[:2] == ["production", "worker"]
    assert len(names) > 2


def test_there_is_a_sample_of_each_generation() -> None:
    servers = [
        obj for file in PROFILE_SAMPLES for obj in yaml.safe_load_all(file.read_text()) if obj["kind"] == "ModelServer"
    ]

    assert {server["spec"]["profile"] for server in servers} == {*Profile} - {Profile.OPEN_SOURCE}


def alerts() -> list[str]:
    """Return the names of the alerts that the chart installs."""
    groups = yaml.safe_load((ROOT / "helm" / "rasa-environments" / "files" / "alerts.yaml").read_text())["groups"]
    return [rule["alert"] for group in groups for rule in group["rules"]]


def test_each_alert_has_a_runbook_and_nothing_else_has() -> None:
    runbooks = {file.stem: file.read_text().partition("\n")[0] for file in (DOCS / "runbooks").glob("*.md")}

    titles = {re.sub(r"(?<=[a-z])(?=[A-Z])", "-", alert).lower(): f"# {alert}" for alert in alerts()}

    assert runbooks == {**titles, "index": "# Runbooks"}


@pytest.mark.parametrize("alert", alerts())
def test_each_runbook_says_what_it_means_what_it_does_how_to_look_and_what_to_do(alert: str) -> None:
    (page,) = [file for file in (DOCS / "runbooks").glob("*.md") if file.read_text().startswith(f"# {alert}\n")]

    titles = re.findall(r"^## (.*)$", page.read_text(), re.MULTILINE)

    assert titles == ["Meaning", "Impact", "Diagnosis", "Mitigation"]
    assert "```sh\nkubectl " in section(page, "Diagnosis")
    assert f"[{alert}]({page.name})" in (DOCS / "runbooks" / "index.md").read_text()
