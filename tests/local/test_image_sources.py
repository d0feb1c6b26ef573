"""The sources of the operator's image are pinned, and only named files reach the build."""

import re
import tomllib
from pathlib import Path

import pytest

from local.images.names import OPERATOR_IMAGE, PROJECT, VERSION
from local.images.operator_image import SOURCES, base_release, recipe, source_files

DOCKERFILE = (PROJECT / "Dockerfile").read_text()


def locked(name: str) -> dict[str, str]:
    """The versions in a lock file."""
    return dict(re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", (PROJECT / name).read_text(), re.MULTILINE))


def unhashed(name: str) -> list[str]:
    """The requirements of a lock file that are not followed by a hash."""
    entries = re.split(r"^(?=[a-z0-9])", (PROJECT / name).read_text(), flags=re.MULTILINE)[1:]
    return [entry.partition("==")[0] for entry in entries if "--hash=sha256:" not in entry]


def required(dependencies: list[str]) -> set[str]:
    return {re.split(r"[^a-z0-9._-]", dependency)[0] for dependency in dependencies}


@pytest.mark.parametrize("lock", ["requirements-runtime.lock", "requirements-build.lock"])
def test_what_is_installed_is_pinned_by_hash_at_the_versions_that_are_tested(lock: str) -> None:
    tested = locked("requirements.lock")

    assert locked(lock)
    assert locked(lock).items() <= tested.items()
    assert unhashed(lock) == []


def test_the_runtime_lock_has_every_dependency_and_nothing_of_development() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    locked_names = locked("requirements-runtime.lock").keys()

    assert required(project["dependencies"]) <= locked_names
    assert not {"pytest", "mypy", "ruff", "setuptools", "pip"} & locked_names


def test_the_base_image_is_pinned_by_date_and_digest() -> None:
    assert base_release(DOCKERFILE) == "bookworm"


def test_a_base_image_that_may_change_is_no_base_image() -> None:
    with pytest.raises(ValueError, match="is not from debian:RELEASE-DATE-slim@DIGEST"):
        base_release("FROM debian:bookworm-slim AS build\n")


def test_nothing_is_installed_from_an_index_without_its_hash() -> None:
    commands = re.findall(r"/build/bin/pip .*?(?= && |$)", DOCKERFILE.replace("\\\n", ""), re.MULTILINE)

    assert len(commands) == 4
    assert [line for line in commands if "--require-hashes" not in line and "--no-index" not in line] == []


def test_an_image_that_is_built_without_arguments_has_the_version_of_the_project() -> None:
    assert f"ARG VERSION={VERSION}\n" in DOCKERFILE
    assert f"rasa-environments:{VERSION}" == OPERATOR_IMAGE


def test_what_the_dockerfile_copies_is_what_the_build_sees_and_what_decides_on_a_new_image() -> None:
    instructions = DOCKERFILE.replace("\\\n", "")
    copied = {
        source
        for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", instructions, re.MULTILINE)
        for source in sources.split()
    }
    seen = re.findall(r"^!(\S+)$", (PROJECT / ".dockerignore").read_text(), re.MULTILINE)

    assert copied == set(seen)
    assert copied | {"Dockerfile", ".dockerignore"} == set(SOURCES)


def make_project(directory: Path) -> Path:
    """A checkout with all sources."""
    for name in SOURCES:
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        if name == "operator":
            (directory / name / "package").mkdir(parents=True)
            (directory / name / "package/module.py").write_text("x = 1\n")
        else:
            (directory / name).write_text(name)
    return directory


def test_an_image_is_made_again_when_a_source_changes(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    before = recipe(project)

    (project / "operator/package/module.py").write_text("x = 2\n")

    assert recipe(project) != before


def test_a_file_that_moves_makes_another_image(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    before = recipe(project)

    (project / "operator/package/module.py").rename(project / "operator/package/other.py")

    assert recipe(project) != before


def test_what_running_the_sources_leaves_makes_no_other_image(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    before = recipe(project)

    (project / "operator/package/__pycache__").mkdir()
    (project / "operator/package/__pycache__/module.cpython-311.pyc").write_bytes(b"\0")
    (project / "operator/package.egg-info").mkdir()
    (project / "operator/package.egg-info/PKG-INFO").touch()

    assert recipe(project) == before
    assert Path("operator/package/module.py") in set(source_files(project))
