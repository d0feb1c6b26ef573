"""All parts of the operator, and what each is made of."""

from __future__ import annotations

import socket
from functools import cached_property, partial
from typing import Final

from outbound_http.addresses import AddressPolicy
from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.cluster.cache import ObjectCache, version_alone
from rasa_environments.cluster.children import Children
from rasa_environments.cluster.client import Client
from rasa_environments.cluster.events import EventWriter, Written
from rasa_environments.cluster.lease import Leadership
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
from rasa_environments.cluster.watch import Watch
from rasa_environments.controller.event_handlers import EventHandlers
from rasa_environments.controller.queue import Kind, Request, WorkQueue
from rasa_environments.controller.state import State
from rasa_environments.desired.context import SELECTOR_OF_CHILDREN
from rasa_environments.judge.additions import Injectors
from rasa_environments.rasa.connecting import Connector
from rasa_environments.rasa.conversations import forget, say
from rasa_environments.rasa.license import license_expiry
from rasa_environments.rasa.server import served_model, server_version
from rasa_environments.rasa.transport import HttpClient, fence, http_client
from rasa_environments.reconcile.clients import Clients
from rasa_environments.reconcile.contents import Contents, identity_of
from rasa_environments.reconcile.environment import EnvironmentOptions, EnvironmentReconciler
from rasa_environments.reconcile.external import ExternalServers
from rasa_environments.reconcile.healing import Healing
from rasa_environments.reconcile.intervals import Intervals
from rasa_environments.reconcile.licenses import Licenses
from rasa_environments.reconcile.model_server import ModelServerReconciler
from rasa_environments.reconcile.model_tag import ModelTagReconciler
from rasa_environments.reconcile.orphaned_tags import OrphanedTags
from rasa_environments.reconcile.others import OtherOperators
from rasa_environments.reconcile.probe import RasaProbe
from rasa_environments.reconcile.registration.file import EnvironmentsFileWriter
from rasa_environments.reconcile.registration.registrar import Registrar
from rasa_environments.reconcile.running_releases import ReleaseProbe
from rasa_environments.reconcile.secrets import ReferencedSecrets
from rasa_environments.reconcile.served import ServedModels
from rasa_environments.reconcile.status import Statuses
from rasa_environments.reconcile.unread_servers import UnreadServers
from rasa_environments.reconcile.verification.stages import Ports, Stages, stages
from rasa_environments.runtime.kopf_host import KopfHost
from rasa_environments.runtime.metrics import Metrics
from rasa_environments.runtime.reconciliations import Reconciliations
from rasa_environments.runtime.settings import Settings
from rasa_environments.runtime.watches import Watches

