"""Which environments may be registered. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from outbound_http.addresses import AddressPolicy, literal
from rasa_model_server.names import is_same_but_for_case, name_problem
from rasa_model_server.storage import EnvironmentRecord

PRODUCTION = "production"
WORKER = "worker"


def registration_problem(environments: Iterable[EnvironmentRecord]) -> str | None:
    """Return what is wrong with the first environment that cannot be registered beside the others, or None."""
    seen: dict[str, None] = {}
    for environment in environments:
        name = environment.name
        if name in seen:
            return f"the environment {name!r} is in the list twice"
        alike = next((other for other in (PRODUCTION, WORKER, *seen) if is_same_but_for_case(name, other)), None)
        if alike is not None:
            return f"the environment {name!r} differs from {alike!r} in upper and lower case only: use another name"
        seen[name] = None
        # A name is a tag too, and part of an object's key.
        problem = name_problem("environment", name) or _url_problem(environment)
        if problem is not None:
            return problem
    return None


def _url_problem(environment: EnvironmentRecord) -> str | None:
    try:
        parts = urlsplit(environment.url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return _bad_url(environment.name)
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment or parts.username is not None:
        return _bad_url(environment.name)
    address = literal(host)
    refusal = AddressPolicy().refusal(address) if address is not None else None
    if refusal is None:
        return None
    return f"the url of the environment {environment.name!r} is refused: {address} is {refusal.description}"


def _bad_url(name: str) -> str:
    # Not the url itself: it might hold a password.
    return (
        f"the url of the environment {name!r} is not the base address of a Rasa server: write http:// or https://, "
        "a host and perhaps a port, and no user, password or query"
    )
