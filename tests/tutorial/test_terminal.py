"""A terminal keeps what a reader's terminal keeps, and leaves no process running."""

from __future__ import annotations

import os
from pathlib import Path

from tests.eventually import eventually
from tests.tutorial.terminal import Ran, terminal

ENVIRONMENT = {"PATH": os.environ["PATH"]}


def test_a_command_prints_and_ends(tmp_path: Path) -> None:
    with terminal(tmp_path, ENVIRONMENT) as shell:
        assert shell.run("echo one; echo two >&2") == Ran("one\ntwo\n", 0)
        assert shell.run("printf unended; false") == Ran("unended", 1)


def test_variables_stay_from_command_to_command(tmp_path: Path) -> None:
    with terminal(tmp_path, ENVIRONMENT) as shell:
        shell.run("export GREETING=hello")

        assert shell.run("echo $GREETING") == Ran("hello\n", 0)


def test_what_runs_in_the_background_ends_with_the_terminal(tmp_path: Path) -> None:
    with terminal(tmp_path, ENVIRONMENT) as shell:
        shell.run("sleep 1000 &")
        background = int(shell.run("jobs -p").output)

    assert eventually(lambda: not Path(f"/proc/{background}").exists())
