"""An image of Rasa runs its virtual environment at another path than this machine."""

import subprocess
from pathlib import Path

import pytest

from local.images import ImageUnavailableError
from local.images.rasa_image import finish, moved_script, pack_environment, pack_python, python_prefix, recipe
from local.rasa import RELEASES


def make_files(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


def packed(command: list[str | Path]) -> list[str]:
    """The files in the tar that the command prints."""
    archive = subprocess.run(command, capture_output=True, check=True).stdout
    listing = subprocess.run(["tar", "--list"], input=archive, capture_output=True, check=True).stdout.decode()
    return [name for name in listing.splitlines() if not name.endswith("/")]


def test_the_interpreter_comes_with_its_library_and_without_what_only_its_developers_use(tmp_path: Path) -> None:
    prefix = make_files(
        tmp_path,
        "bin/python3.10",
        "include/Python.h",
        "lib/libpython3.10.so.1.0",
        "lib/python3.10/os.py",
        "lib/python3.10/unittest/case.py",
        "lib/python3.10/test/test_os.py",
        "lib/python3.10/site-packages/pip/__init__.py",
    )

    assert packed(pack_python(prefix)) == [
        "opt/python/bin/python3.10",
        "opt/python/lib/libpython3.10.so.1.0",
        "opt/python/lib/python3.10/os.py",
        "opt/python/lib/python3.10/unittest/case.py",
    ]


def test_the_packages_come_with_their_bytecode_and_without_tests_and_accelerators(tmp_path: Path) -> None:
    directory = make_files(
        tmp_path,
        "bin/rasa",
        "lib/python3.10/site-packages/jaxlib/xla.so",
        "lib/python3.10/site-packages/rasa/__pycache__/run.cpython-310.pyc",
        "lib/python3.10/site-packages/rasa/core/test.py",
        "lib/python3.10/site-packages/rasa/run.py",
        "lib/python3.10/site-packages/sklearn/tests/test_svm.py",
        "lib/python3.10/site-packages/tensorflow/include/op.h",
    )

    assert packed(pack_environment(directory)) == [
        "opt/venv/lib/python3.10/site-packages/rasa/__pycache__/run.cpython-310.pyc",
        "opt/venv/lib/python3.10/site-packages/rasa/core/test.py",
        "opt/venv/lib/python3.10/site-packages/rasa/run.py",
    ]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """What ties a virtual environment and an interpreter of this machine to an image."""
    binaries = make_files(tmp_path / "venv/bin", "activate.fish")
    (binaries / "rasa").write_text(f"#!{binaries}/python3.10\nmain()\n")
    (binaries / "python").symlink_to("/usr/bin/true")
    prefix = make_files(tmp_path / "python", "lib/libpython3.10.so.1.0")
    finish(tmp_path / "tree", binaries, prefix, "3.10")
    return tmp_path / "tree"


def test_a_script_names_the_interpreter_of_the_image(tree: Path) -> None:
    assert (tree / "opt/venv/bin/rasa").read_text() == "#!/opt/venv/bin/python3.10\nmain()\n"
    assert (tree / "opt/venv/bin/rasa").stat().st_mode & 0o111 == 0o111


def test_the_interpreter_of_the_environment_is_the_one_of_the_image(tree: Path) -> None:
    assert (tree / "opt/venv/bin/python3.10").readlink() == Path("/opt/python/bin/python3.10")
    assert (tree / "opt/venv/bin/python").readlink() == Path("python3.10")
    assert "home = /opt/python/bin\n" in (tree / "opt/venv/pyvenv.cfg").read_text()


def test_the_interpreter_finds_its_library_where_every_program_looks(tree: Path) -> None:
    assert (tree / "usr/lib/libpython3.10.so.1.0").readlink() == Path("/opt/python/lib/libpython3.10.so.1.0")


def test_any_user_of_group_0_may_write_the_home(tree: Path) -> None:
    assert (tree / "app").stat().st_mode & 0o777 == 0o775


def test_what_starts_no_interpreter_is_left_where_it_is(tree: Path) -> None:
    assert not (tree / "opt/venv/bin/activate.fish").exists()


def test_a_script_with_a_path_too_long_for_its_first_line_is_moved_as_well() -> None:
    binaries = Path("/home/someone/a-long-path/bin")

    moved = moved_script(b"#!/bin/sh\n'''exec' /home/someone/a-long-path/bin/python \"$0\" \"$@\"\n", binaries)

    assert moved == b"#!/bin/sh\n'''exec' /opt/venv/bin/python \"$0\" \"$@\"\n"


def test_a_python_of_the_system_cannot_be_packed(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho /usr\n")
    python.chmod(0o755)

    with pytest.raises(ImageUnavailableError, match="name it in RASA_PYTHON"):
        python_prefix(python)


def test_each_release_makes_an_image_of_its_own() -> None:
    assert len({recipe(release) for release in RELEASES.values()}) == len(RELEASES)
