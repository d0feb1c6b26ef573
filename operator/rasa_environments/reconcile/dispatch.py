"""From what was seen to who wants a look: keeps the directory, and fills the queue."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from pydantic import ValidationError

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_server import ModelServer, Registration
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.api.problems import problems
from rasa_environments.desired.context import environment_key
from rasa_environments.reconcile.directory import Directory, server_of_environment, server_of_tag
from rasa_environments.reconcile.pods import Pods
from rasa_environments.reconcile.queue import Kind, Request, WorkQueue
from rasa_environments.reconcile.references import SecretReferences

logger = logging.getLogger(__name__)

CHILD_DELAY_SECONDS = 0.1
"""A controller changes a child several times in a row: one look serves them all."""

Resource = ModelServer | DeploymentEnvironment | ModelTag
MODELS: dict[Kind, type[Resource]] = {
    Kind.MODEL_SERVER: ModelServer,
    Kind.DEPLOYMENT_ENVIRONMENT: DeploymentEnvironment,
    Kind.MODEL_TAG: ModelTag,
}


class Dispatcher:
    """Everything that watches and lists bring comes here."""

    def __init__(self, directory: Directory, queue: WorkQueue, references: SecretReferences, pods: Pods) -> None:
        self._directory = directory
        self._queue = queue
        self._references = references
        self._pods = pods
        directory.on_conflict_change(
            environments=lambda key: queue.add(Request(Kind.DEPLOYMENT_ENVIRONMENT, key)),
            tags=lambda key: queue.add(Request(Kind.MODEL_TAG, key)),
        )

    def seen(self, kind: Kind, body: JsonObject) -> None:
        """An object of the group is there, in this version. Versions that are not news are ignored."""
        metadata = body["metadata"]
        known = self._known(kind, ObjectKey(metadata["namespace"], metadata["name"]))
        if known is not None and int(metadata["resourceVersion"]) <= known.metadata.version:
            return  # The echo of a status write, or a listing: looked at before it is validated.
        try:
            resource = MODELS[kind].model_validate(body)
        except ValidationError as error:
            where = f"{kind} {metadata['namespace']}/{metadata['name']}"
            logger.warning(
                "%s is left alone, it is not of this operator's version: %s", where, "; ".join(problems(error))
            )
            return
        self._put(resource)
        self._queue.add(Request(kind, resource.metadata.key))
        self._look_around(known, resource)

    def gone(self, kind: Kind, key: ObjectKey, uid: str | None = None) -> None:
        """An object of the group is not there any more."""
        known = self._known(kind, key)
        if known is None or (uid is not None and known.metadata.uid != uid):
            return
        self._remove(known)
        self._queue.forget(Request(kind, key))
        self._queue.add(Request(kind, key))
        self._look_around(known, None)

    def known(self, kind: Kind) -> dict[ObjectKey, int]:
        """All known objects of a kind, with their resourceVersion."""
        directory = self._directory
        match kind:
            case Kind.MODEL_SERVER:
                resources: Iterable[Resource] = directory.servers
            case Kind.DEPLOYMENT_ENVIRONMENT:
                resources = directory.environments
            case Kind.MODEL_TAG:
                resources = directory.tags
        return {resource.metadata.key: resource.metadata.version for resource in resources}

    def child_changed(self, key: ObjectKey, child: JsonObject | None) -> None:
        """A child of an environment was changed, or is gone (None)."""
        environment = environment_key(key)
        if environment is None:
            return
        request = Request(Kind.DEPLOYMENT_ENVIRONMENT, environment)
        if child is None:
            self._queue.add(request)
        else:
            self._queue.add_later(request, CHILD_DELAY_SECONDS)

    def pod_changed(self, key: ObjectKey, pod: JsonObject | None) -> None:
        """A pod was changed, or is gone (None)."""
        for environment in self._pods.put(key, pod):
            self._queue.add_later(Request(Kind.DEPLOYMENT_ENVIRONMENT, environment), CHILD_DELAY_SECONDS)

    def secret_changed(self, key: ObjectKey) -> None:
        """A Secret was changed, has appeared, or is gone."""
        for request in self._references.users(key):
            self._queue.add(request)

    def _known(self, kind: Kind, key: ObjectKey) -> Resource | None:
        match kind:
            case Kind.MODEL_SERVER:
                return self._directory.servers.get(key)
            case Kind.DEPLOYMENT_ENVIRONMENT:
                return self._directory.environments.get(key)
            case Kind.MODEL_TAG:
                return self._directory.tags.get(key)

    def _put(self, resource: Resource) -> None:
        match resource:
            case ModelServer():
                self._directory.servers.put(resource)
            case DeploymentEnvironment():
                self._directory.environments.put(resource)
            case ModelTag():
                self._directory.tags.put(resource)

    def _remove(self, resource: Resource) -> None:
        match resource:
            case ModelServer():
                self._directory.servers.remove(resource.metadata.key)
            case DeploymentEnvironment():
                self._directory.environments.remove(resource.metadata.key)
            case ModelTag():
                self._directory.tags.remove(resource.metadata.key)

    def _look_around(self, before: Resource | None, now: Resource | None) -> None:
        """Queues whom the change of a spec concerns: who refers to it, or did before.

        Who claims what it claims is told by the directory, where that makes a difference.
        """
        if before is not None and now is not None and before.spec == now.spec:
            return
        for resource in (before, now):
            for request in self._concerned(resource):
                self._queue.add(request)

    def _concerned(self, resource: Resource | None) -> Iterable[Request]:
        directory = self._directory
        match resource:
            case ModelServer():
                yield from _requests(directory.environments_of(resource.metadata.key))
                yield from _requests(directory.tags_of(resource.metadata.key))
            case DeploymentEnvironment():
                server = directory.servers.get(server_of_environment(resource))
                if server is not None and server.registration is not Registration.NONE:
                    yield Request(Kind.MODEL_SERVER, server.metadata.key)
            case ModelTag():
                if resource.spec.deletion_policy == "Delete":
                    yield Request(Kind.MODEL_SERVER, server_of_tag(resource))


def _requests(resources: Iterable[Resource]) -> Iterable[Request]:
    for resource in resources:
        yield Request(Kind(type(resource).__name__), resource.metadata.key)
