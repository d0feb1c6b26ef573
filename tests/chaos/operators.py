"""Operators, each behind its own fault proxy, so that their requests can be told apart."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.api.api_server import wait_until
from tests.chaos.calls import Call
from tests.chaos.proxy import FaultProxy, kubeconfig
from tests.integration.conftest import Installation
from tests.integration.operator_process import SHORT_INTERVALS, SIMULATED_PODS, OperatorProcess

NUMBERS = itertools.count(1)
LEASES = "leases"


@dataclass(frozen=True)
class ProxiedOperator:
    """An operator, and its connection to the API server."""

    process: OperatorProcess
    proxy: FaultProxy

    def writes(self, start: int = 0) -> list[Call]:
        """Return the changes that it requested since a position in the proxy's record, except for the Lease."""
        return [call for call in self.proxy.calls[start:] if call.writes and call.place.resource != LEASES]

    def described(self) -> str:
        """Return the end of its log, for the message of a failing test."""
        return self.process.tail()


@contextmanager
def proxied_operator(installation: Installation, *flags: str) -> Iterator[ProxiedOperator]:
    """Return an operator that is not started yet; kill it at the end."""
    number = next(NUMBERS)
    with FaultProxy.before_api_server(installation.kubeconfig) as proxy:
        access = kubeconfig(
            installation.kubeconfig, installation.directory / f"kubeconfig-{number}", proxy.url, proxy.authority
        )
        log = installation.directory / f"proxied-operator-{number}.log"
        process = OperatorProcess(access, log, installation.leash, *SHORT_INTERVALS, *SIMULATED_PODS, *flags)
        try:
            yield ProxiedOperator(process, proxy)
        finally:
            process.kill()
    assert proxy.errors == []


def wait_until_quiet(*operators: ProxiedOperator, seconds: float, within: float = 60.0) -> None:
    """Wait until none of them has written anything for this many seconds."""
    asked = [operator.writes() for operator in operators]
    since = time.monotonic()

    def quiet() -> bool:
        nonlocal asked, since
        now = [operator.writes() for operator in operators]
        if now != asked:
            asked, since = now, time.monotonic()
        return time.monotonic() - since >= seconds

    try:
        wait_until(quiet, f"no writes for {seconds:.0f} s", within)
    except AssertionError as error:
        last = [f"{call.method} {call.path}" for calls in asked for call in calls[-10:]]
        raise AssertionError("\n".join([str(error), "the last writes were:", *last])) from None
