"""A complete Kubernetes cluster for development and tests, with simulated pods.

Start it, use its kubeconfig, stop it.
"""

import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from local.binaries import find_or_build
from local.flavour import Flavour, choose_flavour
from local.kind import KindCluster
from local.processes import Leash, ProcessFailedError
from local.progress import silent
from local.simulated import SimulatedCluster


@dataclass(frozen=True)
class ClusterFacts:
    """What a client of the cluster needs, above all an administrator's kubeconfig. kind writes no audit log.

    `kubectl` is the path of a matching one, if any.
    """

    kubeconfig: Path
    server: str
    audit_log: Path | None
    directory: Path
    flavour: Flavour
    kubectl: Path | None = None


class LocalCluster:
    """A cluster of the flavour from `choose_flavour`, in `directory` (empty or missing) or a temporary one.

    Nothing of it outlives this process, however this process ends, except that `kill -9` leaves kind's container.
    """

    def __init__(self, directory: Path | None = None, progress: Callable[[str], None] = silent) -> None:
        self._wanted_directory = directory
        self._progress = progress
        self._leash: Leash | None = None
        self._plane: SimulatedCluster | KindCluster | None = None

    def __enter__(self) -> ClusterFacts:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> ClusterFacts:
        """Find or build the programs, start the cluster and wait until pods can be created.

        Raises UnknownFlavourError, BinariesUnavailableError, or ProcessFailedError with the tail of the failing
        process' log.
        """
        flavour = choose_flavour()
        started = time.monotonic()
        try:
            plane = self._start_kind() if flavour == "kind" else self._start_control_plane(flavour)
        except BaseException:
            self.stop()
            raise
        self._progress(f"cluster ready in {time.monotonic() - started:.0f} s ({flavour}): {plane.server}")
        return ClusterFacts(
            kubeconfig=plane.kubeconfig,
            server=plane.server,
            audit_log=plane.audit_log,
            directory=plane.kubeconfig.parent,
            flavour=flavour,
            kubectl=plane.kubectl,
        )

    def stop(self) -> None:
        """End every process and remove every file of the cluster; does nothing if it was not started."""
        if self._plane is not None:
            self._plane.stop()
            self._plane = None
        if self._leash is not None:
            self._leash.close()
            self._leash = None

    def stop_api_server(self) -> None:
        """Kill the API server, as in a crash; the port and the data stay. Raises NotImplementedError with kind."""
        self._control_plane().stop_api_server()

    def start_api_server(self) -> None:
        """Restart the API server on the same port and data, and wait until it is ready. Raises ProcessFailedError."""
        self._control_plane().start_api_server()

    def _control_plane(self) -> SimulatedCluster:
        if not isinstance(self._plane, SimulatedCluster):
            raise NotImplementedError("only a running cluster with CLUSTER=local or envtest can stop its API server")
        return self._plane

    def _start_kind(self) -> KindCluster:
        directory, _ = self._make_directory()
        self._plane = kind = KindCluster(directory, self._progress)
        kind.start()
        return kind

    def _start_control_plane(self, flavour: Flavour) -> SimulatedCluster:
        binaries = find_or_build(flavour, self._progress)
        directory, leash = self._make_directory()
        while True:
            self._plane = plane = SimulatedCluster(binaries, directory, leash, self._progress)
            try:
                plane.start()
            except ProcessFailedError as error:
                plane.stop()
                if "address already in use" not in str(error):
                    raise
                self._progress("somebody took one of the ports; starting again on others")
                shutil.rmtree(directory)
                directory.mkdir(mode=0o700)
            else:
                return plane

    def _make_directory(self) -> tuple[Path, Leash]:
        if self._wanted_directory is None:
            directory = Path(tempfile.mkdtemp(prefix="rasa-environments-"))
        else:
            directory = self._wanted_directory.absolute()
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            if any(directory.iterdir()):
                raise FileExistsError(f"{directory} is not empty: name a new directory for the cluster")
        self._leash = Leash()
        self._leash.remove(directory)
        return directory, self._leash
