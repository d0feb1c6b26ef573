"""The verdicts on a ModelServer."""

from __future__ import annotations

from typing import Any

import pytest

from rasa_environments.api.conditions import Reason
from rasa_environments.api.model_server import InventoryEntry, ModelServer
from rasa_environments.judge.findings import Problem, ServerObservation, TaggedModel
from rasa_environments.judge.model_server import ModelServerFindings, inventory_of, judged

A = TaggedModel("A", "hash-a")
SEEN = ServerObservation(models={"A": A}, tags={"production": A}, version="1.2.3", known=True)
UNREACHABLE = Problem(Reason.MODEL_SERVER_UNREACHABLE, "cannot be reached", stalled=False)


def server(**status: Any) -> ModelServer:
    """A ModelServer with a status."""
    return ModelServer.model_validate(
        {
            "metadata": {"name": "default", "namespace": "bots"},
            "spec": {"url": "http://models", "credentialsSecretRef": {"name": "keys"}},
            "status": status,
        }
    )


def findings(**found: Any) -> ModelServerFindings:
    """What a check found, where all is well but for what is said."""
    well = {"problem": None, "observation": SEEN, "can_write": True, "environments": 2, "tags": 1, "inventory": ()}
    return ModelServerFindings(**{**well, **found})


def test_a_server_that_answers_is_ready_and_counted() -> None:
    status, (ready, reconciling, stalled) = judged(findings(), server())

    assert (status.version, status.environments, status.tags, status.models) == ("1.2.3", 2, 1, 1)
    assert (ready.status, reconciling.status, stalled.status) == ("True", "False", "False")


def test_a_server_without_credentials_to_write_says_where_they_belong() -> None:
    _, (ready, *_) = judged(findings(can_write=False), server())

    assert (ready.status, ready.reason) == ("True", "NoWriteCredentials")
    assert ready.message == (
        "models can be pulled; to put tags, add apiToken, or username and password, to the Secret keys"
    )


def test_a_server_that_is_away_keeps_what_was_known_of_it() -> None:
    before = server(version="1.2.3", models=7)
    nothing = ServerObservation(problem=UNREACHABLE)

    status, (ready, reconciling, stalled) = judged(findings(problem=UNREACHABLE, observation=nothing), before)

    assert (status.version, status.models) == ("1.2.3", 7)
    assert (ready.status, ready.reason, ready.message) == ("False", "ModelServerUnreachable", "cannot be reached")
    assert (reconciling.status, stalled.status) == ("True", "False")


def entry(tag: str, name: str = "tag") -> InventoryEntry:
    """A tag that is to be deleted with its ModelTag."""
    return InventoryEntry(tag=tag, namespace="bots", name=name)


@pytest.mark.parametrize(
    ("claims", "before", "kept", "expected"),
    [
        ([entry("a")], [], set(), ["a"]),
        ([], [entry("a")], set(), []),
        ([], [entry("a")], {"a"}, ["a"]),
        ([entry("b")], [entry("a")], {"a"}, ["a", "b"]),
        ([entry("a", "new")], [entry("a", "old")], {"a"}, ["a"]),
    ],
    ids=["claimed", "done", "still to be undone", "both", "claimed again"],
)
def test_the_inventory_holds_what_is_to_be_undone(
    claims: list[InventoryEntry], before: list[InventoryEntry], kept: set[str], expected: list[str]
) -> None:
    inventory = inventory_of(claims, before, frozenset(kept))

    assert [held.tag for held in inventory] == expected
    assert all(held in claims for held in inventory if held.tag in {claim.tag for claim in claims})
