"""The programs of a real node: built from pinned Go modules, or unpacked from Debian's packages, into the cache."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.binaries import COREDNS, KUBE_PROXY, KUBELET, Binaries, find_or_build, find_or_build_each
from local.cache import cache_directory, make_once
from local.progress import Progress
from local.services.debian import PackagesUnavailableError, unpack_packages
from local.services.programs import Programs, cache_name

PACKAGES = ("containerd", "runc", "containernetworking-plugins", "nftables")


class NodeUnavailableError(RuntimeError):
    """A real node cannot run here; the message says what is missing, why, and what to do."""


@dataclass(frozen=True)
class NodePrograms:
    """Paths of the programs; `packages` is the root of a file system with Debian's."""

    control_plane: Binaries
    kubelet: Path
    kube_proxy: Path
    coredns: Path
    packages: Path

    @property
    def containerd(self) -> Path:
        """containerd, with its client and shims beside it."""
        return self.packages / "usr" / "bin" / "containerd"

    @property
    def network_plugins(self) -> Path:
        """The directory of the CNI plugins."""
        return self.packages / "usr" / "lib" / "cni"

    def environment(self) -> dict[str, str]:
        """Return the variables that they need: a search path with the unpacked programs first, and their libraries."""
        unpacked = [self.packages / "usr" / folder for folder in ("sbin", "bin")]
        system = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
        return {**Programs(self.packages).environment(), "PATH": os.pathsep.join(map(str, [*unpacked, *system]))}


def find_or_build_node(progress: Progress, environment: Mapping[str, str] = os.environ) -> NodePrograms:
    """Find or build the programs (minutes, once). Raises BinariesUnavailableError or NodeUnavailableError."""
    control_plane = find_or_build("local", progress, environment)
    paths = find_or_build_each([KUBELET, KUBE_PROXY, COREDNS], {}, progress, environment)
    packages = _unpack(progress, environment)
    return NodePrograms(control_plane, paths[KUBELET], paths[KUBE_PROXY], paths[COREDNS], packages)


def _unpack(progress: Progress, environment: Mapping[str, str]) -> Path:
    target = cache_directory(environment) / cache_name(PACKAGES).replace("services-", "node-", 1)

    def make(path: Path) -> None:
        unpack_packages(PACKAGES, path, progress)

    try:
        return make_once(target, "fetching Debian packages", progress, make)
    except PackagesUnavailableError as error:
        raise NodeUnavailableError(
            f"a real node needs {', '.join(PACKAGES)} of Debian 12 or newer (nothing is installed), and apt does not "
            f"fetch them: {error}\nUse Docker's kind instead, or a machine with Debian or Ubuntu."
        ) from error
