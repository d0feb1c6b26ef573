"""Long operations show what they do, and for how long."""

import io
import threading

import pytest
from rich.console import Console

from local.progress import ConsoleProgress, ticking


def test_work_that_continues_is_reported_again_with_its_time_until_it_is_done() -> None:
    said: list[str] = []
    twice = threading.Event()

    def progress(line: str) -> None:
        said.append(line)
        if len(said) == 3:
            twice.set()

    with ticking(progress, "building", "built", every=0.01):
        assert twice.wait(10)

    assert said[0] == "building …"
    assert said[1] == "building: 0 s …"
    assert said[-1] == "built in 0 s"


def test_work_that_fails_is_not_called_done() -> None:
    said: list[str] = []

    with pytest.raises(OSError, match="no space left"), ticking(said.append, "building", "built"):
        raise OSError("no space left")

    assert said == ["building …"]


def test_every_line_stands_by_itself_where_there_is_no_terminal() -> None:
    output = io.StringIO()

    with ConsoleProgress(Console(file=output, force_terminal=False, width=20)) as progress:
        progress("building a thing with a long name …")
        progress("built [it] in 3 s")

    assert output.getvalue() == "building a thing with a long name …\nbuilt [it] in 3 s\n"
