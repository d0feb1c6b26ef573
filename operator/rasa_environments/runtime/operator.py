"""The operator as a process: creates all parts, starts them in order, and stops them in order."""

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
from rasa_environments.rasa.transport import HttpClient, fence, http_client
from rasa_environments.reconcile.clients import Clients
from rasa_environments.reconcile.contents import Contents, identity_of
from rasa_environments.reconcile.dependencies import Dependencies, Intervals
from rasa_environments.reconcile.environment import EnvironmentReconciler
from rasa_environments.reconcile.model_server import ModelServerReconciler
from rasa_environments.reconcile.model_tag import ModelTagReconciler
from rasa_environments.reconcile.others import OtherOperators
from rasa_environments.reconcile.unread_servers import UnreadServers
from rasa_environments.runtime.kopf_host import KopfHost
from rasa_environments.runtime.leading import candidacy
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
"""Seconds that reconciliations may continue after SIGTERM."""
EVENT_SECONDS = 2.0
"""Seconds to write Events after that."""
RECHECK_SECONDS = 300.0
"""Seconds between two looks at what interrupted watches have left in doubt."""


class Operator:
    """The operator on one API server."""

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
            dependencies.lister,
            dependencies.queue,
            dependencies.references,
            dependencies.pods,
            dependencies.children.settled,
        )
        self._own_watches: dict[Kind, Reflector] = {}
        self._interruptions: dict[Kind, int] = {}
        """The interruptions of each watch at the last check."""
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
        self._clients = clients = Clients(
            http,
            secrets,
            dependencies.references,
            lambda authorities: self._guarded(http_client(policy=policy, authorities=authorities)),
        )
        unread = UnreadServers(client, self._own[Kind.MODEL_SERVER], self._contents, settings.namespaces)
        reconcilers = {
            Kind.MODEL_SERVER: ModelServerReconciler(dependencies, clients).reconcile,
            Kind.DEPLOYMENT_ENVIRONMENT: EnvironmentReconciler(dependencies, unread).reconcile,
            Kind.MODEL_TAG: ModelTagReconciler(dependencies, clients, unread).reconcile,
        }
        self._reconciliations = Reconciliations(reconcilers, self._contents, self.metrics)
        self._kopf = KopfHost(self._keys, self._changed)
        self._read = False
        self._standing_by = settings.leader_elect
        """Whether another process may hold the Lease while this one is ready to take over."""
        self._tasks: tuple[asyncio.Task[None], ...] = ()
        """Tasks that run for as long as the process."""
        self._lost: LeadershipLostError | None = None

    def _watched(self, caches: Mapping[Resource, ObjectCache], secrets: Secrets) -> dict[str, Watch]:
        """Return a watch for each resource: own kinds as metadata, forwarded to kopf; children and pods by label."""
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
        """Return the watch of namespaces, whose labels may grant access to a ModelServer.

        An operator limited to some namespaces has none.
        """
        if self._settings.namespaces:
            return {}
        cache = ObjectCache(version_alone)
        on_change = self._event_handlers.namespace_changed
        reflector = Reflector(self._client, NAMESPACES, cache, on_change, metadata_only=True, retries=self._retries)
        return {NAMESPACES.plural: reflector}

    def _guarded(self, http: HttpClient) -> HttpClient:
        """Return the client, limited to write only while the Lease is held, if there is one."""
        if self._leadership is not None:
            leadership = self._leadership
            fence(http, lambda: leadership.is_leader)
        return http

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set.

        Raises LeadershipLostError after an orderly shutdown, and any other error of the work at once: the process must
        then restart.
        """
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._dependencies.http.aclose)
            stack.push_async_callback(self._clients.close)
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
                logger.info("stopping: finishing the reconciliations in progress")
                await self._drain(working)
                for task in watching:
                    task.cancel()
        if self._lost is not None:
            raise self._lost

    def unhealthy(self) -> str | None:
        """Return what only a restart would fix, or None."""
        ended = next((task.get_name() for task in self._tasks if task.done()), None)
        return self._reconciliations.hanging() if ended is None else f"{ended} has ended"

    def unready(self) -> str | None:
        """Return why the operator cannot see or do its work now, or None."""
        problem = self._watches.problem() or self._kopf.failure
        if problem is None and not self._read and not self._standing_by:
            problem = "not all objects are read yet"
        return problem or self.unhealthy()

    async def _lead(self) -> None:
        """Run the work, with leader election only while this process holds the Lease."""
        if self._leadership is None:
            await self._work()
            return
        try:
            await self._leadership.run(self._work)
        except LeadershipLostError as error:
            self._lost = error

    async def _work(self) -> None:
        """Run the work once everything is listed, so that no decision is based on half of the facts."""
        settings = self._settings
        self._standing_by = False
        await self._watches.synced()
        await self._read_all()
        self._read = True
        lister, queue = self._dependencies.lister, self._dependencies.queue
        logger.info(
            "everything is listed: %d model servers, %d environments, %d tags",
            len(lister.servers),
            len(lister.environments),
            len(lister.tags),
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(queue.run(self._reconciliations.attempt, settings.workers))
            tasks.create_task(self._resync_forever())
            tasks.create_task(self._recheck_forever())
            tasks.create_task(self._events.run())

    async def _read_all(self) -> None:
        """Read every object once, so that none is considered gone; one that cannot be read is retried later."""
        queue = self._dependencies.queue
        reading = asyncio.Semaphore(self._settings.workers)

        async def read(request: Request) -> None:
            async with reading:
                with reconciliation_of(request):
                    try:
                        await self._contents.refresh(request)
                    except ApiError as error:
                        logger.warning("cannot read %s; retrying later: %s", request, error)
                    except Exception:
                        logger.exception("cannot read %s; retrying later", request)
            queue.add(request)

        async with asyncio.TaskGroup() as tasks:
            for request in self._contents.requests():
                tasks.create_task(read(request))

    async def _resync_forever(self) -> None:
        """Reconcile every object periodically, as a safety net: watches bring every change."""
        while True:
            await asyncio.sleep(self._settings.resync_interval)
            for request in self._contents.requests():
                self._dependencies.queue.add(request)

    async def _recheck_forever(self) -> None:
        """Reconcile objects of kinds in doubt, and stop watching the Secrets of namespaces without any object."""
        while True:
            await asyncio.sleep(min(RECHECK_SECONDS, self._settings.resync_interval))
            doubted = self._kinds_in_doubt()
            for request in self._contents.requests():
                if request.kind in doubted:
                    self._contents.doubt(request)
                    self._dependencies.queue.add(request)
            self._dependencies.secrets.set_namespaces(self._dependencies.lister.namespaces)

    def _kinds_in_doubt(self) -> set[Kind]:
        """Return the kinds whose watch was interrupted since the last call: their definition may have been replaced."""
        now = {kind: reflector.interruptions for kind, reflector in self._own_watches.items()}
        before, self._interruptions = self._interruptions, now
        return {kind for kind, number in now.items() if number != before.get(kind, 0)}

    async def _drain(self, working: asyncio.Task[None]) -> None:
        """Start no more reconciliations, and let those in progress finish."""
        self._dependencies.queue.close()
        await self._reconciliations.drained(STOP_SECONDS)
        await self._events.drained(EVENT_SECONDS)
        working.cancel()

    def _version(self, request: Request) -> int | None:
        """Return the version of the object on the API server; None if it does not exist."""
        return self._own[request.kind].version(request.key)

    def _keys(self, resource: Resource) -> tuple[ObjectKey, ...]:
        return tuple(self._own[Kind(resource.kind)].keys())

    def _notify(self, kind: Kind, key: ObjectKey, obj: JsonObject | None) -> None:
        """Pass a change or deletion of an object of an own kind to kopf, which calls the handler."""
        self._kopf.notify(resource_of(kind), key, deleted=obj is None)

    def _changed(self, resource: Resource, key: ObjectKey) -> None:
        """Handle a change; kopf calls this."""
        request = Request(Kind(resource.kind), key)
        self._event_handlers.changed(request, self._version(request))

    def _event_counted(self, result: Written) -> None:
        self.metrics.event(result)

    def _secret_changed(self, key: ObjectKey) -> None:
        self._event_handlers.secret_changed(key)


def address_policy(settings: Settings, *, in_cluster: bool) -> AddressPolicy:
    """Return the addresses at which model servers and Rasa servers may be contacted."""
    loopback = settings.allow_loopback
    return AddressPolicy(
        allow_link_local=settings.allow_link_local,
        allow_loopback=not in_cluster if loopback is None else loopback,
    )


async def _first(*awaitables: Awaitable[object]) -> None:
    """Wait until the first of them ends."""
    tasks = [asyncio.ensure_future(awaitable) for awaitable in awaitables]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)


async def run(settings: Settings) -> None:
    """Run the operator until SIGTERM or SIGINT.

    Raises ConfigurationError if there is no usable API server, OSError if the port is taken, and LeadershipLostError if
    another process leads, or may lead.
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
    """Exclude long-lived objects from garbage collection.

    With short-lived JSON, scanning them costs a third of the CPU.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def _raise_file_limit() -> None:
    """Allow as many clients as the system does: each namespace has watches, and each slow server holds one."""
    _, most = getrlimit(RLIMIT_NOFILE)
    setrlimit(RLIMIT_NOFILE, (most, most))