CHILD_RESOURCES: Final = (
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


class Assembly:
    """The parts of an operator on one API server; each is created once, when it is first used."""

    def __init__(self, settings: Settings, client: Client, leadership: Leadership | None = None) -> None:
        self._settings = settings
        self._client = client
        self._leadership = leadership
        self._retries = Retries()
        self.state = State(queue=WorkQueue(self._retries))
        self.own = {kind: ObjectCache(identity_of) for kind in Kind}
        """What the watches have brought of the own kinds."""
        self._child_caches = {resource: child_cache() for resource in CHILD_RESOURCES}

    # What is watched

    @cached_property
    def event_handlers(self) -> EventHandlers:
        """Enqueue what a change affects."""
        state = self.state
        return EventHandlers(state.lister, state.queue, state.references, state.pods, self._children.settled)

    @cached_property
    def kopf(self) -> KopfHost:
        """Gets the changes of the own kinds from their watches, and calls the handlers."""

        def keys(resource: Resource) -> tuple[ObjectKey, ...]:
            return tuple(self.own[Kind(resource.kind)].keys())

        def changed(resource: Resource, key: ObjectKey) -> None:
            kind = Kind(resource.kind)
            self.event_handlers.changed(Request(kind, key), self.own[kind].version(key))

        return KopfHost(keys, changed)

    @cached_property
    def own_watches(self) -> dict[Kind, Reflector]:
        """The watches of the own kinds, as metadata."""

        def notify(kind: Kind, key: ObjectKey, obj: JsonObject | None) -> None:
            # Without the operator's own status writes: a change takes kopf half a millisecond.
            if self.event_handlers.is_news(Request(kind, key), self.own[kind].version(key)):
                self.kopf.notify(resource_of(kind), key, deleted=obj is None)

        return {
            kind: self._watch(resource_of(kind), self.own[kind], partial(notify, kind), metadata_only=True)
            for kind in Kind
        }

    @cached_property
    def watches(self) -> Watches:
        """A watch for each resource: own kinds; children and pods by label; Secrets as they are referred to."""
        ours = partial(self._watch, label_selector=SELECTOR_OF_CHILDREN)
        children = {
            resource: ours(resource, cache, self.event_handlers.child_changed)
            for resource, cache in self._child_caches.items()
        }
        watches: dict[str, Watch] = {
            **{resource_of(kind).plural: reflector for kind, reflector in self.own_watches.items()},
            **{resource.plural: reflector for resource, reflector in children.items()},
            PODS.plural: ours(PODS, ObjectCache(version_alone), self.event_handlers.pod_changed),
            **self._namespaces_watched(),
            self.secrets.name: self.secrets,
        }
        return Watches(watches, dispensable=(NAMESPACES.plural,))

    @property
    def _watch(self) -> partial[Reflector]:
        return partial(Reflector, self._client, namespaces=self._settings.namespaces, retries=self._retries)

    def _namespaces_watched(self) -> dict[str, Watch]:
        """Return the watch of namespaces, whose labels may grant access to a ModelServer.

        An operator limited to some namespaces has none.
        """
        if self._settings.namespaces:
            return {}
        cache = ObjectCache(version_alone)
        on_change = self.event_handlers.namespace_changed
        reflector = Reflector(self._client, NAMESPACES, cache, on_change, metadata_only=True, retries=self._retries)
        return {NAMESPACES.plural: reflector}

    @cached_property
    def secrets(self) -> Secrets:
        """The Secrets that resources refer to."""
        return Secrets(self._client, self.event_handlers.secret_changed, self._retries)

    # What is written

    @cached_property
    def events(self) -> EventWriter:
        """Writes Events."""
        return EventWriter(self._client, socket.gethostname(), self._event_counted)

    def _event_counted(self, result: Written) -> None:
        self.metrics.event(result)

    @cached_property
    def _children(self) -> Children:
        injectors = Injectors(self._settings.allowed_injectors)
        return Children(self._client, self._child_caches, injectors, self.events.record)

    @cached_property
    def _statuses(self) -> Statuses:
        return Statuses(self._client, self.state.lister, self.events.record)

    # What is asked outside of the cluster

    @cached_property
    def http(self) -> HttpClient:
        """The connections to servers without authorities of their own."""
        return self._guarded(http_client(policy=self._address_policy))

    @cached_property
    def clients(self) -> Clients:
        """The clients of ModelServers."""
        connector = Connector(
            self.http,
            lambda authorities: self._guarded(http_client(policy=self._address_policy, authorities=authorities)),
        )
        return Clients(self._referenced_secrets, connector.open)

    def _guarded(self, http: HttpClient) -> HttpClient:
        """Return the client, limited to write only while the Lease is held, if there is one."""
        if self._leadership is not None:
            leadership = self._leadership
            fence(http, lambda: leadership.is_leader)
        return http

    @cached_property
    def _address_policy(self) -> AddressPolicy:
        return address_policy(self._settings, in_cluster=self._settings.credentials.in_cluster)

    # What reconciles

    @cached_property
    def contents(self) -> Contents:
        """Reads the objects of the own kinds."""
        others = OtherOperators(self.metrics.met_another_operator)
        return Contents(self._client, self.own, self.event_handlers, self._statuses, others, self.events.record)

    @cached_property
    def reconciliations(self) -> Reconciliations:
        """Reconciles any object."""
        reconcilers = {
            Kind.MODEL_SERVER: self._model_servers.reconcile,
            Kind.DEPLOYMENT_ENVIRONMENT: self._environments.reconcile,
            Kind.MODEL_TAG: self._model_tags.reconcile,
        }
        watched = self.own[Kind.MODEL_SERVER]
        unread = UnreadServers(self.state, self._client, watched, self._settings.namespaces)
        return Reconciliations(reconcilers, self.contents, unread, self.metrics)

    @cached_property
    def _model_servers(self) -> ModelServerReconciler:
        files = EnvironmentsFileWriter(self._children, self._client)
        registrar = Registrar(self.state, self.clients, self._statuses, files)
        orphans = OrphanedTags(self.state, self.clients, self._client)
        return ModelServerReconciler(self.state, self.clients, self._statuses, registrar, orphans, self._intervals)

    @cached_property
    def _model_tags(self) -> ModelTagReconciler:
        releases = ReleaseProbe(self.state, partial(server_version, self.http))
        return ModelTagReconciler(
            self.state, self.clients, self._statuses, releases, self._verification, self.events.record
        )

    @property
    def _verification(self) -> Stages:
        api, children, secrets = self._client, self._children, self._referenced_secrets
        held = partial(say, self.http), partial(forget, self.http)
        return stages(self.state, Ports(api, api, children, secrets, *held), self._settings.max_candidates)

    @cached_property
    def _environments(self) -> EnvironmentReconciler:
        state, secrets, settings = self.state, self._referenced_secrets, self._settings
        ask_rasa = partial(served_model, self.http)
        served = ServedModels(ask_rasa, self._intervals, state.queue, times=state.answer_times)
        healing = Healing(self._client, self._intervals)
        licenses = Licenses(partial(license_expiry, self.http), state.queue, self._intervals)
        probe = RasaProbe(served, healing, ExternalServers(state, secrets, served), licenses)
        options = EnvironmentOptions(settings.operator_pods, settings.accept_unchecked)
        return EnvironmentReconciler(state, self._children, secrets, self._statuses, probe, options)

    @cached_property
    def _referenced_secrets(self) -> ReferencedSecrets:
        return ReferencedSecrets(self.secrets.read, self.state.references)

    @property
    def _intervals(self) -> Intervals:
        return Intervals(model_server=self._settings.model_server_interval, served=self._settings.served_interval)

    @cached_property
    def metrics(self) -> Metrics:
        """What is exposed to Prometheus."""
        state = self.state
        return Metrics(state.lister, state.queue, self.watches, state.promotions, state.answer_times)


def address_policy(settings: Settings, *, in_cluster: bool) -> AddressPolicy:
    """Return the addresses at which model servers and Rasa servers may be contacted."""
    loopback = settings.allow_loopback
    return AddressPolicy(
        allow_link_local=settings.allow_link_local,
        allow_loopback=not in_cluster if loopback is None else loopback,
    )
