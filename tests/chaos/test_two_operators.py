"""Two operators on one cluster, with leader election: one works at a time, and the other takes over soon."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import pytest

from local.installation import NAMESPACE
from rasa_environments.api.base import JsonObject
from tests.chaos.actions import Hang
from tests.chaos.calls import Call
from tests.chaos.conftest import NUMBERS, NewOperator
from tests.chaos.operators import ProxiedOperator
from tests.integration.conftest import Installation, furnish
from tests.integration.manifests import environment
from tests.integration.model_server_process import ModelServerProcess
from tests.integration.space import ALWAYS_THERE, ENVIRONMENT, MERGE_PATCH, Space

ELECTED = ("--leader-elect",)
LEADS = "leading: the Lease"
LEASE_PATH = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/rasa-environments"
TAKEOVER_SECONDS = 15.0
"""After the leader was killed, was paused, or lost the API server."""
RELEASE_SECONDS = 5.0
"""After the leader received SIGTERM: it has ended, and the standby leads."""
NOTICE_SECONDS = 10.0
"""Until a leader whose Lease somebody else has taken, or deleted, has ended."""


@dataclass(frozen=True)
class Pair:
    """A leader and a standby."""

    leader: ProxiedOperator
    standby: ProxiedOperator
    space: Space

    def seconds_until_standby_leads(self, since: float) -> float:
        """Wait for the takeover, which may be late; return after how many seconds it came."""
        self.standby.process.wait_until(lambda: LEADS in self.standby.process.logged(), "leading")
        return time.monotonic() - since

    def assert_the_leader_ends_in_good_order(self) -> None:
        """Check that it logs the reason once, and that its supervisor is to restart it."""
        assert self.leader.process.wait(NOTICE_SECONDS) == 1
        log = self.leader.process.logged()
        assert "Traceback" not in log
        assert sum("Lease" in line and "is lost" in line for line in log.splitlines()) == 1, log


@pytest.fixture
def pair(breakable: Installation, new_operator: NewOperator, model_server: ModelServerProcess) -> Iterator[Pair]:
    breakable.api.request("DELETE", LEASE_PATH)
    leader, standby = new_operator(*ELECTED), new_operator(*ELECTED)
    space = Space(breakable.api, f"two-{next(NUMBERS)}", standby.process)
    space.create_namespace()
    furnish(space, model_server)
    leader.process.launch()
    leader.process.wait_until(lambda: LEADS in leader.process.logged(), "leading")
    standby.process.launch()
    standby.process.wait_until(lambda: "waiting: the Lease" in standby.process.logged(), "waiting")
    for operator in (leader, standby):
        operator.process.wait_until_ready()
    yield Pair(leader, standby, space)
    space.remove()


def lease(installation: Installation) -> JsonObject:
    """The Lease as it is."""
    return installation.api.request("GET", LEASE_PATH).body


def stopping_at(operator: ProxiedOperator, is_place: Callable[[Call], bool]) -> threading.Event:
    """Pause the operator (SIGSTOP) at the first such request, before it is forwarded, and set the event."""
    stopped = threading.Event()

    def stop(call: Call) -> None:
        if is_place(call) and not stopped.is_set():
            os.kill(operator.process.pid, signal.SIGSTOP)
            stopped.set()

    operator.proxy.fail(stop)
    return stopped


def versions_of_children(space: Space) -> dict[str, tuple[str, str]]:
    """Return the uid and resourceVersion of each child, by its kind."""
    found = {kind: space.child(kind)["metadata"] for kind in ALWAYS_THERE}
    return {kind: (metadata["uid"], metadata["resourceVersion"]) for kind, metadata in found.items()}


def port_is(space: Space, environment: str, port: int) -> bool:
    """Return whether the environment's Service has that port."""
    return bool(space.child("Service", environment)["spec"]["ports"][0]["port"] == port)


def test_a_standby_takes_over_after_kill_9_and_continues_where_the_leader_was(
    pair: Pair, record: Callable[[str, object], None]
) -> None:
    pair.space.apply(*(environment(f"burst-{number}", replicas=0) for number in range(10)))
    pair.space.eventually(lambda: len(pair.space.list("Deployment")) > 2, "a part to be done")
    tokens = {item["metadata"]["uid"]: item["data"] for item in pair.space.list("Secret")}

    pair.leader.process.kill()

    seconds = pair.seconds_until_standby_leads(time.monotonic())
    record("takeover_seconds", seconds)
    for number in range(10):
        pair.space.wait_for_condition(ENVIRONMENT, f"burst-{number}", "Stalled", status="False")
        assert all(pair.space.find_child(kind, f"burst-{number}") for kind in ALWAYS_THERE)
    now = {item["metadata"]["uid"]: item["data"] for item in pair.space.list("Secret")}
    assert tokens.items() <= now.items()
    assert seconds < TAKEOVER_SECONDS


def test_a_leader_that_receives_sigterm_hands_over_at_once(pair: Pair, record: Callable[[str, object], None]) -> None:
    told = time.monotonic()

    assert pair.leader.process.stop() == 0

    seconds = pair.seconds_until_standby_leads(told)
    record("handover_seconds", seconds)
    pair.space.apply(environment())
    pair.space.wait_until_ready()
    assert seconds < RELEASE_SECONDS


