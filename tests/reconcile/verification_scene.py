"""A ModelTag that verifies its models, and the environments that pull it, with everything that both ask and write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.conditions import Condition
from rasa_environments.api.model_tag import ModelTag
from rasa_environments.api.verification import RETRY_ANNOTATION, TestCase
from rasa_environments.controller.queue import Kind, Request, Result
from rasa_environments.controller.state import State
from rasa_environments.desired.context import candidate_key
from rasa_environments.domain.facts import Problem, ServerObservation, TaggedModel
from rasa_environments.rasa.replies import Reaction
from rasa_environments.reconcile.environment import EnvironmentOptions, EnvironmentReconciler
from rasa_environments.reconcile.external import ExternalServers
from rasa_environments.reconcile.healing import Healing
from rasa_environments.reconcile.intervals import Intervals
from rasa_environments.reconcile.licenses import Licenses
from rasa_environments.reconcile.model_tag import ModelTagReconciler
from rasa_environments.reconcile.probe import RasaProbe
from rasa_environments.reconcile.served import ServedModels
from rasa_environments.reconcile.status import Statuses
from tests.reconcile.environment_scene import no_license
from tests.reconcile.fake_jobs import FakeJobs
from tests.reconcile.fakes import (
    FakeApiServer,
    FakeBots,
    FakeChildren,
    FakeConnections,
    FakeEvents,
    FakeModelServer,
    FakeRasa,
    FakeSecrets,
    RecordingQueue,
    unasked_releases,
    verification_stages,
)
from tests.reconcile.objects import environment, server, tag

KEY = ObjectKey("bots", "live")
SERVER = ObjectKey("bots", "default")
CONVERSATIONS = ObjectKey("bots", "conversations")
OPENING_HOURS = """
test_cases:
  - test_case: opening hours
    steps:
      - user: when are you open?
      - bot: We open at 9.
  - test_case: greeting
    steps:
      - user: hello
      - matches: "."
