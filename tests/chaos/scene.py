"""The operator between two fault proxies, and what is observed of it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from local import installation
from local.cluster import LocalCluster
from local.service_account import service_account_kubeconfig
from tests import loopback
from tests.chaos.proxy import FaultProxy, kubeconfig
from tests.integration.conftest import Installation
from tests.integration.model_server_process import ModelServerProcess
from tests.integration.operator_process import SIMULATED_PODS, OperatorProcess

FLAGS = ("--model-server-interval", "2s", *SIMULATED_PODS)
"""The default interval between resyncs: what the operator missed during a fault has to be found without one."""
PERIOD = 0.2


@dataclass
class Scene:
    """One operator, the API server behind one proxy, and the model server behind another."""

    cluster: LocalCluster
    installed: Installation
    api: FaultProxy
    models: FaultProxy
    model_server: ModelServerProcess
    operator: OperatorProcess = field(init=False)
    sound: bool = False
    """Whether the operator runs, and no fault has left anything behind."""

    def __post_init__(self) -> None:
        log = self.installed.directory / "operator-between-proxies.log"
        self.operator = OperatorProcess(self.kubeconfig, log, self.installed.leash, *FLAGS)

    @property
    def kubeconfig(self) -> Path:
        """The operator's; it names the proxy."""
        return self.installed.directory / "kubeconfig-of-the-proxy"

    def make_sound(self) -> None:
        """Start from a running operator without a fault; restart it unless everything recovered from the last fault."""
        self.api.recover()
        self.models.recover()
        if not self.sound:
            self.operator.kill()
            self.write_kubeconfig()
            self.operator.start()
        self.sound = False

    def write_kubeconfig(self, *, new_token: bool = False) -> None:
        """Write the proxy's current address and authority, and a new token if requested."""
        source = self.installed.kubeconfig
        if new_token:
            account = (installation.NAMESPACE, installation.SERVICE_ACCOUNT)
            service_account_kubeconfig(self.installed.facts.kubeconfig, *account, source)
        kubeconfig(source, self.kubeconfig, self.api.url, self.api.authority)


@dataclass(frozen=True)
class Sample:
    """One answer of /healthz or /readyz; status 0: there was none."""

    at: float
    path: str
    status: int


class Probes:
    """Request /healthz and /readyz of an operator all the time, as the kubelet does."""

    def __init__(self, url: str) -> None:
        self.samples: list[Sample] = []
        self._url = url
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ends.set()
        self._thread.join()

    def statuses(self, path: str, since: float, until: float) -> list[int]:
        """What was answered between two moments, in order."""
        return [sample.status for sample in self._of(path) if since <= sample.at < until]

    def first(self, path: str, status: int, since: float) -> float | None:
        """Seconds from `since` until this was answered for the first time."""
        found = [each.at for each in self._of(path) if each.status == status and each.at >= since]
        return found[0] - since if found else None

    def _of(self, path: str) -> list[Sample]:
        return [sample for sample in list(self.samples) if sample.path == path]

    def _run(self) -> None:
        with loopback.client(base_url=self._url, timeout=5) as client:
            while not self._ends.wait(PERIOD):
                for path in ("/healthz", "/readyz"):
                    at = time.monotonic()
                    try:
                        status = client.get(path).status_code
                    except httpx.HTTPError:
                        status = 0
                    self.samples.append(Sample(at, path, status))
