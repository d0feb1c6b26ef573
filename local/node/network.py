"""A network namespace for a cluster, and one link from the machine to it.

The namespace has no name: it is gone, and the link with it, when the last process in it has ended.
"""

import ipaddress
import os
import subprocess
from pathlib import Path

from local.control_plane_flags import SERVICE_NETWORK
from local.processes import Child, Leash, ProcessFailed

LINKS = ipaddress.IPv4Network("198.18.0.0/16")
"""Of the block for tests between devices (RFC 2544), which nobody else uses."""

TAKEN = "File exists"


class ClusterNetwork:
    """The namespace, held open by a process that does nothing else; `name` is the link's, and unique on the machine."""

    def __init__(self, directory: Path, leash: Leash) -> None:
        self._holder = Child("network", ["unshare", "--net", "sleep", "infinity"], directory / "network.log", leash)
        try:
            self._holder.wait_until(self._is_apart, 10, "in a network of its own")
            self.name, self.address = self._connect()
        except BaseException:
            self.close()
            raise

    @property
    def prefix(self) -> list[str]:
        """What goes before a command to run it there."""
        return ["nsenter", f"--net=/proc/{self._holder.pid}/ns/net", "--"]

    def close(self) -> None:
        """Ends the namespace, once the processes in it have ended."""
        self._holder.stop()

    def _is_apart(self) -> bool:
        return Path(f"/proc/{self._holder.pid}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()

    def _connect(self) -> tuple[str, str]:
        """Makes the link on the first free subnet; returns its name, which has the number, and the address inside."""
        for subnet in LINKS.subnets(new_prefix=30):
            outside, inside = subnet[1], subnet[2]
            link = link_of(str(inside))
            try:
                _run("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", str(self._holder.pid))
            except ProcessFailed as error:
                if TAKEN in str(error):
                    continue
                raise
            _run("ip", "address", "add", f"{outside}/30", "dev", link)
            _run("ip", "link", "set", link, "up")
            for command in inside_commands(str(inside), str(outside)):
                _run(*self.prefix, *command)
            return link, str(inside)
        raise ProcessFailed(f"every subnet of {LINKS} is taken by a cluster: `ip link` lists them as rasa-node-…")


def link_of(address: str) -> str:
    """The name, on the machine, of the link to a cluster with this address, and of its control groups.

    >>> link_of("198.18.0.6")
    'rasa-node-1'
    """
    return f"rasa-node-{(int(ipaddress.IPv4Address(address)) - int(LINKS[0])) // 4}"


def inside_commands(address: str, gateway: str) -> list[list[str]]:
    """What makes the network work from the inside: addresses, a route to Services, and no way out."""
    return [
        ["ip", "link", "set", "lo", "up"],
        ["ip", "address", "add", f"{address}/30", "dev", "eth0"],
        ["ip", "link", "set", "eth0", "up"],
        ["ip", "route", "add", SERVICE_NETWORK, "via", gateway],
        ["ip", "route", "add", "unreachable", "default"],
    ]


def _run(*command: str) -> None:
    environment = {**os.environ, "LC_ALL": "C"}
    result = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if result.returncode != 0:
        raise ProcessFailed(f"`{' '.join(command)}` failed: {result.stderr.strip()}")
