"""A real Rasa server, started as the kubelet would start the container of a Deployment's pod."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace as changed
from pathlib import Path
from types import TracebackType
from typing import Self

from local.processes import Child, Leash
from local.rasa.container import Pod, Translation, find_container, mapped_paths, plan_run

CONTAINER = "rasa"

LISTENING = Path(__file__).parent / "listening.py"


class RasaProcess:
    """A Rasa server in place of a pod, with the container's args, environment and files, in a private directory.

    `binaries` is the result of `rasa_environment`, for any release. `interface`, such as the pod's own loopback
    address, is where the server listens instead of everywhere. `replace` maps text in arguments, variables and files,
    such as a host name of the cluster to an address on this machine.
    """

    def __init__(
        self,
        binaries: Path,
        pod: Pod,
        interface: str | None = None,
        replace: Mapping[str, str] | None = None,
        container: str = CONTAINER,
    ) -> None:
        self._leash = Leash()
        self._root = Path(tempfile.mkdtemp(prefix="rasa-environments-pod-"))
        self._leash.remove(self._root)
        self._interface = interface
        self._container = find_container(pod, container)
        self._replace = dict(replace or {})
        run = plan_run(pod, container, self._root, [str(binaries / "rasa")], self._replace)
        if interface is not None:
            run = changed(run, command=[str(binaries / "python"), str(LISTENING), interface, *run.command])
        self._run = changed(run, environment=self._completed(run.environment, binaries))
        self._child: Child | None = None

    @property
    def port(self) -> int:
        """The container's first port."""
        ports = self._container.get("ports") or [{"containerPort": 5005}]
        return int(ports[0]["containerPort"])

    @property
    def url(self) -> str:
        """The URL of the server, without a trailing slash."""
        return f"http://{self._interface or '127.0.0.1'}:{self.port}"

    @property
    def pid(self) -> int:
        """The process id of the started server, which changes with a restart. Raises RuntimeError before start()."""
        if self._child is None:
            raise RuntimeError("start() comes before pid")
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether the server was started and has not ended."""
        return self._child is not None and self._child.running

    def start(self) -> None:
        """Start the server and return at once; Rasa takes 15 to 20 seconds to open its port."""
        for directory in self._run.directories:
            directory.mkdir(parents=True, exist_ok=True)
        for path, text in self._run.files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            path.touch(mode=0o600)
            path.write_text(text)
            path.chmod(self._mode(path))
        self._child = Child(
            "rasa",
            self._run.command,
            self._root / "rasa.log",
            self._leash,
            environment=self._run.environment,
            directory=self._run.directory,
        )

    def wait_until(self, ready: Callable[[], bool], seconds: float = 120, what: str = "ready") -> None:
        """Wait until `ready` returns True.

        Raises ProcessFailedError, with the tail of the log, if the server ends first.
        """
        if self._child is None:
            raise RuntimeError("start() comes before wait_until()")
        self._child.wait_until(ready, seconds, what)

    def run_probe(self, command: list[str], seconds: float = 30) -> int:
        """Run the command of an exec probe beside the server, unchanged; return its exit code, 0 for success.

        The pod's 127.0.0.1 is `interface` here.
        """
        address = {f"127.0.0.1:{self.port}": f"{self._interface or '127.0.0.1'}:{self.port}"}
        translate = Translation(self._root, mapped_paths(self._container), {**self._replace, **address})
        result = subprocess.run(
            [translate(part) for part in command],
            env=self._run.environment,
            cwd=self._run.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
        return result.returncode

    def log(self, lines: int = 20) -> str:
        """Return the last lines of the server's log."""
        return "" if self._child is None else self._child.log_tail(lines)

    def stop(self, patience: float = 5) -> None:
        """End the server and all its children, and remove its files."""
        if self._child is not None:
            self._child.stop(patience)
            self._child = None
        self._leash.close()

    def _mode(self, path: Path) -> int:
        """Return the mode of a file: in a pod, root's group can read it; without root, nobody else can."""
        mode = self._run.modes.get(path, 0o644)
        return mode if os.geteuid() == 0 else mode & ~0o040

    def _completed(self, environment: Mapping[str, str], binaries: Path) -> dict[str, str]:
        """Add the variables of the image: the search path, a home, and a directory for temporary files."""
        image = {"PATH": f"{binaries}{os.pathsep}/usr/local/bin:/usr/bin:/bin", "HOME": str(self._root / "app")}
        scratch = self._root / "tmp"
        scratch.mkdir(exist_ok=True)
        return {**image, "TMPDIR": str(scratch), **environment}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
