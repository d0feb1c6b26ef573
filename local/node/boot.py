"""The first process of a node, in its own process and mount namespaces: mounts what the node needs, and runs it.

Run as a program by `local.node.machine` with the path of a `Plan` in JSON. When it ends, the kernel ends everything
that it started, and the mounts disappear.
"""

import json
import os
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import NoReturn, TypedDict

HIDDEN = ("/run", "/var/lib", "/var/log")
"""Private directories of the node's programs, which hide those of the machine."""


class Program(TypedDict):
    """A program of the node and its log; it starts once `after`, a socket, accepts connections."""

    command: list[str]
    log: str
    after: str | None


class Plan(TypedDict):
    """Everything that a node consists of.

    `kept` stays visible in place, `disks` are mounted at their targets, `sysctls` are copies, which may be changed.
    """

    host_name: str
    cgroups: list[str]
    kept: list[str]
    disks: dict[str, str]
    sysctls: list[str]
    environment: dict[str, str]
    programs: list[Program]


def main(path: str) -> NoReturn:
    """Run the node until one of its programs ends."""
    plan: Plan = json.loads(Path(path).read_text())
    for entrance in plan["cgroups"]:
        Path(entrance).write_text("0")
    socket.sethostname(plan["host_name"])
    mount_all(plan)
    running: dict[int, str] = {}
    for program in plan["programs"]:
        if program["after"] is not None:
            wait_for(program["after"], running)
        running[start(program, plan["environment"])] = program["command"][0]
    while True:
        reap(running, 0)


def mount_all(plan: Plan) -> None:
    """Hide the machine's directories behind the node's own, and bind copies over the sysctls."""
    mount("--make-rshared", "/")
    wanted = [source for source in [*plan["kept"], *plan["disks"].values()] if source.startswith(HIDDEN)]
    handles = {source: os.open(source, os.O_PATH) for source in wanted}
    for directory in HIDDEN:
        mount("-t", "tmpfs", "-o", "mode=755", "node", directory)
    places = {
        **{path: path for path in plan["kept"] if path in handles},
        **plan["disks"],
    }
    for target, source in places.items():
        Path(target).mkdir(parents=True, exist_ok=True)
        origin = f"/proc/self/fd/{handles[source]}" if source in handles else source
        mount("--rbind", origin, target, keep=tuple(handles.values()))
    for number, name in enumerate(plan["sysctls"]):
        copy = Path("/run/sysctl") / str(number)
        copy.parent.mkdir(exist_ok=True)
        copy.write_text(Path(name).read_text())
        mount("--bind", str(copy), name)


def mount(*arguments: str, keep: tuple[int, ...] = ()) -> None:
    """Run `mount`, with the file descriptors in `keep` left open."""
    subprocess.run(["mount", *arguments], check=True, pass_fds=keep)


def start(program: Program, environment: dict[str, str]) -> int:
    """Start the program in its own session; return its process id."""
    with Path(program["log"]).open("ab") as log:
        child = subprocess.Popen(
            program["command"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    return child.pid


def wait_for(path: str, running: dict[int, str]) -> None:
    """Wait until something listens on the socket."""
    while True:
        with suppress(OSError), socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
            return
        reap(running, os.WNOHANG)
        time.sleep(0.02)


def reap(running: dict[int, str], options: int) -> None:
    """Reap a process, without waiting if `options` is WNOHANG; end the node if it is one of `running`."""
    with suppress(ChildProcessError):
        pid, status = os.waitpid(-1, options)
        if pid in running:
            sys.exit(f"{running[pid]} ended by itself, with exit code {os.waitstatus_to_exitcode(status)}")


if __name__ == "__main__":
    main(sys.argv[1])
