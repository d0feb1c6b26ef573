"""An environment and its reconciler, with everything that it asks and writes in memory."""

from __future__ import annotations

from base64 import b64decode
from datetime import datetime
from typing import Any

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.conditions import Condition, Reason
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.controller.queue import Kind, Request, Result
from rasa_environments.controller.state import State
from rasa_environments.domain.facts import Problem, ServerObservation, TaggedModel
from rasa_environments.reconcile.environment import EnvironmentOptions, EnvironmentReconciler
from rasa_environments.reconcile.external import ExternalServers
from rasa_environments.reconcile.healing import Healing
from rasa_environments.reconcile.intervals import Intervals
from rasa_environments.reconcile.licenses import Licenses
from rasa_environments.reconcile.probe import RasaProbe
from rasa_environments.reconcile.served import ServedModels
from rasa_environments.reconcile.status import Statuses
from tests.reconcile.fakes import (
    FakeApiServer,
    FakeChildren,
    FakeEvents,
    FakeRasa,
    FakeSecrets,
    RecordingQueue,
)
from tests.reconcile.objects import environment, server

KEY = ObjectKey("bots", "support")
CHILD = ObjectKey("bots", "support-rasa")
ACTION_SERVER = ObjectKey("bots", "support-actions")
SERVER = ObjectKey("bots", "default")
MODEL, NEXT = TaggedModel("model-a", "hash-a"), TaggedModel("model-b", "hash-b")
TAG = Request(Kind.MODEL_TAG, ObjectKey("bots", "tag"))
FOUNDATIONS = ["ServiceAccount", "Secret", "ConfigMap", "Service"]
PASSWORDS = ObjectKey("bots", "passwords")
VALUE: JsonObject = {"secretKeyRef": {"name": "passwords", "key": "k"}}
READS_A_SECRET: JsonObject = {"endpoints": {"action_endpoint": {"url": VALUE}}}


async def no_license(base_url: str) -> datetime:
    """Ask nobody: the environment needs no licence."""
    raise AssertionError(f"{base_url} is asked for its licence")


class Scene:
    """An environment whose ModelServer was checked: its tag is on a model."""

    def __init__(self, *, model_server: JsonObject | None = None, **spec: Any) -> None:
        self.queue = RecordingQueue()
        self.state = State(queue=self.queue)
        self.api, self.children, self.secrets = FakeApiServer(), FakeChildren(), FakeSecrets()
        self.rasa, self.events = FakeRasa(MODEL.name), FakeEvents()
        served = ServedModels(self.rasa, Intervals(), self.state.queue, times=self.state.answer_times)
        external = ExternalServers(self.state, self.secrets, served)
        licenses = Licenses(no_license, self.state.queue, Intervals(), lambda: "2026-01-01T12:00:00Z")
        probe = RasaProbe(served, Healing(self.api, Intervals()), external, licenses)
        statuses = Statuses(self.api, self.state.lister, self.events)
        options = EnvironmentOptions()
        self.reconciler = EnvironmentReconciler(self.state, self.children, self.secrets, statuses, probe, options)
        self.state.lister.servers.put(server(**{"defaults": {"rasa": {"version": "3.6.21"}}, **(model_server or {})}))
        self.observe(MODEL)
        self.state.lister.environments.put(environment("support", **spec))

    def observe(self, model: TaggedModel | None) -> None:
        """The model server was listed: the tag is on this model."""
        models = {each.name: each for each in (MODEL, NEXT)}
        tags = {} if model is None else {"support": model}
        self.state.observations.listed(SERVER, ServerObservation(models=models, tags=tags, known=True))

    def loses_model_server(self) -> None:
        """The model server does not answer, and nothing else is known of it."""
        away = Problem(Reason.MODEL_SERVER_UNREACHABLE, "away", stalled=False)
        self.state.observations.listed(SERVER, ServerObservation(problem=away))

    def changes(self, **spec: Any) -> None:
        """The spec is another one, and the status what it was."""
        changed = environment("support", version=self.environment.metadata.version + 1, **spec)
        status = {"status": self.environment.status}
        self.state.lister.environments.put(changed.model_copy(update=status))

    async def reconcile(self) -> Result:
        """Reconcile once."""
        return await self.reconciler.reconcile(KEY)

    def starts_pod(self, *, ready: bool = True) -> None:
        """The Deployment has its pod."""
        self.children.has_status(
            "Deployment", CHILD, replicas=1, updatedReplicas=1, availableReplicas=int(ready), readyReplicas=int(ready)
        )
        pod = {
            "metadata": {"labels": self.children.last("Deployment")["spec"]["selector"]["matchLabels"]},
            "status": {
                "podIP": "10.0.0.1",
                "conditions": [{"type": "Ready", "status": str(ready)}],
                "containerStatuses": [{"name": "rasa", "ready": ready}],
            },
        }
        self.state.pods.put(ObjectKey("bots", "support-rasa-1"), pod)

    @property
    def environment(self) -> DeploymentEnvironment:
        """The environment as it is known."""
        found = self.state.lister.environments.get(KEY)
        assert found is not None
        return found

    def _condition(self, kind: str) -> Condition:
        return next(each for each in self.environment.status.conditions or () if each.type == kind)

    def condition(self, kind: str) -> tuple[str, str]:
        """Status and reason of a condition."""
        return self._condition(kind).status, self._condition(kind).reason

    def message(self, kind: str) -> str:
        """Message of a condition."""
        return self._condition(kind).message

    @property
    def token(self) -> str:
        """The token in the environment's Secret."""
        return b64decode(self.children.last("Secret")["data"]["token"]).decode()
