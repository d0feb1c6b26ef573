"""The limits on failed logins, with a clock that the tests control."""

from __future__ import annotations

import pytest

from rasa_model_server.login_limits import MAXIMUM_REMEMBERED, FailureLimit, LoginLimits, Rate, network_of


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_after_a_burst_one_more_failure_is_let_through_each_interval() -> None:
    clock = Clock()
    limit = FailureLimit(Rate(burst=3, seconds=10), clock)
    for _ in range(3):
        limit.count("key")

    assert (limit.wait("key"), limit.wait("another")) == (10, 0)
    clock.now += 10
    assert limit.wait("key") == 0
    limit.count("key")
    assert limit.wait("key") == 10
    clock.now += 30
    assert not limit.has_failed("key")


def test_what_is_remembered_does_not_grow_with_the_keys() -> None:
    limit = FailureLimit(Rate(burst=1, seconds=60), Clock())
    for number in range(MAXIMUM_REMEMBERED + 100):
        limit.count(number)

    assert len(limit) == MAXIMUM_REMEMBERED
    assert (limit.wait(0), limit.wait(MAXIMUM_REMEMBERED + 99)) == (0, 60)


def test_a_login_that_succeeds_forgives_what_the_address_did_wrong_before() -> None:
    limits = LoginLimits(Clock())
    for _ in range(5):
        limits.failed("ann", "10.0.0.1")

    limits.succeeded("ann", "10.0.0.1")

    assert limits.wait("ann", "10.0.0.1") == 0


def test_many_addresses_that_guess_slow_each_other_down_and_nobody_else() -> None:
    limits = LoginLimits(Clock())
    for number in range(200):
        limits.failed("ann", f"10.0.1.{number}")

    assert limits.wait("ann", "10.0.1.7") > 60
    assert limits.wait("ann", "10.0.2.1") == 0
    assert limits.wait("bob", "10.0.1.7") == 0


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:1", "2001:db8::/64"),
        ("", ""),
    ],
)
def test_one_client_is_an_ipv4_address_or_an_ipv6_network(address: str, network: str) -> None:
    assert network_of(address) == network
