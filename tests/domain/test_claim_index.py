"""The index gives the same answers as comparing everything, and notifies everyone whose answer changed."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_server import ModelServer
from rasa_environments.desired.uniqueness import databases, ingress_hosts, queues
from rasa_environments.domain.access import allows
from rasa_environments.domain.lister import Lister
from tests.reconcile.objects import environment, server

SERVER = ObjectKey("bots", "default")
KEYS = [ObjectKey(namespace, name) for namespace in ("bots", "guests") for name in "abc"]
HOSTS = st.sampled_from(["*.example.com", "x.example.com", "y.example.com", "*.y.example.com", "z.y.example.com"])
QUEUES = st.lists(st.sampled_from(["p", "q", "r"]), min_size=1, max_size=2, unique=True)


def made(key: ObjectKey, age: int, spec: JsonObject, held: str | None) -> DeploymentEnvironment:
    """An environment of the server."""
    it = environment(key.name, namespace=key.namespace, age=age, modelServerRef={"namespace": "bots"}, **spec)
    return it.model_copy(update={"status": it.status.model_copy(update={"ingress_hosts": [held] if held else None})})


SPECS = st.fixed_dictionaries(
    {},
    optional={
        "tag": st.sampled_from(["live", "staging"]),
        "ingress": st.builds(lambda host: {"hosts": [{"host": host}]}, HOSTS),
        "eventBroker": st.fixed_dictionaries(
            {"rabbitmq": st.fixed_dictionaries({"host": st.just("h"), "queues": QUEUES})}
        ),
        "trackerStore": st.just({"sql": {"host": "db", "database": "d"}}),
    },
)
ENVIRONMENTS = st.builds(made, st.sampled_from(KEYS), st.integers(0, 3), SPECS, st.none() | HOSTS)
SERVERS = st.builds(
    lambda profile, allowed, defaults: server(profile=profile, accessFrom={"namespaces": allowed}, defaults=defaults),
    st.sampled_from(["RasaX-0.2", "RasaX-0.32"]),
    st.sampled_from([[], ["guests"]]),
    st.sampled_from(
        [{}, {"ingress": {"hosts": [{"host": "x.example.com"}]}}, {"trackerStore": {"redis": {"host": "r"}}}]
    ),
)


def covers(one: str, other: str) -> bool:
    """Return whether one host equals the other, or is a wildcard that covers it."""
    return one == other or (one.startswith("*.") and other.endswith(one[1:]))


def overlap(host: str, wanted: str, new: bool) -> bool:
    """Return whether a host prevents another from being granted: with a wildcard, only if it is already held."""
    return host == wanted or (not new and (covers(host, wanted) or covers(wanted, host)))


class IndexAgainstComparison(RuleBasedStateMachine):
    """Create, change and delete environments and their server."""

    def __init__(self) -> None:
        super().__init__()
        self.lister = Lister()
        self.told: set[ObjectKey] = set()
        self.lister.on_conflict_change(environments=self.told.add, tags=self.told.add)
        self.blocked: dict[ObjectKey, bool] = {}
        self.touched: set[ObjectKey] = set()

    @rule(each=ENVIRONMENTS)
    def appears_or_changes(self, each: DeploymentEnvironment) -> None:
        self.lister.environments.put(each)
        self.touched = {each.metadata.key}

    @rule(key=st.sampled_from(KEYS))
    def goes(self, key: ObjectKey) -> None:
        self.lister.environments.remove(key)
        self.touched = {key}

    @rule(each=st.none() | SERVERS)
    def the_server_changes(self, each: object) -> None:
        if each is None:
            self.lister.servers.remove(SERVER)
        else:
            self.lister.servers.put(each)  # type: ignore[arg-type]
        self.touched = set(KEYS)

    @invariant()
    def verdicts_are_those_of_a_comparison_and_changes_are_told(self) -> None:
        now = {each.metadata.key: self.lister.conflict(each) is not None for each in self.lister.environments}
        assert now == {each.metadata.key: self.compared(each) for each in self.lister.environments}
        found = self.lister.servers.get(SERVER)
        permitted = {key for key in now if found is not None and allows(found, key.namespace, None)}
        free = {each.metadata.key for each in self.lister.eligible_environments(SERVER)}
        assert free == {key for key in permitted if not now[key]}
        changed = {key for key, blocked in now.items() if self.blocked.get(key, blocked) != blocked}
        assert changed <= self.told | self.touched
        self.blocked = now
        self.told.clear()

    def compared(self, each: DeploymentEnvironment) -> bool:
        """Whether another environment comes first with something that this one wants, too."""
        found = self.lister.servers.get(SERVER)
        if found is None or not allows(found, each.metadata.namespace, None):
            return False
        others = [other for other in self.lister.environments if other.metadata.key != each.metadata.key]
        return any(self.on_the_server(each, other) or self.by_host(each, other) for other in others)

    def on_the_server(self, each: DeploymentEnvironment, other: DeploymentEnvironment) -> bool:
        """Whether the other is older and has the name, tag, a queue or the database."""
        found = self.lister.servers.get(SERVER)
        assert found is not None
        if not allows(found, other.metadata.namespace, None) or age(other) > age(each):
            return False
        if each.environment == other.environment or each.tag == other.tag:
            return True
        if found.spec.profile != "RasaX-0.2":
            return False
        return bool(queues(each, found) & queues(other, found) or databases(each, found) & databases(other, found))

    def by_host(self, each: DeploymentEnvironment, other: DeploymentEnvironment) -> bool:
        """Whether the other has a host that overlaps the wanted one, or wants it and is older."""
        found = self.lister.servers.get(SERVER)
        assert found is not None
        return any(self.by_one_host(each, other, wanted, found) for wanted in ingress_hosts(each, found))

    def by_one_host(
        self, each: DeploymentEnvironment, other: DeploymentEnvironment, wanted: str, found: ModelServer
    ) -> bool:
        """The same for one of the hosts that are wanted."""
        held = other.status.ingress_hosts or []
        mine = (wanted not in (each.status.ingress_hosts or []), *age(each))
        theirs = [(False, host) for host in held]
        if allows(found, other.metadata.namespace, None):
            theirs += [(host not in held, host) for host in ingress_hosts(other, found)]
        return any(overlap(host, wanted, new) and (new, *age(other)) < mine for new, host in theirs)


def age(each: DeploymentEnvironment) -> tuple[str, ObjectKey]:
    """Return a sort key that is smaller for older objects."""
    return each.metadata.creation_timestamp, each.metadata.key


TestIndexAgainstComparison = IndexAgainstComparison.TestCase
TestIndexAgainstComparison.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
