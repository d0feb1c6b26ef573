"""What environments desired to a registry, and what came of it: told only where it is news."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from rasa_environments.api.base import ObjectKey
from rasa_environments.controller.registrations import DesiredRegistration, Registrations
from rasa_environments.reconcile.registration.registry import DONE, PENDING
from tests.reconcile.registry_objects import desired

STAGING = desired("staging")
OTHERS: dict[str, Any] = {
    "name": "other",
    "url": "http://other:5005",
    "token": "second-token",
    "in_use": False,
    "adopts": True,
}


def test_an_offer_that_is_shown_hides_the_token() -> None:
    assert "the-token" not in repr(desired(token="the-token"))


def test_an_offer_is_news_once() -> None:
    registrations = Registrations()

    assert registrations.request(STAGING)
    assert not registrations.request(desired("staging"))


@pytest.mark.parametrize("field", OTHERS)
def test_an_offer_is_news_whatever_is_other_in_it(field: str) -> None:
    registrations = Registrations()
    registrations.request(STAGING)

    assert registrations.request(replace(STAGING, **{field: OTHERS[field]}))


def test_every_part_of_an_offer_is_tried() -> None:
    assert {field.name for field in fields(DesiredRegistration)} == {"key", *OTHERS}


def test_offers_come_in_the_order_of_the_environments_that_made_one() -> None:
    registrations = Registrations()
    for name in ("a", "b", "c"):
        registrations.request(desired(name))

    asked = [ObjectKey("bots", name) for name in ("c", "silent", "a")]

    assert [each.name for each in registrations.desired(asked)] == ["c", "a"]


def test_the_latest_offer_counts() -> None:
    registrations, later = Registrations(), desired("staging", token="second-token")
    registrations.request(STAGING)
    registrations.request(later)

    assert registrations.desired([STAGING.key]) == (later,)


def test_what_came_of_it_is_news_once() -> None:
    registrations = Registrations()

    assert registrations.result(STAGING.key) is None
    assert [registrations.record(STAGING.key, result) for result in (PENDING, PENDING, DONE)] == [True, False, True]
    assert registrations.result(STAGING.key) == DONE


def test_of_an_environment_that_is_gone_nothing_is_kept() -> None:
    registrations = Registrations()
    registrations.request(STAGING)
    registrations.record(STAGING.key, DONE)

    registrations.withdraw(STAGING.key)

    assert registrations.desired([STAGING.key]) == ()
    assert registrations.result(STAGING.key) is None
    assert registrations.request(STAGING)


def test_an_offer_that_is_shown_hides_its_token() -> None:
    assert "first-token" not in repr(STAGING)
