"""Which Python each release of Rasa runs on, and where it is installed."""

from pathlib import Path

import pytest

from local.progress import silent
from local.rasa import RELEASES, RasaUnavailableError, find_python, rasa_environment
from local.rasa.environment import environment_name
from local.rasa.release import RasaRelease

VERSIONS = ("3.8", "3.7")


def python(path: Path, answer: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{answer}\n")
    path.chmod(0o755)
    return path


def test_a_python_that_is_named_is_taken(tmp_path: Path) -> None:
    named = python(tmp_path / "elsewhere" / "snake", "echo 3.7")
    python(tmp_path / "bin" / "python3.7", "echo 3.7")
    python(tmp_path / "bin" / "python3.8", "echo 3.8")

    assert find_python(VERSIONS, {"RASA_PYTHON": str(named), "PATH": str(tmp_path / "bin")}) == named


def test_of_several_that_are_named_each_release_takes_its_own(tmp_path: Path) -> None:
    old = python(tmp_path / "old", "echo 3.7")
    new = python(tmp_path / "new", "echo 3.10")
    environment = {"RASA_PYTHON": f"{old}:{new}", "PATH": ""}

    assert find_python(["3.7"], environment) == old
    assert find_python(["3.10"], environment) == new


def test_one_that_is_named_for_another_release_does_not_keep_others_from_being_found(tmp_path: Path) -> None:
    named = python(tmp_path / "elsewhere" / "snake", "echo 3.10")
    found = python(tmp_path / "bin" / "python3.7", "echo 3.7")

    assert find_python(["3.7"], {"RASA_PYTHON": str(named), "PATH": str(tmp_path / "bin")}) == found


def test_a_python_that_is_named_and_that_no_release_runs_on_is_refused(tmp_path: Path) -> None:
    named = python(tmp_path / "snake", "echo 3.13")

    with pytest.raises(
        RasaUnavailableError, match=r"snake is no Python 3\.7 or 3\.8 or 3\.10 or 3\.11 with venv: set it to one"
    ):
        find_python(VERSIONS, {"RASA_PYTHON": str(named), "PATH": ""})


def test_a_shim_that_does_not_run_is_passed_over(tmp_path: Path) -> None:
    python(tmp_path / "shims" / "python3.8", "echo 'pyenv: python3.8: command not found' >&2; exit 127")
    works = python(tmp_path / "bin" / "python3.8", "echo 3.8")

    assert find_python(VERSIONS, {"PATH": f"{tmp_path / 'shims'}:{tmp_path / 'bin'}"}) == works


def test_the_newest_of_pyenv_is_found_where_none_is_on_path(tmp_path: Path) -> None:
    python(tmp_path / "versions" / "3.8.2" / "bin" / "python3.8", "echo 3.8")
    newest = python(tmp_path / "versions" / "3.8.9" / "bin" / "python3.8", "echo 3.8")

    assert find_python(VERSIONS, {"PATH": "", "PYENV_ROOT": str(tmp_path)}) == newest


def test_what_uv_installed_is_found(tmp_path: Path) -> None:
    installed = ".local/share/uv/python/cpython-3.8.20-linux-x86_64-gnu/bin/python3.8"
    of_uv = python(tmp_path / installed, "echo 3.8")

    assert find_python(VERSIONS, {"PATH": "", "HOME": str(tmp_path)}) == of_uv


def test_where_there_is_none_it_says_what_is_missing_and_what_to_do(tmp_path: Path) -> None:
    nowhere = {"PATH": "", "HOME": str(tmp_path)}

    with pytest.raises(
        RasaUnavailableError,
        match=r"^real Rasa 1\.10\.26 needs Python 3\.7 with venv; there is none on PATH, in pyenv or in uv: "
        r"install one \(`pyenv install 3\.7`\), or name one in RASA_PYTHON$",
    ):
        rasa_environment(silent, RELEASES["1.10.26"], nowhere)


def test_the_best_version_is_preferred_wherever_it_is(tmp_path: Path) -> None:
    python(tmp_path / "bin" / "python3.7", "echo 3.7")
    preferred = python(tmp_path / "versions" / "3.8.9" / "bin" / "python3.8", "echo 3.8")

    assert find_python(VERSIONS, {"PATH": str(tmp_path / "bin"), "PYENV_ROOT": str(tmp_path)}) == preferred


def test_the_next_best_will_do(tmp_path: Path) -> None:
    fallback = python(tmp_path / "bin" / "python3.7", "echo 3.7")

    assert find_python(VERSIONS, {"PATH": str(tmp_path / "bin")}) == fallback


def test_each_release_has_its_pins() -> None:
    for version, release in RELEASES.items():
        assert f"rasa=={version}" in release.requirements.read_text().splitlines()


def test_other_pins_another_python_and_another_release_make_another_environment(tmp_path: Path) -> None:
    class Repinned(RasaRelease):
        requirements = tmp_path / "requirements.txt"

    release = RELEASES["2.8.34"]
    repinned = Repinned(release.version, release.pythons)
    repinned.requirements.write_text(release.requirements.read_text() + "another==1.0\n")

    names = [
        environment_name(release, "3.8"),
        environment_name(release, "3.7"),
        environment_name(repinned, "3.8"),
        environment_name(RELEASES["1.10.26"], "3.8"),
    ]

    assert len(set(names)) == len(names)
