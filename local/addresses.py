"""Loopback ports and networks that nobody else on the machine uses."""

import random
import socket
from dataclasses import dataclass

PORTS = range(20000, 30000)
"""Below the ports given to outgoing connections, so that a server that was stopped gets its own again."""

_CLAIM_PORT = 19999


def free_ports(count: int) -> list[int]:
    """Returns different ports of 127.0.0.1 that nothing listens on."""
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
    """A /16 of loopback addresses for simulated pods, ours as long as `claim` is open.

    A process on this machine can stand for a pod by listening on the pod's own address; where none does, a connection
    is refused at once.
    """

    cidr: str
    node_address: str
    claim: socket.socket

    def release(self) -> None:
        """Gives the network back."""
        self.claim.close()


def claim_pod_network() -> PodNetwork:
    """Takes a free network out of 127.64.0.0/10, so that the pods of two clusters never share an address."""
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
