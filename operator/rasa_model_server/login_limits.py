"""Limits on failed logins."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address, ip_network

MAXIMUM_REMEMBERED = 10_000


@dataclass(frozen=True)
class Rate:
    """How many failures are allowed at once, and after how many seconds one more is."""

    burst: int
    seconds: float


FROM_ONE_ADDRESS_FOR_ONE_USER = Rate(burst=5, seconds=12)
FROM_ONE_ADDRESS = Rate(burst=20, seconds=3)
FOR_ONE_USER = Rate(burst=100, seconds=6)


class FailureLimit:
    """Counts failures by key, with one number for each: the time at which all of them are forgiven (GCRA)."""

    def __init__(self, rate: Rate, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._clock = clock
        self._forgiven_at: OrderedDict[Hashable, float] = OrderedDict()

    def __len__(self) -> int:
        """Return how many keys are remembered."""
        return len(self._forgiven_at)

    def wait(self, key: Hashable) -> float:
        """Return for how many seconds the key may not try again, 0 if it may now."""
        until = self._forgiven_at.get(key, 0.0) - (self._rate.burst - 1) * self._rate.seconds
        return max(0.0, until - self._clock())

    def has_failed(self, key: Hashable) -> bool:
        """Return whether the key has failures that are not forgiven."""
        return self._forgiven_at.get(key, 0.0) > self._clock()

    def count(self, key: Hashable) -> None:
        """Count a failure."""
        now = self._clock()
        self._forgiven_at[key] = max(self._forgiven_at.get(key, 0.0), now) + self._rate.seconds
        self._forgiven_at.move_to_end(key)
        if len(self._forgiven_at) > MAXIMUM_REMEMBERED:
            self._forgiven_at.popitem(last=False)

    def forget(self, key: Hashable) -> None:
        """Forgive all failures of the key."""
        self._forgiven_at.pop(key, None)


class LoginLimits:
    """Limits failed logins by user and address, by address, and, more loosely, by user.

    The limit by user holds only for addresses that have failed for that user themselves: whoever guesses, from however
    many addresses, keeps nobody out who has the right password and another address.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._by_user_and_address = FailureLimit(FROM_ONE_ADDRESS_FOR_ONE_USER, clock)
        self._by_address = FailureLimit(FROM_ONE_ADDRESS, clock)
        self._by_user = FailureLimit(FOR_ONE_USER, clock)

    def wait(self, username: str, address: str) -> float:
        """Return for how many seconds this address may not try to log in as this user, 0 if it may now."""
        source = network_of(address)
        both = (username, source)
        of_user = self._by_user.wait(username) if self._by_user_and_address.has_failed(both) else 0.0
        return max(self._by_user_and_address.wait(both), self._by_address.wait(source), of_user)

    def failed(self, username: str, address: str) -> None:
        """Count a failed login."""
        source = network_of(address)
        self._by_user_and_address.count((username, source))
        self._by_address.count(source)
        self._by_user.count(username)

    def succeeded(self, username: str, address: str) -> None:
        """Forgive the failures of this address for this user."""
        self._by_user_and_address.forget((username, network_of(address)))


def network_of(address: str) -> str:
    """Return what one client can have: an IPv4 address, or the /64 network of an IPv6 address."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ip_network((int(found) >> 64 << 64, 64)))
