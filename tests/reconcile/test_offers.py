"""What environments offer to a registry, and what came of it: told only where it is news."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from rasa_environments.api.base import ObjectKey
from rasa_environments.controller.registrations import Offer, Offers
from rasa_environments.reconcile.registration.registry import DONE, PENDING
from tests.reconcile.registry_objects import offer

STAGING = offer("staging")
OTHERS: dict[str, Any] = {
    "name": "other",
    "url": "http://other:5005",
    "token": "second-token",
    "in_use": False,
    "adopts": True,
}


def test_an_offer_that_is_shown_hides_the_token() -> None:
    assert "the-token" not in repr(offer(token="the-token"))


def test_an_offer_is_news_once() -> None:
    offers = Offers()

    assert offers.keep(STAGING)
    assert not offers.keep(offer("staging"))


@pytest.mark.parametrize("field", OTHERS)
def test_an_offer_is_news_whatever_is_other_in_it(field: str) -> None:
    offers = Offers()
    offers.keep(STAGING)

    assert offers.keep(replace(STAGING, **{field: OTHERS[field]}))


def test_every_part_of_an_offer_is_tried() -> None:
    assert {field.name for field in fields(Offer)} == {"key", *OTHERS}


def test_offers_come_in_the_order_of_the_environments_that_made_one() -> None:
    offers = Offers()
    for name in ("a", "b", "c"):
        offers.keep(offer(name))

    asked = [ObjectKey("bots", name) for name in ("c", "silent", "a")]

    assert [each.name for each in offers.offered(asked)] == ["c", "a"]


def test_the_latest_offer_counts() -> None:
    offers, later = Offers(), offer("staging", token="second-token")
    offers.keep(STAGING)
    offers.keep(later)

    assert offers.offered([STAGING.key]) == (later,)


def test_what_came_of_it_is_news_once() -> None:
    offers = Offers()

    assert offers.fact(STAGING.key) is None
    assert [offers.told(STAGING.key, fact) for fact in (PENDING, PENDING, DONE)] == [True, False, True]
    assert offers.fact(STAGING.key) == DONE


def test_of_an_environment_that_is_gone_nothing_is_kept() -> None:
    offers = Offers()
    offers.keep(STAGING)
    offers.told(STAGING.key, DONE)

    offers.withdraw(STAGING.key)

    assert offers.offered([STAGING.key]) == ()
    assert offers.fact(STAGING.key) is None
    assert offers.keep(STAGING)


def test_an_offer_that_is_shown_hides_its_token() -> None:
    assert "first-token" not in repr(STAGING)
