"""What environments offer to a registry, and what came of it: told only where it is news."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from rasa_environments.api.base import ObjectKey
from rasa_environments.reconcile.registrations import Registrable, Registrations
from rasa_environments.reconcile.registry import DONE, PENDING
from tests.reconcile.registry_objects import offer

STAGING = offer("staging")
OTHERS: dict[str, Any] = {
    "name": "other",
    "url": "http://other:5005",
    "token": "second-token",
    "in_use": False,
    "adopts": True,
}


def test_an_offer_is_news_once() -> None:
    registrations = Registrations()

    assert registrations.offer(STAGING)
    assert not registrations.offer(offer("staging"))


@pytest.mark.parametrize("field", OTHERS)
def test_an_offer_is_news_whatever_is_other_in_it(field: str) -> None:
    registrations = Registrations()
    registrations.offer(STAGING)

    assert registrations.offer(replace(STAGING, **{field: OTHERS[field]}))


def test_every_part_of_an_offer_is_tried() -> None:
    assert {field.name for field in fields(Registrable)} == {"key", *OTHERS}


def test_offers_come_in_the_order_of_the_environments_that_made_one() -> None:
    registrations = Registrations()
    for name in ("a", "b", "c"):
        registrations.offer(offer(name))

    asked = [ObjectKey("bots", name) for name in ("c", "silent", "a")]

    assert [each.name for each in registrations.offered(asked)] == ["c", "a"]


def test_the_latest_offer_counts() -> None:
    registrations, later = Registrations(), offer("staging", token="second-token")
    registrations.offer(STAGING)
    registrations.offer(later)

    assert registrations.offered([STAGING.key]) == (later,)


def test_what_came_of_it_is_news_once() -> None:
    registrations = Registrations()

    assert registrations.fact(STAGING.key) is None
    assert [registrations.told(STAGING.key, fact) for fact in (PENDING, PENDING, DONE)] == [True, False, True]
    assert registrations.fact(STAGING.key) == DONE


def test_of_an_environment_that_is_gone_nothing_is_kept() -> None:
    registrations = Registrations()
    registrations.offer(STAGING)
    registrations.told(STAGING.key, DONE)

    registrations.withdraw(STAGING.key)

    assert registrations.offered([STAGING.key]) == ()
    assert registrations.fact(STAGING.key) is None
    assert registrations.offer(STAGING)


def test_an_offer_that_is_shown_hides_its_token() -> None:
    assert "first-token" not in repr(STAGING)
