"""The host of an Ingress belongs to one environment in the cluster, and stays with it."""

from __future__ import annotations

from typing import Any

import pytest

from rasa_environments.api.base import ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.domain.checks import usable_server
from rasa_environments.domain.facts import Problem
from rasa_environments.domain.lister import Lister
from tests.reconcile.objects import environment, server

HOST = "chat.example.com"


def at(host: str, name: str = "bot", *, namespace: str = "bots", age: int = 1, **more: Any) -> DeploymentEnvironment:
    """An environment with an Ingress."""
    return environment(name, namespace=namespace, age=age, ingress={"hosts": [{"host": host}]}, **more)


def holding(environment: DeploymentEnvironment, host: str) -> DeploymentEnvironment:
    """The environment with an Ingress that is written already."""
    return environment.model_copy(update={"status": environment.status.model_copy(update={"ingress_hosts": [host]})})


def lister_of(*environments: DeploymentEnvironment) -> Lister:
    """Each namespace with a ModelServer of its own."""
    lister = Lister()
    for each in environments:
        lister.servers.put(server(namespace=each.metadata.namespace))
        lister.environments.put(each)
    return lister


def refused(lister: Lister, environment: DeploymentEnvironment) -> str | None:
    """Why an environment is left alone."""
    problem = usable_server(environment, lister)
    if not isinstance(problem, Problem):
        return None
    assert problem.reason is Reason.HOST_CONFLICT
    assert problem.stalled
    return problem.message


OVERLAPPING = [
    (HOST, HOST),
    ("*.example.com", HOST),
    (HOST, "*.example.com"),
    ("*.example.com", "*.example.com"),
    ("*.example.com", "a.b.example.com"),
    ("*.b.example.com", "*.example.com"),
    ("*.com", HOST),
]
APART = [
    (HOST, "other.example.com"),
    ("*.example.com", "example.com"),
    ("*.example.com", "chat.example.org"),
    ("*.example.com", "chat.another-example.com"),
    ("chat.example.com", "a.chat.example.com"),
    ("*.a.example.com", "*.b.example.com"),
]


@pytest.mark.parametrize(("older", "newer"), OVERLAPPING)
def test_the_newer_of_two_with_one_host_is_refused_in_whichever_namespace_they_are(older: str, newer: str) -> None:
    first, second = at(older, age=2), at(newer, namespace="others")
    lister = lister_of(first, second)
    assert refused(lister, first) is None

    lister.grant_hosts(first, frozenset({older}))

    assert refused(lister, second) == (
        f"host {newer} is already used by an environment in another namespace: set another host in spec.ingress, one "
        "that no wildcard of another environment covers"
    )


def test_a_wildcard_that_is_refused_keeps_nobody_from_another_host() -> None:
    victim = holding(at(HOST, "victim"), HOST)
    thief = at("*.example.com", "thief", namespace="others", age=9)
    newer = at("new.example.com", namespace="newcomers")
    lister = lister_of(victim, thief, newer)

    assert refused(lister, thief) is not None
    assert refused(lister, newer) is None


def test_of_two_that_want_one_host_and_do_not_have_it_yet_the_older_gets_it() -> None:
    older, newer = at(HOST, age=2), at(HOST, namespace="others")
    lister = lister_of(older, newer)

    assert refused(lister, older) is None
    assert refused(lister, newer) is not None


def test_in_its_own_namespace_the_other_one_is_named() -> None:
    older, newer = at(HOST, "a", age=2), at(HOST, "b")

    message = refused(lister_of(older, newer), newer)

    assert message is not None
    assert message.startswith(f"host {HOST} is already used by environment bots/a: ")


@pytest.mark.parametrize(("one", "other"), APART)
def test_hosts_apart_are_no_conflict(one: str, other: str) -> None:
    first, second = at(one, age=2), at(other, namespace="others")
    lister = lister_of(first, second)

    assert refused(lister, first) is refused(lister, second) is None


