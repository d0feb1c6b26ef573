"""Makes names of Services resolve to their pods in a Python process with this directory on PYTHONPATH.

SERVICE_NETWORK is where service_network.py answers. Every other name is resolved as usual.
"""

from __future__ import annotations

import json
import os
import socket
import urllib.request
from contextlib import suppress
from functools import partial
from typing import Any

look_up: Any = socket.getaddrinfo
ask = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


def getaddrinfo(host: str | bytes | None, port: Any, *arguments: Any, **options: Any) -> Any:
    name = host.decode() if isinstance(host, bytes) else host
    if name is None or not name.endswith((".svc", ".svc.cluster.local")):
        return look_up(host, port, *arguments, **options)
    with ask(f"{os.environ['SERVICE_NETWORK']}/{name}", timeout=30) as answer:
        addresses = json.load(answer)
    if not addresses:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return [entry for address in addresses for entry in look_up(address, port, *arguments, **options)]


async def of_loop(loop: Any, host: Any, port: Any, **options: Any) -> Any:
    return await loop.run_in_executor(None, partial(getaddrinfo, host, port, **options))


socket.getaddrinfo = getaddrinfo
with suppress(ImportError):
    import uvloop

    setattr(uvloop.Loop, "getaddrinfo", of_loop)  # noqa: B010 - it asks the C library itself
