"""Which Python real Rasa runs on."""

from pathlib import Path

import pytest

from local.rasa.environment import REQUIREMENTS, RasaUnavailable, environment_name, find_rasa_python


def python(path: Path, answer: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{answer}\n")
    path.chmod(0o755)
    return path


def test_a_python_that_is_named_is_taken(tmp_path: Path) -> None:
    named = python(tmp_path / "elsewhere" / "snake", "echo 3.10")

    assert find_rasa_python({"RASA_PYTHON": str(named), "PATH": ""}) == named


def test_a_python_that_is_named_and_too_new_is_refused(tmp_path: Path) -> None:
    named = python(tmp_path / "snake", "echo 3.13")

    with pytest.raises(RasaUnavailable, match=r"snake is no Python 3\.10 or 3\.11 with venv: set it to one"):
        find_rasa_python({"RASA_PYTHON": str(named), "PATH": ""})


def test_a_shim_that_does_not_run_is_passed_over(tmp_path: Path) -> None:
    python(tmp_path / "shims" / "python3.10", "echo 'pyenv: python3.10: command not found' >&2; exit 127")
    works = python(tmp_path / "bin" / "python3.10", "echo 3.10")

    assert find_rasa_python({"PATH": f"{tmp_path / 'shims'}:{tmp_path / 'bin'}"}) == works


def test_the_newest_of_pyenv_is_found_where_none_is_on_path(tmp_path: Path) -> None:
    python(tmp_path / "versions" / "3.10.2" / "bin" / "python3.10", "echo 3.10")
    newest = python(tmp_path / "versions" / "3.10.9" / "bin" / "python3.10", "echo 3.10")

    assert find_rasa_python({"PATH": "", "PYENV_ROOT": str(tmp_path)}) == newest


def test_three_ten_is_preferred_to_three_eleven(tmp_path: Path) -> None:
    python(tmp_path / "bin" / "python3.11", "echo 3.11")
    preferred = python(tmp_path / "versions" / "3.10.9" / "bin" / "python3.10", "echo 3.10")

    assert find_rasa_python({"PATH": str(tmp_path / "bin"), "PYENV_ROOT": str(tmp_path)}) == preferred


def test_three_eleven_will_do(tmp_path: Path) -> None:
    fallback = python(tmp_path / "bin" / "python3.11", "echo 3.11")

    assert find_rasa_python({"PATH": str(tmp_path / "bin")}) == fallback


def test_other_pins_make_another_environment(tmp_path: Path) -> None:
    pins = tmp_path / "requirements.txt"
    pins.write_text(REQUIREMENTS.read_text() + "another==1.0\n")

    assert environment_name("3.10", pins) != environment_name("3.10")
    assert environment_name("3.11") != environment_name("3.10")
