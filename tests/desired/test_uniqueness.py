"""What environments of one Rasa X 0.2x must not share matches what their servers actually use."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from rasa_environments.api.base import JsonObject
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_server import Profile
from rasa_environments.desired.compose import DATABASE_HOST, RABBITMQ_HOST
from rasa_environments.desired.context import Context, identifier, own_database, own_queue
from rasa_environments.desired.errors import SpecError
from rasa_environments.desired.uniqueness import Place, databases, has_own_queue_and_database, ingress_hosts, queues
from tests.desired.contexts import children_by_kind, context
from tests.desired.pages import JWT, files, plain_variables
from tests.reconcile.objects import environment, server

NAMES = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", fullmatch=True)
HOSTS = st.sampled_from(["rabbit", "other", "db"])
QUEUES = st.lists(st.sampled_from(["events", "rasa_support_events", "copy"]), min_size=1, max_size=2, unique=True)


def some(required: dict[str, st.SearchStrategy[Any]], **optional: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A mapping with the required entries and some of the optional ones."""
    return st.fixed_dictionaries(required, optional=optional)


BROKERS = st.one_of(
    st.fixed_dictionaries({"rabbitmq": some({"host": HOSTS}, queues=QUEUES, port=st.just(5673))}),
    st.just({"kafka": {"bootstrapServers": ["kafka:9092"]}}),
    st.just({"sql": {"host": "db", "database": "events"}}),
)
STORES = st.one_of(
    st.fixed_dictionaries(
        {
            "sql": some(
                {"host": HOSTS},
                database=st.sampled_from(["chats", "rasa_support"]),
                dialect=st.sampled_from(["PostgreSQL", "MySQL"]),
                port=st.just(5433),
                username=st.just("bot"),
            )
        }
    ),
    st.fixed_dictionaries({"redis": some({"host": HOSTS}, database=st.integers(0, 2))}),
)
SPECS = some({}, eventBroker=BROKERS, trackerStore=STORES)


def made_of(own: JsonObject, defaults: JsonObject, name: str = "support") -> Context:
    """The context of an environment of Rasa X 0.2x."""
    spec = {"rasa": {"version": "1.10.26"}, **own}
    return context(spec, name=name, server={"profile": "RasaX-0.2"}, defaults=defaults, secret_values=JWT)


def given_queues(endpoints: JsonObject, variables: dict[str, str]) -> set[Place]:
    """Return where the servers send their events: as in endpoints.yml, else as in the variables."""
    broker = endpoints.get("event_broker")
    if broker is None:
        return {(variables["RABBITMQ_HOST"], variables["RABBITMQ_QUEUE"])}
    return {(broker["url"], queue) for queue in broker["queues"]} if broker["type"] == "pika" else set()


def given_databases(endpoints: JsonObject, variables: dict[str, str]) -> set[Place]:
    """Where the servers keep conversations."""
    store = endpoints.get("tracker_store")
    if store is None:
        return {(variables["DB_HOST"], variables["DB_DATABASE"])}
    return {(store["url"], str(store["db"]))}


def part(of: st.SearchStrategy[JsonObject]) -> st.SearchStrategy[JsonObject]:
    """Return the same, optionally without its host, which the defaults then provide."""
    return st.builds(
        lambda described, keeps: {
            kind: {key: value for key, value in each.items() if keeps or key != "host"}
            for kind, each in described.items()
        },
        of,
        st.booleans(),
    )


@given(
    own=some({}, eventBroker=part(BROKERS), trackerStore=part(STORES)),
    defaults=SPECS,
    name=st.sampled_from(["support", "a-b"]),
    ignored=st.sets(st.sampled_from(["eventBroker", "trackerStore"])).map(sorted),
)
def test_queues_and_databases_are_those_of_the_files_and_the_variables(
    own: JsonObject, defaults: JsonObject, name: str, ignored: list[str]
) -> None:
    try:
        of = made_of({**own, "ignoreDefaults": ignored}, defaults, name)
    except SpecError:
        reject()  # a host is nowhere
    children = children_by_kind(of)
    endpoints, variables = files(children)["endpoints.yml"], plain_variables(children)

    assert queues(of.environment, of.server) == given_queues(endpoints, variables)
    assert databases(of.environment, of.server) == given_databases(endpoints, variables)


@given(own=SPECS, defaults=SPECS)
def test_the_variables_say_of_stores_what_endpoints_yml_says(own: JsonObject, defaults: JsonObject) -> None:
    children = children_by_kind(made_of(own, defaults))
    endpoints, variables = files(children)["endpoints.yml"], plain_variables(children)

    broker, store = endpoints.get("event_broker", {}), endpoints.get("tracker_store", {})
    if broker.get("type") == "pika":
        shown = [variables[f"RABBITMQ_{name}"] for name in ("HOST", "PORT", "USERNAME", "QUEUE")]
        assert shown == [broker["url"], str(broker["port"]), broker["username"], broker["queues"][0]]
    if store.get("type") == "SQL":
        shown = [variables[f"DB_{name}"] for name in ("HOST", "PORT", "USER", "DATABASE", "LOGIN_DB")]
        assert shown == [store["url"], str(store["port"]), store["username"], store["db"], store["login_db"]]


