"""The API server's proxy of Services: how a Service is reached from outside the cluster, by the rights of the user."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from rasa_environments.api.base import ObjectKey
from rasa_environments.cluster.resources import SERVICES
from rasa_environments.cluster.session import Session

_LABEL: Final = re.compile("[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
"""The name of a Service (RFC 1035); that of a namespace is at most less restricted."""
_NAMESPACE: Final = re.compile("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_SEGMENT: Final = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._~-]+")
"""A segment of a path that leads nowhere else."""
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True)
class ServiceUrl:
    """The parts of a URL that leads to a Service."""

    service: ObjectKey
    scheme: str
    port: int
    path: str
    """The rest of the URL: empty, or with a slash at its beginning only."""
    may_be_elsewhere: bool
    """Whether the host may also be one outside of the cluster: `models.team` is a Service, or a domain."""

    @property
    def proxy_path(self) -> str:
        """The path on the API server that leads there."""
        name = f"{self.scheme}:{self.service.name}:{self.port}"
        return SERVICES.path(self.service.namespace, name, "proxy") + self.path


@dataclass(frozen=True)
class ServiceProxy:
    """How an HTTP client reaches a Service through the API server."""

    url: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    """Headers that authenticate the user to the API server, which does not pass them on."""
    authorities: ssl.SSLContext = field(repr=False)
    """Whom to trust as the API server; with the user's certificate, if there is one."""


def service_url(url: str, namespace: str) -> ServiceUrl | None:
    """Return the Service that a URL leads to as seen from a pod in `namespace`, or None if it leads to none.

    None, too, for a path that is not one of plain segments.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    labels = (parts.hostname or "").split(".")
    path = parts.path.rstrip("/")
    is_plain = parts.username is None and not parts.query and not parts.fragment
    segments = path.split("/")[1:]
    if parts.scheme not in _PORTS or not is_plain or not all(map(_SEGMENT.fullmatch, segments)):
        return None
    # Source: Kubernetes, "DNS for Services and Pods". The cluster's domain may be another than cluster.local.
    name, *rest = labels
    in_namespace = rest[0] if rest else namespace
    if (len(rest) > 1 and rest[1] != "svc") or not _LABEL.fullmatch(name) or not _NAMESPACE.fullmatch(in_namespace):
        return None
    return ServiceUrl(
        ObjectKey(in_namespace, name), parts.scheme, port or _PORTS[parts.scheme], path, may_be_elsewhere=len(rest) == 1
    )


async def service_proxy(session: Session, there: ServiceUrl) -> ServiceProxy:
    """Return the way to the Service through the session's API server. Raises ApiError if the user has no token now."""
    authorization = await session.authorization()
    headers = list(session.access.impersonation)
    if authorization is not None:
        headers.append(("Authorization", authorization))
    return ServiceProxy(session.host + there.proxy_path, tuple(headers), session.ssl_context)