"""
GOOD, BAD = Reaction(("We open at 9.",)), Reaction(("We never open.",))
CHECK: JsonObject = {
    "conversations": [{"configMapKeyRef": {"name": "conversations", "key": "tests.yaml"}}],
    "timeoutSeconds": 300,
}


JOB_CHECK: JsonObject = {
    "jobTemplate": {"spec": {"template": {"spec": {"containers": [{"name": "test", "image": "tests:1"}]}}}},
    "timeoutSeconds": 300,
}


class Scene:
    """The tag `live` is on `old`, which the environment `live` serves; the spec asks for `new`, to be verified."""

    def __init__(self, *environments: str, limit: int = 10, **spec: Any) -> None:
        self.queue = RecordingQueue()
        self.state, self.api, self.events = State(queue=self.queue), FakeApiServer(), FakeEvents()
        self.model_server = FakeModelServer({"old": "0" * 32, "new": "1" * 32, "other": "2" * 32}, {"live": "old"})
        self.children, self.bots, self.rasa = FakeChildren(), FakeBots(GOOD), FakeRasa("old")
        self.jobs, self.secrets = FakeJobs(), FakeSecrets()
        self.time = datetime(2026, 1, 1, 12, tzinfo=UTC)
        self.limit, self.intervals = limit, Intervals(first_served=0.0)
        self.start()
        self.holds()
        for name in environments or ("live",):
            self.state.lister.environments.put(environment(name, tag="live", uid=f"uid-{name}"))
        self.has_conversations(OPENING_HOURS)
        self.spec: JsonObject = {"model": "new", "verification": {"candidate": CHECK}, **spec}
        self.wants(taggedModel={"name": "old", "hash": "0" * 32})
        self.observe()

    def start(self) -> None:
        """A process starts, and knows nothing but the objects."""
        statuses = Statuses(self.api, self.state.lister, self.events, self.now)
        fakes = (self.api, self.children, self.bots)
        gate = verification_stages(
            self.state, *fakes, secrets=self.secrets, jobs=self.jobs, limit=self.limit, now=self.now
        )
        clients = FakeConnections(self.model_server)
        releases = unasked_releases(self.state)
        self.tags = ModelTagReconciler(self.state, clients, statuses, releases, gate, self.events, self.now)
        secrets, queue = self.secrets, self.state.queue
        served = ServedModels(self.rasa, self.intervals, queue, times=self.state.answer_times)
        external = ExternalServers(self.state, secrets, served)
        licenses = Licenses(no_license, queue, Intervals(), self.now)
        probe = RasaProbe(served, Healing(self.api, Intervals()), external, licenses)
        options = EnvironmentOptions()
        self.environments = EnvironmentReconciler(self.state, self.children, secrets, statuses, probe, options)

    def holds(self, **spec: Any) -> None:
        """The ModelServer has these windows or this freeze, or neither."""
        self.state.lister.servers.put(server(defaults={"rasa": {"version": "3.6.21"}}, **spec))

    def now(self) -> str:
        """The time, in Kubernetes' format."""
        return self.time.strftime("%Y-%m-%dT%H:%M:%SZ")

    def passes(self, seconds: float) -> None:
        """Some time passes."""
        self.time += timedelta(seconds=seconds)

    def has_conversations(self, content: str | None) -> None:
        """The ConfigMap holds these conversations, or there is none."""
        self.api.objects.pop(("ConfigMap", CONVERSATIONS), None)
        if content is not None:
            self.api.objects["ConfigMap", CONVERSATIONS] = {"data": {"tests.yaml": content}}

    def wants(self, *, retry: str | None = None, **status: Any) -> None:
        """The ModelTag has the spec of the scene, and another status, if one is given."""
        known = self.state.lister.tags.get(KEY)
        version = 1 if known is None else known.metadata.latest_version + 1
        made = tag("live", version=version, **self.spec)
        if retry is not None:
            metadata = made.metadata.model_copy(update={"annotations": {RETRY_ANNOTATION: retry}})
            made = made.model_copy(update={"metadata": metadata})
        if status:
            made = ModelTag.model_validate({**made.model_dump(by_alias=True), "status": status})
        elif known is not None:
            made = made.model_copy(update={"status": known.status})
        self.state.lister.tags.put(made)

    def observe(self, problem: Problem | None = None) -> None:
        """The model server is listed."""
        models = {name: TaggedModel(name, digest) for name, digest in self.model_server.hashes.items()}
        tags = {name: models[model] for name, model in self.model_server.tags.items()}
        self.state.observations.listing_begins(SERVER)
        self.state.observations.listed(SERVER, ServerObservation(models=models, tags=tags, known=True, problem=problem))

    async def reconcile(self) -> Result:
        """Reconcile the ModelTag once, and then all environments."""
        result = await self.tags.reconcile(KEY)
        await self.reconcile_environments()
        return result

    async def reconcile_environments(self) -> None:
        """Reconcile all environments."""
        for each in list(self.state.lister.environments):
            await self.environments.reconcile(each.metadata.key)
            if self.candidate(each.metadata.name) is None:
                self.state.pods.put(ObjectKey("bots", f"{each.metadata.name}-candidate-1"), None)

    def has_ready_candidate(self, name: str = "live", *, ready: bool = True, ip: str = "10.0.0.1") -> None:
        """The Deployment of an environment's candidate has its pod."""
        template = self.children.objects["Deployment", ObjectKey("bots", f"{name}-candidate")]["spec"]["template"]
        pod = {
            "metadata": {"name": f"{name}-candidate-1", **template["metadata"]},
            "status": {"podIP": ip, "conditions": [{"type": "Ready", "status": str(ready)}]},
        }
        self.state.pods.put(ObjectKey("bots", f"{name}-candidate-1"), pod)

    async def settles(self) -> None:
        """Reconcile for as long as that is asked for at once."""
        for _ in range(20):
            if (await self.reconcile()).requeue_after != 0.0:
                return
        raise AssertionError("it does not come to rest")

    def candidate(self, name: str = "live") -> JsonObject | None:
        """The Deployment of an environment's candidate, or None."""
        return self.children.objects.get(("Deployment", candidate_key(ObjectKey("bots", name))))

    def is_enqueued(self, name: str = "live") -> bool:
        """Whether the reconciliation of an environment was requested."""
        return Request(Kind.DEPLOYMENT_ENVIRONMENT, ObjectKey("bots", name)) in self.queue.added

    @property
    def tag(self) -> ModelTag:
        """The ModelTag as it is known."""
        found = self.state.lister.tags.get(KEY)
        assert found is not None
        return found

    def condition(self, kind: str) -> Condition:
        """A condition of the ModelTag."""
        return next(each for each in self.tag.status.conditions or () if each.type == kind)

    @property
    def tagged(self) -> tuple[str, str]:
        """Status and reason of the condition Tagged."""
        found = self.condition("Tagged")
        return found.status, found.reason

    @property
    def results(self) -> list[str | None]:
        """The results of all verifications, the latest first."""
        return [each.result for each in self.tag.status.verifications or ()]

    @property
    def cases(self) -> list[TestCase]:
        """The test cases of the latest verification."""
        latest = (self.tag.status.verifications or [])[:1]
        return [case for record in latest for case in record.test_cases or ()]
