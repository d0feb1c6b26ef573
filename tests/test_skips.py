"""A skipped test is a failed one in CI, and says why it was skipped."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.installation import ROOT

ONE_TEST = "import pytest\n\ndef test_something():\n    pytest.skip('no weather today')\n"
WHOLE_MODULE = "import pytest\n\npytest.skip('no weather today', allow_module_level=True)\n"


def run(tmp_path: Path, content: dict[str, str], *options: str, ci: bool) -> "subprocess.CompletedProcess[str]":
    """Run pytest on files with that content, with the hooks of tests/conftest.py."""
    for name, text in content.items():
        (tmp_path / name).write_text(text)
    variables = {name: value for name, value in os.environ.items() if name != "CI"} | ({"CI": "true"} if ci else {})
    own = ("-p", "tests.conftest", "-c", os.devnull, "--rootdir", tmp_path)
    return subprocess.run(
        [sys.executable, "-m", "pytest", *own, *options, tmp_path],
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("options", [(), ("--numprocesses=1",)], ids=["in this process", "in another process"])
def test_a_skip_fails_in_ci(tmp_path: Path, options: tuple[str, ...]) -> None:
    content = {"test_weather.py": ONE_TEST, "test_climate.py": WHOLE_MODULE}

    # Where a module cannot be loaded, pytest runs no test of the others unless it is told to.
    result = run(tmp_path, content, "--continue-on-collection-errors", *options, ci=True)

    assert result.returncode != 0
    assert "1 failed, 1 error" in result.stdout
    assert result.stdout.count("must not be skipped in CI: Skipped: no weather today") >= 2


def test_a_skip_elsewhere_is_a_skip(tmp_path: Path) -> None:
    result = run(tmp_path, {"test_weather.py": ONE_TEST}, ci=False)

    assert result.returncode == 0, result.stdout + result.stderr
    assert "1 skipped" in result.stdout
