"""Loopback ports and networks that nothing else on the machine uses."""

import random
import socket
from dataclasses import dataclass

PORTS = range(20000, 30000)
"""Below the range of outgoing connections, so that a server that was stopped gets its port back."""

_CLAIM_PORT = 19999


def free_ports(count: int) -> list[int]:
    """Return distinct ports of 127.0.0.1 that nothing listens on."""
    free: list[int] = []
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        free.append(port)
        if len(free) == count:
            return free
    raise OSError(f"no {count} free ports among {PORTS.start}-{PORTS.stop - 1}")


@dataclass(frozen=True)
class PodNetwork:
    """A /16 of loopback addresses for simulated pods, reserved as long as `claim` is open.

    A process on this machine can stand in for a pod by listening on the pod's address; where none does, a connection is
    refused at once.
    """

    cidr: str
    node_address: str
    claim: socket.socket

    def release(self) -> None:
        """Release the network."""
        self.claim.close()


def claim_pod_network() -> PodNetwork:
    """Reserve a free network from 127.64.0.0/10, so that pods of two clusters never share an address."""
    for second in random.sample(range(64, 128), 64):
        claim = socket.socket()
        try:
            claim.bind((f"127.{second}.255.254", _CLAIM_PORT))
            claim.listen()
        except OSError:
            claim.close()
            continue
        return PodNetwork(f"127.{second}.0.0/16", f"127.{second}.255.254", claim)
    raise OSError("no free network in 127.64.0.0/10: this system has no such loopback addresses, or 64 clusters run")
