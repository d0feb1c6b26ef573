"""A network namespace for a cluster, and a link to it from the machine.

The namespace has no name: it disappears, and the link with it, when the last process in it has ended.
"""

import ipaddress
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from local.control_plane_flags import SERVICE_NETWORK
from local.processes import Child, Leash, ProcessFailedError

LINKS = ipaddress.IPv4Network("198.18.0.0/16")
"""Part of the block for tests between devices (RFC 2544), which nothing else uses."""

TAKEN = "File exists"
GONE = "Cannot find device"


class ClusterNetwork:
    """The namespace, held open by an idle process; `name` is the link's, and unique on the machine."""

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
        """The prefix of a command to run it in the namespace."""
        return ["nsenter", f"--net=/proc/{self._holder.pid}/ns/net", "--"]

    def close(self) -> None:
        """End the namespace, once the processes in it have ended."""
        self._holder.stop()

    def _is_apart(self) -> bool:
        return Path(f"/proc/{self._holder.pid}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()

    def _connect(self) -> tuple[str, str]:
        """Create the link on the first free subnet.

        Return its name, which contains the number, and the inner address.
        """
        for subnet in LINKS.subnets(new_prefix=30):
            outside, inside = subnet[1], subnet[2]
            link = link_of(str(inside))
            try:
                _run("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", str(self._holder.pid))
            except ProcessFailedError as error:
                if TAKEN in str(error):
                    continue
                raise
            _run("ip", "address", "add", f"{outside}/30", "dev", link)
            _run("ip", "link", "set", link, "up")
            for command in inside_commands(str(inside), str(outside)):
                _run(*self.prefix, *command)
            return link, str(inside)
        raise ProcessFailedError(f"every subnet of {LINKS} is taken by a cluster: `ip link` lists them as rasa-node-…")


def link_of(address: str) -> str:
    """Return the name, on the machine, of the link to a cluster with this address, and of its control groups.

    >>> link_of("198.18.0.6")
    'rasa-node-1'
    """
    return f"rasa-node-{(int(ipaddress.IPv4Address(address)) - int(LINKS[0])) // 4}"


def inside_commands(address: str, gateway: str) -> list[list[str]]:
    """Return the commands that set up the network from the inside: addresses, a route to Services, and no way out."""
    return [
        ["ip", "link", "set", "lo", "up"],
        ["ip", "address", "add", f"{address}/30", "dev", "eth0"],
        ["ip", "link", "set", "eth0", "up"],
        ["ip", "route", "add", SERVICE_NETWORK, "via", gateway],
        ["ip", "route", "add", "unreachable", "default"],
    ]


def remove_links_of_pods(enter: Sequence[str]) -> None:
    """Remove the links of pods, and the routes to them, from the network of a machine that is switched off.

    The kernel keeps the network of a pod for minutes after its last process if a connection in it waits for the other
    side to answer. Once another pod has the same address, its packets would still go there. Raises ProcessFailedError.
    """
    for link in json.loads(_run(*enter, "ip", "-json", "link", "show", "type", "veth") or "[]"):
        name = link.get("ifname", "eth0")
        try:
            if name != "eth0":
                _run(*enter, "ip", "link", "delete", name)
        except ProcessFailedError as error:
            if GONE not in str(error):
                raise


def _run(*command: str) -> str:
    environment = {**os.environ, "LC_ALL": "C"}
    result = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if result.returncode != 0:
        raise ProcessFailedError(f"`{' '.join(command)}` failed: {result.stderr.strip()}")
    return result.stdout
