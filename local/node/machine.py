"""The machine of a node: containerd, kubelet, kube-proxy and CoreDNS in their own namespaces, on a persistent disk."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from local.node import boot, files
from local.node.boot import Plan, Program
from local.node.cgroups import Cgroups
from local.node.network import remove_links_of_pods
from local.node.programs import NodePrograms
from local.processes import Child, Leash, ProcessFailedError

VOLUMES = Path("/var/lib/volumes")
"""Directory of the volumes that the node provides for claims."""

DISKS = {"containerd": "/var/lib/containerd", "kubelet": "/var/lib/kubelet", "log": "/var/log", "volumes": str(VOLUMES)}
"""What survives a reboot: mount points on the node by folder under `disk`. /run does not survive."""

SYSCTLS = (
    "/proc/sys/kernel/keys/root_maxbytes",
    "/proc/sys/kernel/keys/root_maxkeys",
    "/proc/sys/kernel/panic",
    "/proc/sys/kernel/panic_on_oops",
    "/proc/sys/vm/overcommit_memory",
    "/proc/sys/vm/panic_on_oom",
)
"""Sysctls that a kubelet sets (pkg/kubelet/cm/container_manager_linux.go, setupKernelTunables), here on copies."""

CONTAINERD_SECONDS = 30.0


def containerd_socket(boot_pid: int) -> Path:
    """Return containerd's socket, from outside of the machine with that first process."""
    return Path(f"/proc/{boot_pid}/root{files.CONTAINERD_SOCKET}")


