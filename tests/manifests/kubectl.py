"""The real kubectl, run as users run it."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from rasa_environments.api.base import JsonObject


@dataclass(frozen=True)
class Output:
    """The output of a command, and its exit code."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Kubectl:
    """The program with an administrator's kubeconfig, in a namespace or in none."""

    program: Path
    kubeconfig: Path
    home: Path
    namespace: str | None = None

    def within(self, namespace: str) -> Kubectl:
        """Return the same for another namespace."""
        return replace(self, namespace=namespace)

    def attempt(self, *arguments: str, given: str | None = None) -> Output:
        """Runs a command that may fail; `given` is its standard input."""
        where = [f"--namespace={self.namespace}"] if self.namespace else []
        ran = subprocess.run(
            [self.program, f"--kubeconfig={self.kubeconfig}", *where, *arguments],
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
            env={**os.environ, "HOME": str(self.home), "KUBECTL_EXTERNAL_DIFF": "diff -u"},
        )
        return Output(ran.returncode, ran.stdout, ran.stderr)

    def __call__(self, *arguments: str, given: str | None = None) -> str:
        """Run a command that has to succeed without warnings, and return its output."""
        output = self.attempt(*arguments, given=given)
        assert (output.code, output.err) == (0, ""), f"kubectl {' '.join(arguments)}\n{output.out}{output.err}"
        return output.out

    def table(self, *arguments: str) -> tuple[list[str], list[list[str]]]:
        """Parse the output of `kubectl get`: the header, and the cells of each row, including empty ones."""
        header, *rows = self("get", *arguments).splitlines()
        starts = [found.start() for found in re.finditer(r"\S+", header)]
        ranges = list(zip(starts, [*starts[1:], None], strict=True))
        return header.split(), [[row[start:end].strip() for start, end in ranges] for row in rows]


def text_of(*objects: JsonObject) -> str:
    """Return the objects as a file for `kubectl apply`."""
    return yaml.safe_dump_all(objects, sort_keys=False)
