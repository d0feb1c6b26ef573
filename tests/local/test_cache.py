"""What takes minutes to build is built once, completely, by one process at a time."""

import threading
from pathlib import Path

import pytest

from local.cache import cache_directory, locked, make_once
from local.progress import silent


@pytest.mark.parametrize(
    ("environment", "directory"),
    [
        ({"RASA_ENVIRONMENTS_CACHE": "/cache", "XDG_CACHE_HOME": "/xdg"}, "/cache"),
        ({"XDG_CACHE_HOME": "/xdg"}, "/xdg/rasa-environments"),
        ({}, f"{Path.home()}/.cache/rasa-environments"),
    ],
)
def test_the_cache_is_where_the_user_wants_it(environment: dict[str, str], directory: str) -> None:
    assert cache_directory(environment) == Path(directory)


def test_what_is_there_is_not_made_again(tmp_path: Path) -> None:
    made: list[Path] = []

    def make(path: Path) -> None:
        made.append(path)
        path.touch()

    first = make_once(tmp_path / "it", "making it", silent, make)
    second = make_once(tmp_path / "it", "making it", silent, make)

    assert first == second == tmp_path / "it"
    assert len(made) == 1


def test_what_fails_halfway_leaves_nothing(tmp_path: Path) -> None:
    def make(path: Path) -> None:
        path.write_text("half")
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        make_once(tmp_path / "it", "making it", silent, make)

    assert [path.name for path in tmp_path.iterdir()] == [".it.lock"]


def test_the_second_waits_for_the_first_and_says_so(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    order: list[str] = []
    waits = threading.Event()

    def second() -> None:
        def progress(line: str) -> None:
            order.append(line)
            waits.set()

        with locked(lock, "making it", progress):
            order.append("second")

    with locked(lock, "making it", silent):
        thread = threading.Thread(target=second)
        thread.start()
        assert waits.wait(10)
        order.append("first")
    thread.join(10)

    assert order[0].startswith("waiting for process ")
    assert order[0].endswith(", which is also making it …")
    assert order[1:] == ["first", "second"]
