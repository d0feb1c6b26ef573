"""The tests that use a cluster run in one process, whichever files they are in."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from local.installation import ROOT

FIXTURE = "import pytest\n\n\n@pytest.fixture(scope='session')\ndef cluster():\n    return 'a cluster'\n"
ON_A_CLUSTER = "def test_first(cluster):\n    pass\n\n\ndef test_second(cluster):\n    pass\n"
WITHOUT = "def test_third():\n    pass\n\n\ndef test_fourth():\n    pass\n"
RAN = re.compile(r"^\[(gw\d)\] .*PASSED (?:\S*/)?(test_\w+\.py)::", re.MULTILINE)


def processes_of_files(folder: Path) -> dict[str, set[str]]:
    """Return by which processes the tests of each file are run, of two that share them."""
    options = ("-p", "tests.distribution", "-c", os.devnull, "--rootdir", folder, "--verbose")
    shared = ("--numprocesses=2", "--dist=loadgroup", "--no-loadscope-reorder")
    command: list[str | Path] = [sys.executable, "-m", "pytest", *options, *shared, folder]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found: dict[str, set[str]] = {}
    for process, file in RAN.findall(ran.stdout):
        found.setdefault(file, set()).add(process)
    return found


def test_files_with_the_same_cluster_are_run_by_one_process_and_others_by_another(tmp_path: Path) -> None:
    for name, content in {
        "conftest.py": FIXTURE,
        "test_a.py": ON_A_CLUSTER,
        "test_b.py": ON_A_CLUSTER,
        "test_c.py": WITHOUT,
    }.items():
        (tmp_path / name).write_text(content)

    found = processes_of_files(tmp_path)

    assert found["test_a.py"] == found["test_b.py"]
    assert [len(processes) for processes in found.values()] == [1, 1, 1]
    assert found["test_c.py"] != found["test_a.py"]
