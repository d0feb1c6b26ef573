"""The operator between proxies, and the measurements of each fault."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path

import pytest

from local.cluster import LocalCluster
from tests.chaos.fault_run import HEADINGS, PROPERTY, Figures, Record
from tests.chaos.faults import Fault
from tests.chaos.history import History
from tests.chaos.operators import ProxiedOperator, proxied_operator
from tests.chaos.proxy import FaultProxy
from tests.chaos.scene import Probes, Scene
from tests.chaos.story import Story
from tests.integration import manifests
from tests.integration.conftest import Installation, model_server, tagged_model_server
from tests.integration.model_server_process import API_TOKEN, TOKEN, ModelServerProcess
from tests.integration.space import Objects, Space

__all__ = ["model_server", "tagged_model_server"]

NUMBERS = itertools.count(1)
NewOperator = Callable[..., ProxiedOperator]


@pytest.fixture(scope="module")
def scene(
    breakable_cluster: LocalCluster, breakable: Installation, tagged_model_server: ModelServerProcess
) -> Iterator[Scene]:
    """Return the operator between proxies, not started yet.

    It ends with the module: others have operators of their own on this cluster, which would find its work done.
    """
    with (
        FaultProxy.before_api_server(breakable.kubeconfig) as api,
        FaultProxy(tagged_model_server.url) as models,
    ):
        scene = Scene(breakable_cluster, breakable, api, models, tagged_model_server)
        yield scene
        scene.operator.kill()


@pytest.fixture(scope="module")
def users(scene: Scene) -> Iterator[Objects]:
    """Create a namespace with a ModelServer behind its proxy. Users bypass the other proxy."""
    space = Objects(scene.installed.api, f"chaos-{next(NUMBERS)}")
    space.create_namespace()
    space.apply(
        manifests.secret(manifests.CREDENTIALS, token=TOKEN, apiToken=API_TOKEN),
        manifests.model_server(scene.models.url),
    )
    yield space
    space.remove()


@pytest.fixture(scope="module")
def history(scene: Scene, users: Objects) -> Iterator[History]:
    """Record the history of all children."""
    with History(scene.installed.facts.kubeconfig, users.namespace) as history:
        yield history


@pytest.fixture
def sound(scene: Scene, users: Objects) -> Scene:
    """The scene, with the operator running and no fault."""
    scene.make_sound()
    return scene


@pytest.fixture
def space(sound: Scene, users: Objects) -> Space:
    """Return the namespace, and the operator that watches it."""
    return Space(users.api, users.namespace, sound.operator)


@pytest.fixture
def probes(sound: Scene) -> Iterator[Probes]:
    """Record what the kubelet would see."""
    with Probes(sound.operator.url) as probes:
        yield probes


@pytest.fixture
def story(sound: Scene, space: Space, history: History, fault: Fault) -> Iterator[Story]:
    """Create what users have before the fault."""
    story = Story(space, sound.model_server, history, fault.slug)
    story.prepare()
    yield story
    story.clear()


@pytest.fixture
def new_operator(breakable: Installation) -> Iterator[NewOperator]:
    """Create operators with flags, each behind its own proxy; kill those that still run at the end."""
    with ExitStack() as running:
        yield lambda *flags: running.enter_context(proxied_operator(breakable, *flags))


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Record:
    """Add a measurement to the report of the test."""
    properties = request.node.user_properties
    return lambda name, value: properties.append((name, value))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Collect the measurements of all faults; with --chaos-report, write them to that file as a Markdown table."""
    found = [
        Figures(**{each.name: dict(value)[each.name] for each in fields(Figures)})
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call"
        for name, value in report.user_properties
        if name == PROPERTY and isinstance(value, dict)
    ]
    if not found:
        return
    rows = [HEADINGS, *(figures.row() for figures in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS) - 1)]
    terminalreporter.section("faults")
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        terminalreporter.write_line("  ".join([*cells, row[-1]]).rstrip())
    if report_file := config.getoption("chaos_report"):
        Path(report_file).write_text(markdown(rows), encoding="utf-8")


def markdown(rows: list[tuple[str, ...]]) -> str:
    """A table."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(HEADINGS), *lines[1:]]) + "\n"
