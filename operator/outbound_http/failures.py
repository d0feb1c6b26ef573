"""Why an exchange failed, in plain words."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import httpx

from outbound_http.addresses import Kind


class ExchangeError(Exception):
    """The exchange brought no usable response."""


class InvalidUrlError(ExchangeError):
    """The URL is not a usable HTTP URL."""


class AddressRefusedError(ExchangeError):
    """The host is, or resolves to, an address that the policy rejects; the message names it and says why."""

    def __init__(self, message: str, kind: Kind) -> None:
        super().__init__(message)
        self.kind = kind


class UnreachableError(ExchangeError):
    """No response: the host name is unknown, or the server sent no valid HTTP response in time.

    The message tells closed ports from silent ones and from other protocols, so show it only to whoever runs the
    program.
    """

    def __init__(self, message: str, *, unknown_host: bool = False) -> None:
        super().__init__(message)
        self.unknown_host = unknown_host


class RedirectedError(ExchangeError):
    """The server redirects to another origin, or redirects a request that cannot be repeated; `target` is the origin.

    `to_login`: the target looks like a login page.
    """

    def __init__(self, target: str, *, to_login: bool = False) -> None:
        super().__init__(f"it redirects to {target}")
        self.target = target
        self.to_login = to_login


class TooManyRedirectsError(ExchangeError):
    """The server redirects too many times."""


class TooLargeError(ExchangeError):
    """The response exceeds the maximum number of bytes or chunks."""


class CompressedError(ExchangeError):
    """The response is compressed although no compression was requested; nothing was decompressed."""


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
"""OpenSSL's reasons when the server speaks plain HTTP."""


def unreachable(error: httpx.TransportError, host: str) -> UnreachableError:
    """Return the failure of a request to `host`, described by the most telling of the error's causes."""
    causes = tuple(_causes(error))
    for candidate in causes:
        match candidate:
            case ssl.SSLError():
                return UnreachableError(_tls(candidate))
            case socket.gaierror():
                return UnreachableError(
                    f"the host name {host} is not known (DNS: {candidate.strerror})", unknown_host=True
                )
            case UnicodeError():
                return UnreachableError(f"{host} is no host name", unknown_host=True)
            case ConnectionRefusedError():
                return UnreachableError("connection refused, nothing listens there")
    for kind, text in TRANSPORT_FAILURES:
        if isinstance(error, kind):
            return UnreachableError(text)
    told = next((one.strerror for one in causes if isinstance(one, OSError) and one.strerror), None)
    return UnreachableError(told or "no connection")


def _tls(error: ssl.SSLError) -> str:
    """Explain a failed TLS handshake."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not trusted ({error.verify_message}): name its authority in SSL_CERT_FILE "
            "where this runs, or use the host name that the certificate is for"
        )
    if error.reason in NOT_TLS:
        return "it does not speak TLS there: write http://, or the port where it does"
    return f"TLS failed ({error.reason or 'no reason given'})"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and all of its causes, including the members of exception groups."""
    yield error
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield from _causes(member)
    elif (parent := error.__cause__ or error.__context__) is not None:
        yield from _causes(parent)
