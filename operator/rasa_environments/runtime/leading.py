"""Leader election: only the leader writes to the API server, model servers and registries."""

from __future__ import annotations

import socket
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rasa_environments.api.base import ObjectKey
from rasa_environments.cluster.client import Client
from rasa_environments.cluster.lease import Leadership
from rasa_environments.runtime.settings import Settings

LEASE = "rasa-environments"
"""Name of the Lease that the leader holds."""


@asynccontextmanager
async def candidacy(settings: Settings) -> AsyncIterator[Leadership | None]:
    """Yield this process as a candidate for the Lease, with its own connection; None without leader election.

    Raises ConfigurationError if there is no usable API server.
    """
    if not settings.leader_elect:
        yield None
        return
    async with await Client.by(settings.credentials) as client:
        lease = ObjectKey(settings.lease_namespace or client.namespace, LEASE)
        yield Leadership(client, lease, f"{socket.gethostname()}_{uuid.uuid4()}")
