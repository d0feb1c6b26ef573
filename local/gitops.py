"""The health of an object according to the libraries of Argo CD and Flux: Lua, healthCheckExprs and kstatus.

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
    """Return the program, built once from its pinned Go modules. Raises local.binaries.BinariesUnavailable."""
    return find_or_build_program(PROGRAM, progress, environment)


@dataclass(frozen=True)
class Question:
    """An object, and how to evaluate it."""

    object: Mapping[str, Any]
    script: str = ""
    """Lua for Argo CD's sandbox; empty for none."""
    checks: Sequence[Mapping[str, Any]] = ()
    """spec.healthCheckExprs of a Flux Kustomization; empty for none."""


@dataclass(frozen=True)
class Answer:
    """The results of a question."""

    lua: Any
    """The script's result as JSON; an empty table is an empty list. None if it failed."""
    lua_error: str
    flux: str
    """Current, InProgress, Failed, or Unknown if an expression fails."""
    kstatus: str


def ask(program: Path, questions: Sequence[Question]) -> list[Answer]:
    """Return the answers, in the order of the questions.

    Raises subprocess.CalledProcessError for an invalid question.
    """
    asked = [{"object": one.object, "script": one.script, "checks": list(one.checks) or None} for one in questions]
    answered = subprocess.run([program], input=json.dumps(asked), stdout=subprocess.PIPE, text=True, check=True)
    return [
        Answer(one.get("lua"), one.get("luaError", ""), one.get("flux", ""), one["kstatus"])
        for one in json.loads(answered.stdout)
    ]
