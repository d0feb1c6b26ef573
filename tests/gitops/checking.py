"""The check of the sample repository, as its CI runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from local.binaries import KUBECONFORM, find_kubectl, find_or_build_program
from local.progress import silent


def run_check(repository: Path, scratch: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run it with only the programs that it needs, and the system's, on the path."""
    programs = scratch / "bin"
    programs.mkdir(exist_ok=True)
    for program in (find_kubectl(silent), find_or_build_program(KUBECONFORM, silent)):
        (programs / program.name).symlink_to(program)
    path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.defpath])
    return subprocess.run(
        [repository / "check", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HOME": str(scratch), "PATH": path, **variables},
    )
