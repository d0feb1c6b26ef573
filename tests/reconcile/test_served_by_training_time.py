"""What is reported of a server that says only when its model was trained."""

from __future__ import annotations

import json
from functools import partial

import httpx
import pytest

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.controller.queue import WorkQueue
from rasa_environments.domain.facts import ProbeResult, TaggedModel
from rasa_environments.domain.training_times import ByTrainingTime
from rasa_environments.rasa.server import Served, served_model
from rasa_environments.reconcile.intervals import Intervals
from rasa_environments.reconcile.served import RasaServer, ServedModels, answered
from tests.reconcile.clock import run

SERVER = RasaServer("pod support-0", "http://127.0.0.1:5005")
WHEN = 1767268800.25


def model(name: str, trained_at: float | None) -> TaggedModel:
    """A listed model."""
    return TaggedModel(name, f"hash of {name}", trained_at)


def found(*listed: TaggedModel) -> ProbeResult:
    """Return what is known about a server whose model was trained then."""
    return answered(SERVER, Served(trained_at=WHEN), ByTrainingTime(listed))


@pytest.mark.parametrize("listed", [(), (model("old", WHEN - 60),), (model("of unknown time", None),)])
def test_where_none_is_of_that_time_it_is_told_so(listed: tuple[TaggedModel, ...]) -> None:
    result = found(*listed)

    assert (result.model, result.reason) == (None, "ModelUnknown")
    assert result.problem == (
        "it tells only that its model was trained at 2026-01-01T12:00:00Z, and the model server lists none of that time"
    )


def test_the_listed_model_of_that_time_is_served() -> None:
    assert found(model("old", WHEN - 60), model("new", WHEN)) == ProbeResult(SERVER.name, model="new")


def test_a_name_counts_more_than_a_time() -> None:
    assert answered(SERVER, Served("named", WHEN), ByTrainingTime([model("other", WHEN)])) == ProbeResult(
        SERVER.name, model="named"
    )


def test_no_model_is_no_model() -> None:
    assert answered(SERVER, Served(), ByTrainingTime([model("other", WHEN)])) == ProbeResult(SERVER.name)


STATUSES: list[tuple[JsonObject, str | None]] = [
    ({"model_file": "/tmp/tmpq3/model", "fingerprint": {"trained_at": WHEN, "version": "1.10.26"}}, "listed"),
    ({"model_file": "models/named.tar.gz", "fingerprint": {"trained_at": WHEN}}, "named"),
    ({"model_file": None, "fingerprint": {}}, None),
]


@pytest.mark.parametrize(("status", "name"), STATUSES, ids=["pulled", "its own file", "none"])
def test_a_server_is_asked_and_its_model_found_in_the_listing(status: JsonObject, name: str | None) -> None:
    async def test() -> tuple[ProbeResult, ...]:
        transport = httpx.MockTransport(
            lambda _: httpx.Response(200, stream=httpx.ByteStream(json.dumps(status).encode()))
        )
        async with httpx.AsyncClient(transport=transport) as http:
            served = ServedModels(partial(served_model, http), Intervals(), WorkQueue())
            listed = [model("listed", WHEN), model("old", WHEN - 60)]
            answers, _ = await served.ask(
                ObjectKey("bots", "support"), [SERVER], wanted=TaggedModel("listed", "h"), token="t", listed=listed
            )
            return answers

    assert run(test()) == (ProbeResult(SERVER.name, model=name),)
