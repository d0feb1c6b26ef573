"""Only the leader writes: to the API server, to model servers and to registries."""

from __future__ import annotations

import socket
import uuid

import httpx

from rasa_environments.api.base import ObjectKey
from rasa_environments.cluster.client import Client
from rasa_environments.cluster.lease import Leadership
from rasa_environments.runtime.settings import Settings

LEASE = "rasa-environments"
"""Name of the Lease that the leader holds."""
_SAFE_METHODS = frozenset({"GET", "HEAD"})


def candidate(settings: Settings, client: Client) -> Leadership | None:
    """This process as a candidate for the Lease; None where it works without one."""
    if not settings.leader_elect:
        return None
    lease = ObjectKey(settings.lease_namespace or client.namespace, LEASE)
    return Leadership(client, lease, f"{socket.gethostname()}_{uuid.uuid4()}")


def fence(http: httpx.AsyncClient, leadership: Leadership) -> None:
    """Let the client write only while the Lease is held.

    A process that was stopped for a while (SIGSTOP, a frozen machine) goes on where it was, before it learns that
    another one leads.
    """

    async def refuse_unless_leading(request: httpx.Request) -> None:
        if request.method not in _SAFE_METHODS and not leadership.is_leader:
            raise httpx.ConnectError("this process does not hold the Lease")

    http.event_hooks = {"request": [refuse_unless_leading]}
