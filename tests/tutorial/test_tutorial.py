"""The tutorial is typed as written, and its output is what it shows."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from local.addresses import free_ports
from local.binaries import find_or_build
from local.flavour import choose_flavour
from local.installation import ROOT
from local.progress import ConsoleProgress
from tests.tutorial.page import Command, File, steps
from tests.tutorial.terminal import Terminal, terminal

PAGE = ROOT / "docs" / "tutorial.md"
PORTS = ("5002", "8080")
"""The page's ports; free ones replace them here, because the page's may be in use."""

KEPT = ("HOME", "LANG", "XDG_CACHE_HOME", "RASA_ENVIRONMENTS_CACHE", "KUBEBUILDER_ASSETS")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout to write into: links to the files of this one, and a new virtual environment."""
    for path in ROOT.iterdir():
        if path.name not in {".venv", "build"}:
            (tmp_path / path.name).symlink_to(path)
    (tmp_path / ".venv").mkdir()
    for path in (ROOT / ".venv").iterdir():
        if path.name != ".made":
            (tmp_path / ".venv" / path.name).symlink_to(path)
    (tmp_path / ".venv" / ".made").touch()
    return tmp_path


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The variables of a reader who has kubectl."""
    flavour = choose_flavour()
    if flavour == "kind":
        pytest.skip(
            "the tutorial's model server runs on this machine, where the operator is; see it with CLUSTER=local"
        )
    kubectl = find_or_build(flavour, ConsoleProgress()).kubectl
    path = f"{kubectl.parent}:{os.environ['PATH']}"
    known = {name: os.environ[name] for name in KEPT if name in os.environ}
    return {**known, "CLUSTER": flavour, "PATH": path, "TMPDIR": str(tmp_path)}


def test_every_command_of_the_tutorial_does_what_the_page_shows(checkout: Path, environment: dict[str, str]) -> None:
    page = PAGE.read_text()
    for port, free in zip(PORTS, free_ports(len(PORTS)), strict=True):
        page = page.replace(port, str(free))

    with terminal(checkout, environment) as shell:
        for step in steps(page):
            take(step, shell, checkout)


def take(step: File | Command, shell: Terminal, directory: Path) -> None:
    """Perform one step, and check its result."""
    if isinstance(step, File):
        (directory / step.path).write_text(step.text)
        return
    ran = shell.run(step.text)
    assert (ran.exit_code != 0) == step.fails, f"$ {step.text}\n{ran.output}ended with exit code {ran.exit_code}"
    assert step.promised(ran.output), f"$ {step.text}\n{ran.output}\nis not what the page shows:\n{step.printed}"
