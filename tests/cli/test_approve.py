"""Which approvals a ModelTag has after one was given, or taken back."""

from __future__ import annotations

from rasa_environments.api.base import JsonObject, ModelReference
from rasa_environments.cli.approve import approvals
from tests.reconcile.objects import tag

WAITING = ModelReference(name="new", hash="1")


def approval(by: str, hash_: str = "1") -> JsonObject:
    return {"model": "new", "hash": hash_, "approvedBy": by}


def test_an_approval_is_added_once_beside_those_of_others() -> None:
    given = tag("live", approvals=[approval("alice"), approval("carol")])

    assert approvals(given, WAITING, "carol", withdraw=False) == [approval("alice"), approval("carol")]


def test_only_ones_own_approval_is_taken_back() -> None:
    given = tag("live", approvals=[approval("alice"), approval("carol")])

    assert approvals(given, WAITING, "carol", withdraw=True) == [approval("alice")]


def test_approvals_of_other_content_are_dropped() -> None:
    given = tag("live", approvals=[approval("alice", "0")])

    assert approvals(given, WAITING, "carol", withdraw=False) == [approval("carol")]