@pytest.mark.parametrize(
    ("redis", "expected"),
    [
        ({"sentinel": {"endpoints": ["sentinel-1:26379"], "masterName": "chats"}}, {("chats", "0")}),
        ({"cluster": {"endpoints": ["node-1:6379", "node-2:6379"]}}, {("node-1:6379", "0"), ("node-2:6379", "0")}),
    ],
)
def test_several_servers_are_known_by_what_they_have_in_common(redis: JsonObject, expected: set[Place]) -> None:
    its_server = server(profile="RasaPro")

    assert databases(environment("support", trackerStore={"redis": redis}), its_server) == expected


def test_a_silent_spec_has_a_queue_and_a_database_of_its_own_on_the_hosts_of_the_page() -> None:
    of = made_of({}, {})

    assert queues(of.environment, of.server) == {(RABBITMQ_HOST, "rasa_support_events")}
    assert databases(of.environment, of.server) == {(DATABASE_HOST, "rasa_support")}


@pytest.mark.parametrize("profile", list(Profile))
def test_only_rasa_x_0_2_wants_them_apart(profile: Profile) -> None:
    assert has_own_queue_and_database(server(profile=profile.value)) is (profile is Profile.RASA_X_0_2)


HOSTS_OF_INGRESSES = st.lists(
    st.sampled_from(["a.example.com", "*.b.example.com", "c.example.com"]), min_size=1, unique=True
)
INGRESSES = some({}, ingress=HOSTS_OF_INGRESSES.map(lambda hosts: {"hosts": [{"host": host} for host in hosts]}))


@given(own=INGRESSES, defaults=INGRESSES, ignored=st.sampled_from([[], ["ingress"], ["service"]]))
def test_the_hosts_are_those_of_the_ingress(own: JsonObject, defaults: JsonObject, ignored: list[str]) -> None:
    of = made_of({**own, "ignoreDefaults": ignored}, defaults)
    rules = children_by_kind(of).get("Ingress", {"spec": {"rules": []}})["spec"]["rules"]

    assert ingress_hosts(of.environment, of.server) == {rule["host"] for rule in rules}


def test_a_class_of_its_own_leaves_the_hosts_of_the_defaults() -> None:
    of = made_of({"ingress": {"className": "nginx"}}, {"ingress": {"hosts": [{"host": "a.example.com"}]}})

    assert ingress_hosts(of.environment, of.server) == {"a.example.com"}


def test_a_server_that_runs_elsewhere_has_no_hosts() -> None:
    token = {"secretKeyRef": {"name": "partner", "key": "token"}}
    elsewhere = environment("partner", external={"url": "https://rasa.example.com", "authToken": token})
    shared = server(defaults={"ingress": {"hosts": [{"host": "a.example.com"}]}})

    assert ingress_hosts(elsewhere, shared) == frozenset()


def called(name: str) -> DeploymentEnvironment:
    """An environment of that RASA_ENVIRONMENT."""
    return environment("support", environment=name)


@given(name=NAMES)
def test_a_database_has_a_name_that_is_neither_quoted_nor_cut(name: str) -> None:
    database = own_database(called(name))

    assert re.fullmatch("[a-z_][a-z0-9_]*", database)
    assert len(database.encode()) <= 63


@given(name=NAMES)
def test_a_queue_is_named_as_on_the_page(name: str) -> None:
    assert re.fullmatch("rasa_[a-z0-9_]+_events", own_queue(called(name)))


ALIKE = st.tuples(st.just("a" * 57) | NAMES, NAMES, NAMES).map(lambda parts: (parts[0] + parts[1], parts[0] + parts[2]))
PAIRS = st.tuples(NAMES, NAMES) | ALIKE.map(lambda pair: (pair[0][:63].rstrip("._-"), pair[1][:63].rstrip("._-")))


@given(names=PAIRS)
def test_two_environments_have_different_databases_and_queues(names: tuple[str, str]) -> None:
    one, other = map(called, names)

    if identifier(one) != identifier(other):
        assert own_database(one) != own_database(other)
        assert own_queue(one) != own_queue(other)


@given(name=NAMES)
def test_the_database_of_an_environment_does_not_change_with_its_letters_case_or_separators(name: str) -> None:
    assert own_database(called(name)) == own_database(called(name.swapcase().replace("-", ".")))
