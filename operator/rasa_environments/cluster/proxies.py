"""The HTTP proxy for the API server: `proxy-url` of the kubeconfig, else HTTPS_PROXY, HTTP_PROXY and NO_PROXY.

The variables are read as kubectl does (golang.org/x/net/http/httpproxy): upper case first, never for a loopback
address, NO_PROXY with names, addresses, networks (CIDR) and ports. Python's own functions do not support networks.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from rasa_environments.cluster.errors import ConfigurationError

Address = IPv4Address | IPv6Address
PORTS = {"http": 80, "https": 443}


def proxy_for(server: str, environment: Mapping[str, str]) -> str | None:
    """Return the proxy that the variables specify for requests to `server`, or None."""
    target = urlsplit(server)
    name = f"{target.scheme}_proxy"
    proxy = environment.get(name.upper()) or environment.get(name)
    if not proxy or not target.hostname:
        return None
    address = _address(target.hostname)
    if target.hostname == "localhost" or (address is not None and address.is_loopback):
        return None
    port = target.port or PORTS.get(target.scheme)
    exceptions = (environment.get("NO_PROXY") or environment.get("no_proxy") or "").lower().split(",")
    if any(_excepts(each.strip(), target.hostname, address, port) for each in exceptions):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def usable(proxy: str) -> str:
    """Return the proxy if it is usable. Raises ConfigurationError, without its password, if not."""
    parts = urlsplit(proxy)
    if parts.scheme in PORTS and parts.hostname:
        return proxy
    shown = f"{parts.scheme}://{parts.hostname or ''}"
    raise ConfigurationError(
        f"the proxy {shown} to the API server cannot be used: set an http:// or https:// proxy in "
        "HTTPS_PROXY or in proxy-url of the kubeconfig"
    )


def _excepts(entry: str, host: str, address: Address | None, port: int | None) -> bool:
    """Return whether an entry of NO_PROXY matches that host."""
    if entry in ("", "*"):
        return entry == "*"
    if "/" in entry:
        return address is not None and _is_in(address, entry)
    name, only_port = _split_port(entry)
    if only_port is not None and only_port != port:
        return False
    literal = _address(name)
    if literal is not None or address is not None:
        return literal is not None and literal == address
    name = name.removeprefix("*")
    return host.endswith(name) if name.startswith(".") else host == name or host.endswith(f".{name}")


def _split_port(entry: str) -> tuple[str, int | None]:
    if _address(entry.strip("[]")) is not None:
        return entry.strip("[]"), None
    name, separator, port = entry.rpartition(":")
    return (name.strip("[]"), int(port)) if separator and port.isdecimal() else (entry, None)


def _is_in(address: Address, network: str) -> bool:
    try:
        return address in ip_network(network, strict=False)
    except ValueError:
        return False


def _address(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
