"""kopf watches the three resources of the group and feeds them in; it writes nothing to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import kopf

from rasa_environments.api.base import GROUP, VERSION, ObjectKey
from rasa_environments.cluster.credentials import CredentialSource
from rasa_environments.cluster.resources import resource_of
from rasa_environments.reconcile.dispatch import Dispatcher
from rasa_environments.reconcile.queue import Kind


class _Backoffs:
    """Seconds between tries of kopf's requests: without end, since an API server that is away comes back."""

    def __iter__(self) -> Iterator[float]:
        yield from (0.5, 1, 2, 4)
        while True:
            yield 8


async def watch(
    source: CredentialSource,
    dispatcher: Dispatcher,
    namespaces: tuple[str, ...],
    *,
    started: Callable[[], None],
    stop: asyncio.Event,
) -> None:
    """Watches until `stop` is set. Deletions that a watch misses are found by reconcile.resync.

    kopf takes SIGTERM and SIGINT for itself, and ends every task of the loop at once when they come; `started` is
    called after that, so that the operator can take them back and stop in its own order.
    """
    registry = _registry(source, dispatcher)

    async def on_startup(**_: Any) -> None:
        # kopf installs its signal handlers in the turn of the loop that runs this.
        asyncio.get_running_loop().call_soon(started)

    kopf.on.startup(registry=registry)(on_startup)
    await kopf.operator(
        registry=registry,
        settings=_settings(),
        standalone=True,
        clusterwide=not namespaces,
        namespaces=namespaces,
        stop_flag=stop,
    )


def _settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.networking.error_backoffs = _Backoffs()
    settings.networking.connect_timeout = 10
    return settings


def _registry(source: CredentialSource, dispatcher: Dispatcher) -> kopf.OperatorRegistry:
    registry = kopf.OperatorRegistry()

    async def login(**_: Any) -> kopf.ConnectionInfo:
        return await connection_info(source)

    kopf.on.login(registry=registry)(login)
    for kind in Kind:
        _feed(registry, kind, dispatcher)
    return registry


def _feed(registry: kopf.OperatorRegistry, kind: Kind, dispatcher: Dispatcher) -> None:
    async def feed(event: kopf.RawEvent, **_: Any) -> None:
        body = event["object"]
        if event["type"] == "DELETED":
            metadata = body["metadata"]
            dispatcher.gone(kind, ObjectKey(metadata["namespace"], metadata["name"]), metadata["uid"])
        else:
            dispatcher.seen(kind, dict(body))

    kopf.on.event(GROUP, VERSION, resource_of(kind).plural, registry=registry, id=f"feed-{kind}")(feed)


async def connection_info(source: CredentialSource) -> kopf.ConnectionInfo:
    """How kopf reaches the API server: as the operator's own client does. kopf asks again when a token is refused."""
    configuration = (await source.load()).configuration
    authorization: str | None = await configuration.get_api_key_with_prefix("BearerToken")
    scheme, _, token = (authorization or "").partition(" ")
    return kopf.ConnectionInfo(
        server=configuration.host,
        ca_path=configuration.ssl_ca_cert,
        insecure=not configuration.verify_ssl,
        scheme=scheme or None,
        token=token or None,
        certificate_path=configuration.cert_file,
        private_key_path=configuration.key_file,
        proxy_url=configuration.proxy,
    )