@pytest.mark.parametrize(("has", "wants"), OVERLAPPING)
def test_an_older_environment_that_comes_to_want_the_host_of_a_newer_one_does_not_get_it(has: str, wants: str) -> None:
    victim, thief = holding(at(has, "victim"), has), environment("thief", namespace="others", age=9)
    lister = lister_of(victim, thief)

    lister.environments.put(changed := at(wants, "thief", namespace="others", age=9))

    assert refused(lister, victim) is None
    assert refused(lister, changed) is not None


def test_a_host_is_held_from_the_moment_that_it_is_granted() -> None:
    victim, thief = at(HOST, "victim"), environment("thief", namespace="others", age=9)
    lister = lister_of(victim, thief)
    lister.grant_hosts(victim, frozenset({HOST}))

    lister.environments.put(changed := at(HOST, "thief", namespace="others", age=9))

    assert refused(lister, victim) is None
    assert refused(lister, changed) is not None


@pytest.mark.parametrize("missing", ["the server", "the permission"])
def test_a_host_that_is_written_is_kept_while_its_environment_may_not_use_its_server(missing: str) -> None:
    victim = holding(at(HOST, "victim", modelServerRef={"namespace": "models"}), HOST)
    thief = at(HOST, "thief", namespace="others", age=9)
    lister = lister_of(victim, thief)
    if missing == "the permission":
        lister.servers.put(server(namespace="models"))

    assert refused(lister, thief) is not None


def test_who_may_not_use_its_server_and_has_no_ingress_takes_no_host() -> None:
    stranger = at(HOST, "stranger", age=9, modelServerRef={"namespace": "models"})
    newer = at(HOST, namespace="others")
    lister = lister_of(stranger, newer)
    lister.servers.put(server(namespace="models"))

    assert refused(lister, newer) is None


def test_a_host_of_the_defaults_goes_to_the_oldest() -> None:
    first, second = environment("a", age=2), environment("b", age=1)
    lister = lister_of(first, second)

    lister.servers.put(server(defaults={"ingress": {"hosts": [{"host": HOST}]}}))

    assert refused(lister, first) is None
    assert refused(lister, second) is not None


def test_a_server_that_runs_elsewhere_takes_no_host() -> None:
    external = {"url": "https://rasa.example.com", "authToken": {"secretKeyRef": {"name": "token", "key": "token"}}}
    elsewhere, newer = at(HOST, "a", age=2, external=external), at(HOST, "b")

    assert refused(lister_of(elsewhere, newer), newer) is None


def test_an_environment_that_wants_another_host_gives_up_the_first_when_it_is_granted() -> None:
    before, newer = holding(at(HOST, "a", age=2), HOST), at(HOST, "b")
    lister = lister_of(before, newer)
    moved = holding(at("new.example.com", "a", age=2), HOST)
    lister.environments.put(moved)
    assert refused(lister, newer) is not None

    lister.grant_hosts(moved, frozenset({"new.example.com"}))
    lister.environments.put(holding(moved, "new.example.com"))

    assert refused(lister, newer) is None


def test_a_deleted_environment_gives_its_host_up() -> None:
    before, newer = at(HOST, "a", age=2), at(HOST, "b")
    lister = lister_of(before, newer)
    lister.grant_hosts(before, frozenset({HOST}))

    lister.environments.remove(before.metadata.key)

    assert refused(lister, newer) is None


def test_whose_conflict_ends_or_begins_is_reported_across_namespaces() -> None:
    told: list[ObjectKey] = []
    wildcard = holding(at("*.example.com", "wildcard", namespace="others", age=0), "*.example.com")
    hosts = [at(f"{name}.example.com", name, age=age) for name, age in (("x", 3), ("y", 2))]
    older = holding(at("held.example.com", "held", age=1), "held.example.com")
    lister = lister_of(*hosts, older)
    lister.on_conflict_change(environments=told.append, tags=told.append)

    lister.servers.put(server(namespace="others"))
    lister.environments.put(wildcard)
    assert set(told) == {each.metadata.key for each in hosts}

    told.clear()
    lister.environments.remove(wildcard.metadata.key)
    assert set(told) == {each.metadata.key for each in hosts}
