"""The operator as a process: everything is made here, started in order, and stopped in order."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
import time
import uuid
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from functools import partial
from typing import Protocol

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.cluster.cache import ObjectCache
from rasa_environments.cluster.children import Children
from rasa_environments.cluster.client import ApiError, Client
from rasa_environments.cluster.credentials import CredentialSource
from rasa_environments.cluster.lease import Leadership
from rasa_environments.cluster.reflector import Reflector
from rasa_environments.cluster.resources import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    HORIZONTAL_POD_AUTOSCALERS,
    INGRESSES,
    NETWORK_POLICIES,
    POD_DISRUPTION_BUDGETS,
    PODS,
    SECRETS,
    SERVICE_ACCOUNTS,
    SERVICES,
)
from rasa_environments.cluster.secrets import OwnSecrets, Secrets
from rasa_environments.desired.context import SELECTOR_OF_CHILDREN
from rasa_environments.rasa.transport import http_client
from rasa_environments.reconcile.connections import Connections
from rasa_environments.reconcile.dispatch import Dispatcher
from rasa_environments.reconcile.environment import EnvironmentReconciler
from rasa_environments.reconcile.model_server import ModelServerReconciler
from rasa_environments.reconcile.model_tag import ModelTagReconciler
from rasa_environments.reconcile.pods import Pods, pod_essentials
from rasa_environments.reconcile.queue import Kind
from rasa_environments.reconcile.resync import resync, resync_forever
from rasa_environments.reconcile.surroundings import Intervals, Surroundings
from rasa_environments.runtime.metrics import Metrics
from rasa_environments.runtime.reconciliations import Reconciliations
from rasa_environments.runtime.settings import Settings
from rasa_environments.runtime.watching import watch
from rasa_environments.runtime.web import serving

logger = logging.getLogger(__name__)

CHILD_RESOURCES = (
    SERVICE_ACCOUNTS,
    SECRETS,
    CONFIG_MAPS,
    SERVICES,
    DEPLOYMENTS,
    NETWORK_POLICIES,
    POD_DISRUPTION_BUDGETS,
    HORIZONTAL_POD_AUTOSCALERS,
    INGRESSES,
)
SILENCE_SECONDS = 180.0
"""A watch sends a bookmark a minute: after such a silence the operator does not see what happens."""
LEASE = "rasa-environments"
"""Name of the Lease that the leader holds."""
STOP_SECONDS = 10.0
"""How long passes may go on after SIGTERM."""


class Watch(Protocol):
    """Something of the API server that is followed."""

    @property
    def synced(self) -> asyncio.Event:
        """Set once everything has been listed."""

    @property
    def last_contact(self) -> float:
        """time.monotonic() of the last sign of life."""

    async def run(self) -> None:
        """Follows until it is cancelled."""


class Operator:
    """One operator on one API server."""

    def __init__(self, settings: Settings, client: Client, source: CredentialSource) -> None:
        self._settings = settings
        self._client = client
        self._source = source
        http = http_client(allow_link_local=settings.allow_link_local)
        caches = {resource: ObjectCache() for resource in CHILD_RESOURCES}
        secrets = Secrets(
            client,
            OwnSecrets(SELECTOR_OF_CHILDREN, caches[SECRETS], self._child_changed),
            self._secret_changed,
        )
        self._surroundings = Surroundings(
            client=client,
            children=Children(client, caches),
            secrets=secrets,
            pods=Pods(),
            http=http,
            intervals=Intervals(model_server=settings.model_server_interval, served=settings.served_interval),
        )
        surroundings = self._surroundings
        self._dispatcher = Dispatcher(
            surroundings.directory, surroundings.queue, surroundings.references, surroundings.pods
        )
        self.metrics = Metrics(surroundings.directory, surroundings.queue)
        connections = Connections(http, secrets, surroundings.references)
        reconcilers = {
            Kind.MODEL_SERVER: ModelServerReconciler(surroundings, connections).reconcile,
            Kind.DEPLOYMENT_ENVIRONMENT: EnvironmentReconciler(surroundings).reconcile,
            Kind.MODEL_TAG: ModelTagReconciler(surroundings, connections).reconcile,
        }
        self._reconciliations = Reconciliations(reconcilers, self.metrics)
        follow = partial(Reflector, client, namespaces=settings.namespaces, label_selector=SELECTOR_OF_CHILDREN)
        self._watches: dict[str, Watch] = {
            **{
                resource.plural: follow(resource, cache, self._dispatcher.child_changed)
                for resource, cache in caches.items()
                if resource is not SECRETS
            },
            PODS.plural: follow(PODS, ObjectCache(pod_essentials), self._dispatcher.pod_changed),
            SECRETS.plural: secrets,
        }
        self._listed = False
        self._standing_by = settings.leader_elect
        """Another process may hold the Lease: then this one is ready to take over."""

    async def run(self, stop: asyncio.Event) -> None:
        """Works until `stop` is set. Raises what a watch or a worker cannot cope with: the process must start anew."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._surroundings.http.aclose)
            port = await stack.enter_async_context(
                serving(
                    self._settings.address,
                    self._settings.port,
                    healthy=self.unhealthy,
                    ready=self.unready,
                    metrics=self.metrics,
                )
            )
            logger.info("health and metrics are served at port %d", port)
            async with asyncio.TaskGroup() as tasks:
                watching = [tasks.create_task(following.run()) for following in self._watches.values()]
                unwatch = asyncio.Event()
                kopf = tasks.create_task(
                    watch(
                        self._source,
                        self._dispatcher,
                        self._settings.namespaces,
                        started=partial(_stop_on_signals, stop),
                        stop=unwatch,
                    )
                )
                working = tasks.create_task(self._lead())
                await _first(stop.wait(), kopf, working)
                logger.info("stopping: passes under way are ended first")
                await self._quiesce(working)
                for task in watching:
                    task.cancel()
                unwatch.set()

    def unhealthy(self) -> str | None:
        """What only a restart would mend: a pass that hangs."""
        return self._reconciliations.hanging()

    def unready(self) -> str | None:
        """Why the operator does not see or do its work now."""
        unlisted = [name for name, following in self._watches.items() if not following.synced.is_set()]
        if not self._listed and not self._standing_by:
            unlisted.append("the resources of the group")
        if unlisted:
            return f"not all is listed yet: {', '.join(unlisted)}"
        now = time.monotonic()
        for name, following in self._watches.items():
            if now - following.last_contact > SILENCE_SECONDS:
                return f"the API server has said nothing of {name} for {now - following.last_contact:.0f} s"
        return self.unhealthy()

    async def _lead(self) -> None:
        """Works, where asked for only while this process holds the Lease."""
        if not self._settings.leader_elect:
            await self._work()
            return
        lease = ObjectKey(self._settings.lease_namespace or self._client.namespace, LEASE)
        identity = f"{socket.gethostname()}_{uuid.uuid4()}"
        await Leadership(self._client, lease, identity).run(self._work)

    async def _work(self) -> None:
        """Starts once everything is listed: nothing is decided on half of the facts."""
        settings = self._settings
        self._standing_by = False
        for following in self._watches.values():
            await following.synced.wait()
        await self._list_resources()
        self._listed = True
        directory = self._surroundings.directory
        logger.info(
            "all is listed: %d model servers, %d environments, %d tags",
            len(directory.servers),
            len(directory.environments),
            len(directory.tags),
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._surroundings.queue.run(self._reconciliations.attempt, settings.workers))
            tasks.create_task(
                resync_forever(
                    self._client,
                    self._dispatcher,
                    settings.namespaces,
                    settings.resync_interval,
                    lambda: self._surroundings.secrets.keep_only(directory.namespaces),
                )
            )

    async def _list_resources(self) -> None:
        while True:
            try:
                await resync(self._client, self._dispatcher, self._settings.namespaces)
            except ApiError as error:
                logger.warning("the resources cannot be listed, trying again in 2 s: %s", error)
                await asyncio.sleep(2)
            else:
                return

    async def _quiesce(self, working: asyncio.Task[None]) -> None:
        """Starts no more passes, and lets those under way come to their end."""
        self._surroundings.queue.close()
        deadline = time.monotonic() + STOP_SECONDS
        while self._reconciliations and not working.done() and time.monotonic() < deadline:  # noqa: ASYNC110 - once per process
            await asyncio.sleep(0.02)
        working.cancel()

    def _child_changed(self, key: ObjectKey, child: JsonObject | None) -> None:
        self._dispatcher.child_changed(key, child)

    def _secret_changed(self, key: ObjectKey) -> None:
        self._dispatcher.secret_changed(key)


async def _first(*awaitables: Awaitable[object]) -> None:
    """Returns when the first of them ends."""
    tasks = [asyncio.ensure_future(awaitable) for awaitable in awaitables]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)


async def run(settings: Settings) -> None:
    """Runs the operator until SIGTERM or SIGINT.

    Raises ConfigurationError where there is no API server to talk to, OSError where the port is taken.
    """
    _tune_garbage_collector()
    stop = asyncio.Event()
    source = CredentialSource(settings.kubeconfig, settings.context)
    async with await Client.connect(settings.kubeconfig, settings.context) as client:
        operator = Operator(settings, client, source)
        _stop_on_signals(stop)
        await operator.run(stop)
    logger.info("stopped")


def _tune_garbage_collector() -> None:
    """Leaves alone what lives as long as the process: short-lived JSON makes looking at it cost a third."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def _stop_on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
