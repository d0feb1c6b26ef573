"""What can go wrong with an exchange, and why there was no response at all, in plain words."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import httpx

from outbound_http.addresses import Kind


class ExchangeError(Exception):
    """There is no response that could be used."""


class InvalidUrl(ExchangeError):
    """The URL is not one that HTTP can be spoken to."""


class AddressRefused(ExchangeError):
    """The host is, or resolves to, an address that the policy refuses; the message says which, and what it is."""

    def __init__(self, message: str, kind: Kind) -> None:
        super().__init__(message)
        self.kind = kind


class Unreachable(ExchangeError):
    """No response came: the host is not known, or nothing behind it speaks HTTP in time.

    The message tells ports apart (closed, silent, of another protocol), so it is for those who run the program.
    """

    def __init__(self, message: str, *, unknown_host: bool = False) -> None:
        super().__init__(message)
        self.unknown_host = unknown_host


class Redirected(ExchangeError):
    """The server redirects to another origin, or a request that is not repeated; `target` is that origin.

    `to_login`: the address looks like that of a login page.
    """

    def __init__(self, target: str, *, to_login: bool = False) -> None:
        super().__init__(f"it redirects to {target}")
        self.target = target
        self.to_login = to_login


class TooManyRedirects(ExchangeError):
    """The server redirects again and again."""


class TooLarge(ExchangeError):
    """The response has more bytes, or comes in more pieces, than are read."""


class Compressed(ExchangeError):
    """The response is compressed, which was not asked for; nothing was decompressed."""


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


def unreachable(error: httpx.TransportError, host: str) -> Unreachable:
    """The failure of a request to `host`, with the deepest cause that says something."""
    causes = tuple(_causes(error))
    for candidate in causes:
        match candidate:
            case ssl.SSLError():
                return Unreachable(_tls(candidate))
            case socket.gaierror():
                return Unreachable(f"the host name {host} is not known (DNS: {candidate.strerror})", unknown_host=True)
            case UnicodeError():
                return Unreachable(f"{host} is no host name", unknown_host=True)
            case ConnectionRefusedError():
                return Unreachable("connection refused, nothing listens there")
    for kind, text in TRANSPORT_FAILURES:
        if isinstance(error, kind):
            return Unreachable(text)
    told = next((one.strerror for one in causes if isinstance(one, OSError) and one.strerror), None)
    return Unreachable(told or "no connection")


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
