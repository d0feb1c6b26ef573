"""Child processes never outlive the process that started them."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local.processes import Child, Leash, ProcessFailedError
from tests.eventually import eventually


def is_gone(pid: int) -> bool:
    """Return whether the process has ended, even if nobody has waited for it yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


PARENT = """
import sys, time
from pathlib import Path
from local.processes import Child, Leash
directory = Path(sys.argv[1])
leash = Leash()
leash.remove(directory)
child = Child("sleep", ["sleep", "1000"], directory / "log", leash)
print(child.pid, flush=True)
while True:  # one long sleep would go on after a signal that came just before it
    time.sleep(0.05)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_parent_takes_its_children_and_files_along(tmp_path: Path, number: signal.Signals) -> None:
    directory = tmp_path / "state"
    directory.mkdir()
    command = [sys.executable, "-c", PARENT, str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        os.kill(pid, 0)
        parent.send_signal(number)

    assert eventually(lambda: is_gone(pid))
    assert eventually(lambda: not directory.exists())


def test_stopping_ends_the_children_of_a_child_too(tmp_path: Path) -> None:
    leash = Leash()
    pids = tmp_path / "pid"
    child = Child("shell", ["sh", "-c", f"sleep 1000 & echo $! > {pids}; wait"], tmp_path / "log", leash)
    child.wait_until(lambda: pids.exists() and pids.read_text() != "", 20, "running")

    child.stop()
    leash.close()

    assert not child.running
    assert eventually(lambda: is_gone(int(pids.read_text())))


def test_a_process_that_ends_early_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    leash = Leash()
    child = Child("server", ["sh", "-c", "echo address already in use; exit 1"], tmp_path / "log", leash)

    with pytest.raises(ProcessFailedError, match=r"(?s)server ended by itself; its log ends:.*address already in use"):
        child.wait_until(lambda: False, 20, "ready")
    child.stop()
    leash.close()
