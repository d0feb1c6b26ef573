"""The operator as a process: everything is made here, started in order, and stopped in order."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import Awaitable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from resource import RLIMIT_NOFILE, getrlimit, setrlimit

import httpx

from outbound_http.addresses import AddressPolicy
from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.cluster.cache import ObjectCache, version_alone
from rasa_environments.cluster.children import Children
from rasa_environments.cluster.client import ApiError, Client
from rasa_environments.cluster.events import EventWriter, Written
from rasa_environments.cluster.lease import Leadership, LeadershipLostError
from rasa_environments.cluster.projections import child_cache
from rasa_environments.cluster.reflector import Reflector
from rasa_environments.cluster.resources import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    HORIZONTAL_POD_AUTOSCALERS,
    INGRESSES,
    NAMESPACES,
    NETWORK_POLICIES,
    POD_DISRUPTION_BUDGETS,
    PODS,
    SECRETS,
    SERVICE_ACCOUNTS,
    SERVICES,
    Resource,
    resource_of,
)
from rasa_environments.cluster.retries import Retries
from rasa_environments.cluster.secrets import Secrets
from rasa_environments.cluster.session import always
from rasa_environments.cluster.watch import Watch
from rasa_environments.controller.event_handlers import EventHandlers
from rasa_environments.controller.pods import Pods
from rasa_environments.controller.queue import Kind, Request, WorkQueue
from rasa_environments.desired.context import SELECTOR_OF_CHILDREN
from rasa_environments.judge.additions import Injectors
from rasa_environments.rasa.transport import http_client
from rasa_environments.reconcile.connections import Connections
from rasa_environments.reconcile.contents import Contents, identity_of
from rasa_environments.reconcile.dependencies import Dependencies, Intervals
from rasa_environments.reconcile.environment import EnvironmentReconciler
from rasa_environments.reconcile.model_server import ModelServerReconciler
from rasa_environments.reconcile.model_tag import ModelTagReconciler
from rasa_environments.reconcile.others import OtherOperators
from rasa_environments.reconcile.unread_servers import UnreadServers
from rasa_environments.runtime.kopf_host import KopfHost
from rasa_environments.runtime.leading import candidacy, fence
from rasa_environments.runtime.log_context import reconciliation_of
from rasa_environments.runtime.metrics import Metrics
from rasa_environments.runtime.reconciliations import Reconciliations
from rasa_environments.runtime.settings import Settings
from rasa_environments.runtime.shutdown import limit_shutdown
from rasa_environments.runtime.watches import Watches
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
STOP_SECONDS = 10.0
"""How long reconciliations may go on after SIGTERM."""
EVENT_SECONDS = 2.0
"""How long Events may be written after that."""


class Operator:
    """One operator on one API server."""

    def __init__(self, settings: Settings, client: Client, leadership: Leadership | None = None) -> None:
        self._settings = settings
        self._leadership = leadership
        self._client = client
        self._retries = Retries()
        policy = address_policy(settings, in_cluster=settings.credentials.in_cluster)
        http = self._guarded(http_client(policy=policy))
        self._own = {kind: ObjectCache(identity_of) for kind in Kind}
        caches = {resource: child_cache() for resource in CHILD_RESOURCES}
        self._events = EventWriter(client, socket.gethostname(), self._event_counted)
        record = self._events.record
        secrets = Secrets(client, self._secret_changed, self._retries)
        self._dependencies = Dependencies(
            client=client,
            children=Children(client, caches, Injectors(settings.allowed_injectors), record),
            secrets=secrets,
            pods=Pods(),
            http=http,
            queue=WorkQueue(self._retries),
            intervals=Intervals(model_server=settings.model_server_interval, served=settings.served_interval),
            operator_pods=settings.operator_pods,
            accept_unchecked=settings.accept_unchecked,
            record=record,
        )
        dependencies = self._dependencies
        self._event_handlers = EventHandlers(
            dependencies.lister, dependencies.queue, dependencies.references, dependencies.pods
        )
        self._own_watches: dict[Kind, Reflector] = {}
        self._interruptions: dict[Kind, int] = {}
        """Of each of them, when that was looked at last."""
        self._watches = Watches(self._watched(caches, secrets), dispensable=(NAMESPACES.plural,))
        self.metrics = Metrics(
            dependencies.lister,
            dependencies.queue,
            self._watches,
            dependencies.promotions,
            dependencies.answer_times,
        )
        others = OtherOperators(self.metrics.met_another_operator)
        self._contents = Contents(client, self._own, self._event_handlers, others, record)
        self._connections = connections = Connections(
            http,
            secrets,
            dependencies.references,
            lambda authorities: self._guarded(http_client(policy=policy, authorities=authorities)),
        )
        unread = UnreadServers(client, self._own[Kind.MODEL_SERVER], self._contents, settings.namespaces)
        reconcilers = {
            Kind.MODEL_SERVER: ModelServerReconciler(dependencies, connections).reconcile,
            Kind.DEPLOYMENT_ENVIRONMENT: EnvironmentReconciler(dependencies, unread).reconcile,
            Kind.MODEL_TAG: ModelTagReconciler(dependencies, connections, unread).reconcile,
        }
        self._reconciliations = Reconciliations(reconcilers, self._contents, self.metrics)
        self._kopf = KopfHost(self._keys, self._changed)
        self._read = False
        self._standing_by = settings.leader_elect
        """Another process may hold the Lease: then this one is ready to take over."""
        self._tasks: tuple[asyncio.Task[None], ...] = ()
        """What runs for as long as the process."""
        self._lost: LeadershipLostError | None = None

    def _watched(self, caches: Mapping[Resource, ObjectCache], secrets: Secrets) -> dict[str, Watch]:
        """A watch for each resource: the own kinds as metadata, which kopf passes on; children and pods by label."""
        watch = partial(Reflector, self._client, namespaces=self._settings.namespaces, retries=self._retries)
        self._own_watches = own = {
            kind: watch(resource_of(kind), self._own[kind], partial(self._notify, kind), metadata_only=True)
            for kind in Kind
        }
        ours = partial(watch, label_selector=SELECTOR_OF_CHILDREN)
        children = {
            resource: ours(resource, cache, self._event_handlers.child_changed) for resource, cache in caches.items()
        }
        return {
            **{resource_of(kind).plural: reflector for kind, reflector in own.items()},
            **{resource.plural: reflector for resource, reflector in children.items()},
            PODS.plural: ours(PODS, ObjectCache(version_alone), self._event_handlers.pod_changed),
            **self._namespaces_watched(),
            secrets.name: secrets,
        }

    def _namespaces_watched(self) -> dict[str, Watch]:
        """The labels of namespaces, which may give access to a ModelServer; an operator of chosen ones reads none."""
        if self._settings.namespaces:
            return {}
        cache = ObjectCache(version_alone)
        on_change = self._event_handlers.namespace_changed
        reflector = Reflector(self._client, NAMESPACES, cache, on_change, metadata_only=True, retries=self._retries)
        return {NAMESPACES.plural: reflector}

    def _guarded(self, http: httpx.AsyncClient) -> httpx.AsyncClient:
        """The client, which writes only while the Lease is held, where there is one."""
        if self._leadership is not None:
            fence(http, self._leadership)
        return http

    async def run(self, stop: asyncio.Event) -> None:
        """Works until `stop` is set.

        Raises LeadershipLostError once everything has ended in good order, and at once what the work cannot cope with:
        the process must start anew.
        """
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._dependencies.http.aclose)
            stack.push_async_callback(self._connections.close)
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
                watching = [*self._watches.start(tasks), tasks.create_task(self._kopf.run(), name="kopf")]
                working = tasks.create_task(self._lead(), name="the work")
                self._tasks = (*watching, working)
                await _first(stop.wait(), working)
                limit_shutdown()
                logger.info("stopping: reconciliations under way are ended first")
                await self._drain(working)
                for task in watching:
                    task.cancel()
        if self._lost is not None:
            raise self._lost

    def unhealthy(self) -> str | None:
        """What only a restart would mend."""
        ended = next((task.get_name() for task in self._tasks if task.done()), None)
        return self._reconciliations.hanging() if ended is None else f"{ended} has ended"

    def unready(self) -> str | None:
        """Why the operator does not see or do its work now."""
        problem = self._watches.problem() or self._kopf.failure
        if problem is None and not self._read and not self._standing_by:
            problem = "not all objects are read yet"
        return problem or self.unhealthy()

    async def _lead(self) -> None:
        """Works, where asked for only while this process holds the Lease."""
        if self._leadership is None:
            await self._work()
            return
        try:
            await self._leadership.run(self._work)
        except LeadershipLostError as error:
            self._lost = error

    async def _work(self) -> None:
        """Starts once everything is listed: nothing is decided on half of the facts."""
        settings = self._settings
        self._standing_by = False
        await self._watches.synced()
        await self._read_all()
        self._read = True
        lister, queue = self._dependencies.lister, self._dependencies.queue
        logger.info(
            "all is listed: %d model servers, %d environments, %d tags",
            len(lister.servers),
            len(lister.environments),
            len(lister.tags),
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(queue.run(self._reconciliations.attempt, settings.workers))
            tasks.create_task(self._resync_forever())
            tasks.create_task(self._events.run())

    async def _read_all(self) -> None:
        """Reads every object once, so that none is taken for gone; an object that cannot be read is tried later."""
        queue = self._dependencies.queue
        reading = asyncio.Semaphore(self._settings.workers)

        async def read(request: Request) -> None:
            async with reading:
                with reconciliation_of(request):
                    try:
                        await self._contents.refresh(request)
                    except ApiError as error:
                        logger.warning("%s cannot be read, trying again later: %s", request, error)
                    except Exception:
                        logger.exception("%s cannot be read, trying again later", request)
            queue.add(request)

        async with asyncio.TaskGroup() as tasks:
            for request in self._contents.requests():
                tasks.create_task(read(request))

    async def _resync_forever(self) -> None:
        """Reconciles every object now and then, whatever has been missed, and forgets namespaces without any."""
        while True:
            await asyncio.sleep(self._settings.resync_interval)
            doubted = self._kinds_in_doubt()
            for request in self._contents.requests():
                if request.kind in doubted:
                    self._contents.doubt(request)
                self._dependencies.queue.add(request)
            self._dependencies.secrets.set_namespaces(self._dependencies.lister.namespaces)

    def _kinds_in_doubt(self) -> set[Kind]:
        """Kinds whose watch was interrupted since this was asked: their definition may have been replaced."""
        now = {kind: reflector.interruptions for kind, reflector in self._own_watches.items()}
        before, self._interruptions = self._interruptions, now
        return {kind for kind, number in now.items() if number != before.get(kind, 0)}

    async def _drain(self, working: asyncio.Task[None]) -> None:
        """Starts no more passes, and lets those under way come to their end."""
        self._dependencies.queue.close()
        await self._reconciliations.drained(STOP_SECONDS)
        await self._events.drained(EVENT_SECONDS)
        working.cancel()

    def _version(self, request: Request) -> int | None:
        """The version in which the API server has the object; None where it has none."""
        return self._own[request.kind].version(request.key)

    def _keys(self, resource: Resource) -> tuple[ObjectKey, ...]:
        return tuple(self._own[Kind(resource.kind)].keys())

    def _notify(self, kind: Kind, key: ObjectKey, obj: JsonObject | None) -> None:
        """A watch has brought a change of an object of an own kind, or its end: kopf calls the handler."""
        self._kopf.notify(resource_of(kind), key, deleted=obj is None)

    def _changed(self, resource: Resource, key: ObjectKey) -> None:
        """The handler that kopf calls."""
        request = Request(Kind(resource.kind), key)
        self._event_handlers.changed(request, self._version(request))

    def _event_counted(self, result: Written) -> None:
        self.metrics.event(result)

    def _secret_changed(self, key: ObjectKey) -> None:
        self._event_handlers.secret_changed(key)


def address_policy(settings: Settings, *, in_cluster: bool) -> AddressPolicy:
    """Which addresses model servers and Rasa servers are asked at."""
    loopback = settings.allow_loopback
    return AddressPolicy(
        allow_link_local=settings.allow_link_local,
        allow_loopback=not in_cluster if loopback is None else loopback,
    )


async def _first(*awaitables: Awaitable[object]) -> None:
    """Returns when the first of them ends."""
    tasks = [asyncio.ensure_future(awaitable) for awaitable in awaitables]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)


async def run(settings: Settings) -> None:
    """Runs the operator until SIGTERM or SIGINT.

    Raises ConfigurationError where there is no API server to talk to, OSError where the port is taken, and
    LeadershipLostError where another process leads, or may lead.
    """
    _tune_garbage_collector()
    _raise_file_limit()
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        leadership = await stack.enter_async_context(candidacy(settings))
        may_write = always if leadership is None else lambda: leadership.is_leader
        client = await Client.by(settings.credentials, may_write=may_write)
        await stack.enter_async_context(client)
        operator = Operator(settings, client, leadership)
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        await operator.run(stop)
    logger.info("stopped")


def _tune_garbage_collector() -> None:
    """Leaves alone what lives as long as the process: short-lived JSON makes looking at it cost a third."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def _raise_file_limit() -> None:
    """As many connections as the system allows: each namespace has watches, and each slow server holds one."""
    _, most = getrlimit(RLIMIT_NOFILE)
    setrlimit(RLIMIT_NOFILE, (most, most))
