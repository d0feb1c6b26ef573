"""Exit codes: defined once, documented by every command and in the reference, and used as documented."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.installation import ROOT
from rasa_environments.cli.commands import MODULES
from rasa_environments.cli.exit_codes import ExitCode, ExitCodes
from rasa_environments.cli.failures import code_of, code_of_model_server, explained
from rasa_environments.cluster.errors import ApiError
from rasa_environments.rasa.errors import (
    ModelNameConflictError,
    ModelRefusedError,
    RasaError,
    UnauthorizedError,
    UnexpectedAnswerError,
    UnknownModelError,
    UnreachableError,
)
from rasa_environments.rasa.peers import Peer

from .conftest import command

REFERENCE = ROOT / "docs" / "reference" / "command-line.md"
COMMANDS: dict[str, ExitCodes] = {name: import_module(module).EXIT_CODES for name, module in MODULES.items()}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_tells_its_exit_codes_in_its_help(name: str) -> None:
    shown = command(f"{name} --help").output

    assert told(shown) == {*COMMANDS[name], ExitCode.USAGE}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_reference_tells_the_exit_codes_of_every_command(name: str) -> None:
    (section,) = re.findall(
        rf"^## `rasa-environments {name}`$(.*?)(?=^## |\Z)", REFERENCE.read_text(), re.MULTILINE | re.DOTALL
    )

    assert told(section.partition("\n## ")[0]) == {*COMMANDS[name], ExitCode.USAGE}


def told(text: str) -> set[int]:
    """The exit codes that a text lists."""
    return {int(code) for code in re.findall(r"^\s*\* `(\d+)`: \w", text, re.MULTILINE)}


@pytest.mark.parametrize("name", COMMANDS)
def test_an_option_that_does_not_exist_is_a_usage_error(name: str) -> None:
    assert command(f"{name} --nonsense").exit_code == ExitCode.USAGE


@pytest.mark.parametrize(
    ("status_code", "code"),
    [
        (0, ExitCode.FAILED),
        (400, ExitCode.REFUSED),
        (401, ExitCode.REFUSED),
        (403, ExitCode.REFUSED),
        (404, ExitCode.NOT_FOUND),
        (409, ExitCode.REFUSED),
        (422, ExitCode.REFUSED),
        (429, ExitCode.FAILED),
        (500, ExitCode.FAILED),
        (504, ExitCode.FAILED),
    ],
)
def test_an_answer_of_the_api_server_has_an_exit_code(status_code: int, code: ExitCode) -> None:
    assert code_of(ApiError(status_code, "Reason", "message")) is code


PROBLEM = (Peer.MODEL_SERVER, "http://rasa-x:5002", "is odd")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UnreachableError(*PROBLEM), ExitCode.FAILED),
        (UnauthorizedError(*PROBLEM), ExitCode.REFUSED),
        (ModelRefusedError(*PROBLEM), ExitCode.REFUSED),
        (ModelNameConflictError(*PROBLEM), ExitCode.REFUSED),
        (UnknownModelError(*PROBLEM), ExitCode.NOT_FOUND),
        (UnexpectedAnswerError(*PROBLEM), ExitCode.FAILED),
    ],
)
def test_an_answer_of_a_model_server_has_an_exit_code(error: RasaError, code: ExitCode) -> None:
    assert code_of_model_server(error) is code


@given(st.integers(0, 599), st.sampled_from(["", "pods is forbidden"]))
def test_every_answer_of_the_api_server_is_explained(status_code: int, message: str) -> None:
    words = explained(ApiError(status_code, "Because", message))

    assert words
    assert not words.startswith(("; ", ": "))
    assert "Because" in words or message in words


def test_a_file_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    ran = command(f"render -f {tmp_path}/none.yaml")

    assert (ran.exit_code, ran.errors) == (4, f"error: {tmp_path}/none.yaml not found: check the path\n")
