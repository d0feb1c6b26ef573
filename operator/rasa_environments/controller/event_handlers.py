"""Event handlers: keep the lister up to date, and enqueue the objects that a change affects."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from rasa_environments.api.base import JsonObject, ObjectKey, Rejection
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.kinds import AnyResource
from rasa_environments.api.model_server import ModelServer, Registration
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.controller.pods import Pods
from rasa_environments.controller.queue import Kind, Request, WorkQueue
from rasa_environments.controller.secret_references import SecretReferences
from rasa_environments.desired.context import environment_key
from rasa_environments.domain.candidates import asks_for_live_job
from rasa_environments.domain.lister import Lister, server_of_environment, server_of_tag
from rasa_environments.domain.verification import verifying_model

CHILD_DELAY_SECONDS = 0.3
"""Seconds; a controller changes a child several times in a row, and one reconciliation handles them all."""


class EventHandlers:
    """Handles all events from watches."""

    def __init__(
        self,
        lister: Lister,
        queue: WorkQueue,
        references: SecretReferences,
        pods: Pods,
        settled: Callable[[ObjectKey], bool] = lambda _: False,
    ) -> None:
        """Initialize: `settled` returns whether the children of that name are as reconciled last."""
        self._lister = lister
        self._queue = queue
        self._references = references
        self._pods = pods
        self._settled = settled
        self._unsettled: dict[Request, set[ObjectKey]] = {}
        """Environments with a recent change of a child, and the names of such children."""
        lister.on_conflict_change(
            environments=lambda key: queue.add(Request(Kind.DEPLOYMENT_ENVIRONMENT, key)),
            tags=self._enqueue_tag,
        )

    def known(self, request: Request) -> AnyResource | None:
        """Return the object in its version in force, or None."""
        match request.kind:
            case Kind.MODEL_SERVER:
                return self._lister.servers.get(request.key)
            case Kind.DEPLOYMENT_ENVIRONMENT:
                return self._lister.environments.get(request.key)
            case Kind.MODEL_TAG:
                return self._lister.tags.get(request.key)

    def changed(self, request: Request, version: int | None) -> None:
        """Enqueue an object of an own kind that has this version, or is gone (None), unless that version is known."""
        if self.is_news(request, version):
            self._queue.add(request)

    def is_news(self, request: Request, version: int | None) -> bool:
        """Return whether the object has another version than the one that was read or written last."""
        known = self.known(request)
        return version is None or known is None or version > known.metadata.latest_version

    def on_update(self, resource: AnyResource) -> None:
        """Store an object that was read in a usable version; enqueue the dependents of a change of its spec."""
        known = self.known(request_of(resource))
        self._lister.put(resource)
        self._enqueue_dependents(known, resource)
        # The operator's own writes are known, so this response was lost, or somebody else wrote the status. And nobody
        # waits for an environment that is being deleted.
        if isinstance(known, DeploymentEnvironment) and (
            known.status != resource.status or known.metadata.deletion_timestamp != resource.metadata.deletion_timestamp
        ):
            self._notify_tag(known)
        if isinstance(resource, ModelTag) and known is not None and known.status != resource.status:
            for each in self._lister.promoted_from(resource):
                self._queue.add(request_of(each))

    def reject(self, known: AnyResource, rejection: Rejection) -> None:
        """Record a newer version that cannot be used; the known one stays in force."""
        self._lister.put(
            known.model_copy(update={"metadata": known.metadata.model_copy(update={"rejection": rejection})})
        )

    def on_unusable(self, request: Request) -> None:
        """Handle an object of which no version can be used: those that refer to it wait for it to be read."""
        if request.kind is Kind.MODEL_SERVER:
            self._lister.set_never_valid(request.key, exists=True)
            self._enqueue_users_of(request.key)

    def on_delete(self, request: Request) -> None:
        """Remove an object that is gone; enqueue its dependents."""
        known = self.known(request)
        if known is None:
            if request.kind is Kind.MODEL_SERVER and self._lister.is_never_valid(request.key):
                self._lister.set_never_valid(request.key, exists=False)
                self._enqueue_users_of(request.key)
            return
        self._lister.remove(known)
        self._queue.forget(request)
        self._enqueue_dependents(known, None)
        if isinstance(known, DeploymentEnvironment):
            self._notify_tag(known)

    def child_changed(self, key: ObjectKey, child: JsonObject | None) -> None:
        """Handle a change or deletion (None) of an environment's child.

        A watch often brings what the operator has just written before the response arrives; by the end of the delay
        such a child is settled, and its environment is not enqueued.
        """
        environment = environment_key(key)
        if environment is None:
            return
        request = Request(Kind.DEPLOYMENT_ENVIRONMENT, environment)
        if child is None:
            self._queue.add(request)
        elif request in self._unsettled:
            self._unsettled[request].add(key)
        else:
            self._unsettled[request] = {key}
            asyncio.get_running_loop().call_later(CHILD_DELAY_SECONDS, self._enqueue_unsettled, request)

    def _enqueue_unsettled(self, request: Request) -> None:
        if not all(map(self._settled, self._unsettled.pop(request))):
            self._queue.add(request)

    def pod_changed(self, key: ObjectKey, pod: JsonObject | None) -> None:
        """Handle a change or deletion (None) of a pod."""
        for environment in self._pods.put(key, pod):
            self._queue.add_later(Request(Kind.DEPLOYMENT_ENVIRONMENT, environment), CHILD_DELAY_SECONDS)
            self._notify_of_candidate(environment)

    def namespace_changed(self, key: ObjectKey, namespace: JsonObject | None) -> None:
        """Handle a change or deletion (None) of a namespace."""
        labels = None if namespace is None else namespace["metadata"].get("labels") or {}
        for resource in self._lister.namespace_changed(key.name, labels):
            self._queue.add(request_of(resource))

    def secret_changed(self, key: ObjectKey) -> None:
        """Handle a change, creation or deletion of a Secret."""
        for request in self._references.users(key):
            self._queue.add(request)

    def _enqueue_dependents(self, before: AnyResource | None, now: AnyResource | None) -> None:
        """Enqueue the dependents of a change of a spec: those that refer to the object, or did before.

        Conflicting claims are handled by the lister, if the change affects them.
        """
        if before is not None and now is not None and before.spec == now.spec:
            return
        changed = now or before
        own = None if changed is None else request_of(changed)
        for resource in (before, now):
            for request in self._dependents(resource):
                if request != own:  # the object itself is reconciled by the caller
                    self._queue.add(request)

    def _notify_tag(self, environment: DeploymentEnvironment) -> None:
        """Enqueue the ModelTag that the environment follows, since its report of who serves the model has changed."""
        tag = self._lister.followed(environment)
        if tag is not None:
            self._queue.add(request_of(tag))

    def _enqueue_tag(self, key: ObjectKey) -> None:
        """Enqueue a ModelTag that came to own its tag, or no longer does, and those whose actions it decides on."""
        self._queue.add(Request(Kind.MODEL_TAG, key))
        for request in self._dependents(self._lister.tags.get(key)):
            self._queue.add(request)

    def _notify_of_candidate(self, environment: ObjectKey) -> None:
        """Enqueue the ModelTag that waits for the environment's candidate."""
        known = self._lister.environments.get(environment)
        tag = None if known is None else self._lister.followed(known)
        if tag is not None and verifying_model(tag.status) is not None:
            self._queue.add_later(request_of(tag), CHILD_DELAY_SECONDS)

    def _enqueue_users_of(self, server: ObjectKey) -> None:
        for dependent in self._users_of(server):
            self._queue.add(dependent)

    def _users_of(self, server: ObjectKey) -> Iterable[Request]:
        """Yield the environments and ModelTags that refer to a ModelServer, whether it is known or not."""
        yield from _requests(self._lister.environments_of(server))
        yield from _requests(self._lister.tags_of(server))

    def _dependents(self, resource: AnyResource | None) -> Iterable[Request]:
        lister = self._lister
        match resource:
            case ModelServer():
                yield from self._users_of(resource.metadata.key)
            case DeploymentEnvironment():
                server = lister.servers.get(server_of_environment(resource))
                if server is not None and server.registration is not Registration.NONE:
                    yield Request(Kind.MODEL_SERVER, server.metadata.key)
            case ModelTag():
                server_key = server_of_tag(resource)
                yield from _requests(lister.promoted_from(resource))
                if resource.spec.deletion_policy == "Delete":
                    yield Request(Kind.MODEL_SERVER, server_key)
                runs = verifying_model(resource.status) is not None or asks_for_live_job(resource)
                if resource.action_server_image is not None or runs:
                    yield from _requests(lister.followers(server_key, resource.tag))


def request_of(resource: AnyResource) -> Request:
    """Return the request to reconcile that object."""
    return Request(Kind(type(resource).__name__), resource.metadata.key)


def _requests(resources: Iterable[AnyResource]) -> Iterable[Request]:
    return map(request_of, resources)
