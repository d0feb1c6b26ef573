"""Requests to servers on loopback: plain HTTP, past any proxy.

A client of httpx takes 20 ms of CPU to read the certificates of all authorities. These do not, so that they can be used
in a loop that waits for a condition.
"""

from __future__ import annotations

import ssl
from functools import partial

import httpx

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody."""

client = partial(httpx.Client, trust_env=False, verify=NO_TLS)
request = partial(httpx.request, trust_env=False, verify=NO_TLS)
get = partial(httpx.get, trust_env=False, verify=NO_TLS)
head = partial(httpx.head, trust_env=False, verify=NO_TLS)
post = partial(httpx.post, trust_env=False, verify=NO_TLS)
put = partial(httpx.put, trust_env=False, verify=NO_TLS)
delete = partial(httpx.delete, trust_env=False, verify=NO_TLS)
