"""What Argo CD and Flux make of an object, by their own libraries: Lua in Argo CD's sandbox, healthCheckExprs, kstatus.

The program behind it is `modules/gitops/main.go`.
"""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.binaries import GoProgram, find_or_build_program
from local.progress import Progress

PROGRAM = GoProgram("gitops", "gitops", ".", "github.com/fluxcd/pkg/runtime")


def find_or_build_gitops(progress: Progress, environment: Mapping[str, str] = os.environ) -> Path:
    """Returns the program, built once from its pinned Go modules. Raises local.binaries.BinariesUnavailable."""
    return find_or_build_program(PROGRAM, progress, environment)


@dataclass(frozen=True)
class Question:
    """An object, and what to ask about it."""

    object: Mapping[str, Any]
    script: str = ""
    """Lua for Argo CD's sandbox; empty: none."""
    checks: Sequence[Mapping[str, Any]] = ()
    """spec.healthCheckExprs of a Flux Kustomization; empty: none."""


@dataclass(frozen=True)
class Answer:
    """What was asked for."""

    lua: Any
    """What the script returned, as JSON; an empty table is an empty list. None where it failed."""
    lua_error: str
    flux: str
    """Current, InProgress, Failed, or Unknown where an expression fails."""
    kstatus: str


def ask(program: Path, questions: Sequence[Question]) -> list[Answer]:
    """The answers, in the order of the questions. Raises subprocess.CalledProcessError where a question is none."""
    asked = [{"object": one.object, "script": one.script, "checks": list(one.checks) or None} for one in questions]
    answered = subprocess.run([program], input=json.dumps(asked), stdout=subprocess.PIPE, text=True, check=True)
    return [
        Answer(one.get("lua"), one.get("luaError", ""), one.get("flux", ""), one["kstatus"])
        for one in json.loads(answered.stdout)
    ]
