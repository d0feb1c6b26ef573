"""Why there was no answer at all, in plain words."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import httpx

TRANSPORT_FAILURES: tuple[tuple[type[httpx.TransportError], str], ...] = (
    (httpx.ConnectTimeout, "no connection in time"),
    (httpx.PoolTimeout, "too many connections are in use"),
    (httpx.TimeoutException, "it did not answer in time"),
    (httpx.RemoteProtocolError, "it closes the connection without an HTTP answer"),
    (httpx.ProxyError, "the proxy refuses the connection"),
    (httpx.ReadError, "the connection broke"),
    (httpx.WriteError, "the connection broke"),
)
NOT_TLS = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"})
"""What OpenSSL says when the other side speaks plain HTTP."""


def cause(error: httpx.TransportError, host: str) -> str:
    """The cause of a failed exchange with `host`, the deepest one that says something."""
    causes = tuple(_causes(error))
    for candidate in causes:
        match candidate:
            case ssl.SSLError():
                return _tls(candidate)
            case socket.gaierror():
                return f"the host name {host} is not known (DNS: {candidate.strerror})"
            case UnicodeError():
                return f"{host} is no host name"
            case ConnectionRefusedError():
                return "connection refused, nothing listens there"
    for kind, text in TRANSPORT_FAILURES:
        if isinstance(error, kind):
            return text
    return next((one.strerror for one in causes if isinstance(one, OSError) and one.strerror), "no connection")


def _tls(error: ssl.SSLError) -> str:
    """What a failed handshake means."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not trusted ({error.verify_message}): name its authority in SSL_CERT_FILE "
            "where this runs, or use the host name that the certificate is for"
        )
    if error.reason in NOT_TLS:
        return "it does not speak TLS there: write http://, or the port where it does"
    return f"TLS failed ({error.reason or 'no reason given'})"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and everything that led to it, groups included."""
    yield error
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield from _causes(member)
    elif (parent := error.__cause__ or error.__context__) is not None:
        yield from _causes(parent)