def import_images(programs: NodePrograms, boot_pid: int, archive: Path) -> None:
    """Load the images of a Docker or OCI archive into a machine. Raises ProcessFailedError with ctr's output."""
    client = programs.containerd.with_name("ctr")
    command: list[str | Path] = [client, "--address", containerd_socket(boot_pid)]
    command += ["--namespace", "k8s.io", "images", "import", archive]
    result = subprocess.run(command, env=programs.environment(), capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise ProcessFailedError(f"containerd does not take {archive}: {result.stderr.strip()}")


@dataclass(frozen=True)
class MachineFacts:
    """The configuration of a machine: name, address, directory, and the kubeconfigs of its programs.

    As a client, it authenticates the API server by the certificate `authority`.
    """

    name: str
    address: str
    directory: Path
    authority: Path
    kubeconfigs: dict[str, Path]
    pause_image: str


class Machine:
    """A machine that can be switched on and off; `enter` precedes a command to run it in the machine's network."""

    def __init__(
        self, facts: MachineFacts, programs: NodePrograms, cgroups: Cgroups, enter: list[str], leash: Leash
    ) -> None:
        self._facts = facts
        self._programs = programs
        self._cgroups = cgroups
        self._enter = enter
        self._leash = leash
        self._child: Child | None = None
        self._configuration = facts.directory / "configuration"
        self._logs = facts.directory / "logs"
        for folder in ("configuration/network", "logs", "temporary", *(f"disk/{name}" for name in DISKS)):
            (facts.directory / folder).mkdir(parents=True, exist_ok=True)

    def switch_on(self) -> None:
        """Boot and wait until containerd answers. Raises ProcessFailedError or CgroupsUnusableError."""
        self._cgroups.make()
        self._write_files()
        plan = self._configuration / "plan.json"
        plan.write_text(json.dumps(self._plan(), indent=2))
        apart = ["unshare", "--mount", "--pid", "--uts", "--fork", "--kill-child", "--mount-proc"]
        command = [*self._enter, *apart, sys.executable, "-I", "-S", boot.__file__, str(plan)]
        self._child = Child("node", command, self._logs / "node.log", self._leash)
        self.wait_until(self._containerd_answers, CONTAINERD_SECONDS, "running containerd")

    def switch_off(self) -> None:
        """Cut the power; every process of the machine, including its pods, has ended, and nothing leads to the pods.

        Raises ProcessFailedError if the kernel keeps one.
        """
        if self._child is None:
            return
        self._child.stop()
        self._child = None
        if left := self._cgroups.remove():
            raise ProcessFailedError(f"{left} processes of the node do not end")
        remove_links_of_pods(self._enter)

    def must_run(self) -> None:
        """Check that it runs. Raises ProcessFailedError with the last output of its programs if it ended by itself."""
        if self._child is not None and not self._child.running:
            raise ProcessFailedError(f"the node ended by itself:\n{self._last_words()}")

    def wait_until(self, ready: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait until `ready` returns True. Raises ProcessFailedError if the machine ends first, or the time is up."""
        deadline = time.monotonic() + seconds
        while not ready():
            self.must_run()
            if time.monotonic() > deadline:
                raise ProcessFailedError(f"the node is not {what} after {seconds:.0f} s:\n{self._last_words()}")
            time.sleep(0.05)

    @property
    def boot_pid(self) -> int:
        """The machine's first process, by its id outside. Raises ProcessFailedError if it is off."""
        if self._child is None:
            raise ProcessFailedError("the node is off")
        children = Path(f"/proc/{self._child.pid}/task/{self._child.pid}/children").read_text().split()
        if not children:
            raise ProcessFailedError("the node is about to boot")
        return int(children[0])

    def _containerd_answers(self) -> bool:
        with suppress(OSError, ProcessFailedError), socket.socket(socket.AF_UNIX) as client:
            client.connect(str(containerd_socket(self.boot_pid)))
            return True
        return False

    def _last_words(self) -> str:
        logs = sorted(self._logs.glob("*.log"))
        tails = ("\n".join(log.read_text(errors="replace").splitlines()[-8:]) for log in logs)
        return "\n".join(f"--- {log.stem}\n{tail}" for log, tail in zip(logs, tails, strict=True))

    def _write_files(self) -> None:
        facts, folder = self._facts, self._configuration
        resolver = folder / "resolv.conf"
        written = {
            resolver: "",
            folder / "containerd.toml": files.containerd_configuration(
                facts.pause_image, self._programs.network_plugins, folder / "network"
            ),
            folder / "network" / "pods.conflist": files.network_configuration(),
            folder / "kubelet.yaml": files.kubelet_configuration(
                facts.address, f"/{self._cgroups.name}", facts.authority, resolver
            ),
            folder / "kube-proxy.yaml": files.proxy_configuration(facts.address, facts.kubeconfigs["kube-proxy"]),
            folder / "Corefile": files.dns_configuration(facts.address, facts.kubeconfigs["coredns"]),
        }
        for path, text in written.items():
            path.write_text(text)

    def _plan(self) -> Plan:
        programs = self._programs
        kept = [programs.packages, *(path.parent for path in (programs.kubelet, programs.kube_proxy, programs.coredns))]
        directory = self._facts.directory
        return Plan(
            host_name=self._facts.name,
            cgroups=[str(entrance) for entrance in self._cgroups.entrances],
            kept=[str(directory), *map(str, kept)],
            disks={place: str(directory / "disk" / name) for name, place in DISKS.items()},
            sysctls=list(SYSCTLS),
            environment={**programs.environment(), "HOME": "/run", "TMPDIR": str(directory / "temporary")},
            programs=self._commands(),
        )

    def _commands(self) -> list[Program]:
        programs, folder = self._programs, self._configuration
        kubelet = [
            f"--config={folder / 'kubelet.yaml'}",
            f"--kubeconfig={self._facts.kubeconfigs['kubelet']}",
            f"--hostname-override={self._facts.name}",
            f"--node-ip={self._facts.address}",
        ]
        proxy = [f"--config={folder / 'kube-proxy.yaml'}", f"--hostname-override={self._facts.name}"]
        return [
            self._program(programs.containerd, ["--config", str(folder / "containerd.toml")]),
            self._program(programs.kubelet, kubelet, after=str(files.CONTAINERD_SOCKET)),
            self._program(programs.kube_proxy, proxy),
            self._program(programs.coredns, ["-conf", str(folder / "Corefile")]),
        ]

    def _program(self, program: Path, arguments: list[str], after: str | None = None) -> Program:
        return Program(command=[str(program), *arguments], log=str(self._logs / f"{program.name}.log"), after=after)