def test_a_leader_that_was_stopped_in_the_middle_of_a_reconciliation_writes_nothing_when_it_continues(
    pair: Pair,
) -> None:
    stopped = stopping_at(pair.leader, lambda call: call.is_get and call.place.resource == "deploymentenvironments")
    pair.space.apply(environment())
    pair.space.eventually(stopped.is_set, "the leader to be stopped while it reads, before its first write")

    seconds = pair.seconds_until_standby_leads(time.monotonic())
    pair.space.wait_until_ready()
    pair.space.apply(environment("worker"))
    pair.space.wait_until_ready("worker")
    place = pair.leader.proxy.mark()
    os.kill(pair.leader.process.pid, signal.SIGCONT)

    pair.assert_the_leader_ends_in_good_order()
    assert [f"{call.method} {call.path}" for call in pair.leader.writes(place)] == []
    assert seconds < TAKEOVER_SECONDS


def test_writes_that_a_stopped_leader_had_begun_to_send_change_nothing_when_it_continues(pair: Pair) -> None:
    stopped = stopping_at(pair.leader, lambda call: call.writes and call.place.resource == "configmaps")
    pair.space.apply(environment())
    pair.space.eventually(stopped.is_set, "the leader to be stopped at its first write of a ConfigMap")

    pair.seconds_until_standby_leads(time.monotonic())
    pair.space.wait_until_ready()
    before = versions_of_children(pair.space)
    os.kill(pair.leader.process.pid, signal.SIGCONT)

    pair.assert_the_leader_ends_in_good_order()
    assert versions_of_children(pair.space) == before


@pytest.mark.full_chaos
def test_a_leader_whose_lease_is_deleted_ends_in_good_order_and_the_other_leads(
    pair: Pair, breakable: Installation
) -> None:
    deleted = time.monotonic()
    breakable.api.request("DELETE", LEASE_PATH)

    pair.assert_the_leader_ends_in_good_order()
    assert pair.seconds_until_standby_leads(deleted) < TAKEOVER_SECONDS
    pair.space.apply(environment())
    pair.space.wait_until_ready()


@pytest.mark.full_chaos
def test_a_leader_ends_when_somebody_else_holds_its_lease_and_a_holder_who_does_not_renew_is_followed(
    pair: Pair, breakable: Installation
) -> None:
    change = {"spec": {"holderIdentity": "somebody-else"}}
    taken = time.monotonic()
    assert breakable.api.request("PATCH", LEASE_PATH, change, headers=MERGE_PATCH).accepted

    pair.assert_the_leader_ends_in_good_order()
    place = pair.leader.proxy.mark()
    pair.space.apply(environment())

    assert pair.seconds_until_standby_leads(taken) > lease(breakable)["spec"]["leaseDurationSeconds"] / 2
    pair.space.wait_until_ready()
    assert pair.leader.writes(place) == []


@pytest.mark.full_chaos
def test_an_api_server_that_is_silent_for_the_leader_alone_costs_it_the_lease(
    pair: Pair, record: Callable[[str, object], None]
) -> None:
    silent = time.monotonic()
    pair.leader.proxy.fail(lambda _: Hang(forwards=False))
    pair.leader.proxy.freeze()
    pair.space.apply(environment())

    seconds = pair.seconds_until_standby_leads(silent)
    record("takeover_seconds", seconds)
    assert not pair.leader.process.running, "two operators work"
    pair.assert_the_leader_ends_in_good_order()
    pair.space.wait_until_ready()
    assert seconds < TAKEOVER_SECONDS


@pytest.mark.full_chaos
def test_a_leader_that_cannot_reach_the_api_server_for_a_moment_keeps_leading(pair: Pair) -> None:
    pair.leader.proxy.refuse()
    threading.Event().wait(4)
    pair.leader.proxy.recover()

    pair.space.apply(environment())

    pair.space.wait_until_ready()
    assert pair.leader.process.running
    assert LEADS not in pair.standby.process.logged()


@pytest.mark.full_chaos
def test_a_rolling_upgrade_while_environments_change_loses_nothing_and_creates_nothing_twice(
    pair: Pair, new_operator: NewOperator
) -> None:
    space, ended = pair.space, threading.Event()
    names = [f"rolling-{number}" for number in range(24)]

    def change() -> None:
        for name in names:
            space.apply(environment(name, replicas=0))
            ended.wait(0.3)
        for name in names:
            space.apply(environment(name, replicas=0, service={"port": 80}))

    changing = threading.Thread(target=change)
    changing.start()
    old = pair.leader
    operators = [old, pair.standby]
    for _ in range(2):
        new = new_operator(*ELECTED)
        operators.append(new)
        new.process.start()
        assert old.process.stop() == 0
        old = operators[-2]
    changing.join()

    for name in names:
        space.wait_for_condition(ENVIRONMENT, name, "Stalled", status="False")
        space.eventually(partial(port_is, space, name, 80), f"{name} to be changed")
    creations = [call for operator in operators for call in operator.writes() if call.method == "POST"]
    assert len([call for call in creations if call.place.resource == "secrets"]) == len(names)
