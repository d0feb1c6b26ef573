"""URLs, hosts and host:port addresses that a spec may have."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from rasa_environments.api.rules import Rule, matches

HOST_NAME = "[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?"
IPV6_ADDRESS = "[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*"
PATH = "(/([A-Za-z0-9._~!$&()*+,;=:@-]|%[0-9A-Fa-f]{2})*)*"
URL_PATTERN = f"^https?://{HOST_NAME}(:[0-9]{{1,5}})?{PATH}$"
"""Scheme, host, port and path of RFC 3986, without user name, query and fragment, which tend to hold secrets."""
HIGHEST_PORT = 65535


def url_rule(message: str) -> Rule[str]:
    """Return a rule that a string is an http(s) URL with a host, optionally a port and path, and nothing else."""
    shape = matches(URL_PATTERN, message)

    def holds(value: str) -> bool:
        port = re.match("^https?://[^/:]*:([0-9]+)", value)
        return shape.holds(value) and (port is None or int(port[1]) <= HIGHEST_PORT)

    return Rule(
        f"{shape.cel} && (url(self).getPort() == '' || int(url(self).getPort()) <= {HIGHEST_PORT})", message, holds
    )


Host = Annotated[
    str,
    Field(max_length=253),
    matches(
        f"^({HOST_NAME}|{IPV6_ADDRESS})$",
        "must be a host name or address alone, for example rabbitmq.messaging.svc: no scheme, no port, no path",
    ),
]

HostAndPort = Annotated[
    str,
    Field(max_length=260),
    matches(f"^{HOST_NAME}:[0-9]{{1,5}}$", "must be host:port, for example kafka:9092, without a scheme"),
]
