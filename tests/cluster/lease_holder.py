"""A process that leads until it is killed: `python -m tests.cluster.lease_holder KUBECONFIG NAMESPACE`."""

from __future__ import annotations

import asyncio
import sys

from rasa_environments.api.base import ObjectKey
from rasa_environments.cluster.client import Client
from rasa_environments.cluster.lease import Leadership
from tests.cluster.test_lease import TIMING


async def work() -> None:
    """Report it, and continue forever."""
    print("leading", flush=True)  # noqa: T201
    await asyncio.Event().wait()


async def main(kubeconfig: str, namespace: str) -> None:
    """Lead."""
    async with await Client.connect(kubeconfig) as client:
        await Leadership(client, ObjectKey(namespace, "leader"), "killed", TIMING).run(work)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
