"""What a Rasa server serves, as 1.x, 2.x and 3.x tell it."""

from __future__ import annotations

import httpx
import pytest

from rasa_environments.api.conditions import Reason
from rasa_environments.rasa.errors import Unauthorized, UnexpectedAnswer, Unreachable
from rasa_environments.rasa.server import Served, served_model

from .conftest import ScriptedServer, replies, says

TOKEN = "0123456789abcdef"


async def test_rasa_3_names_its_model_file_and_id(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    status = {"model_file": "/tmp/x/20260101-120000.tar.gz", "model_id": "f00", "num_active_training_jobs": 0}
    server.answer("GET", "/status", says(status))

    served = await served_model(http, server.url, TOKEN)

    assert served == Served("20260101-120000", "f00")
    assert served.loaded
    assert server.asked[0].query == {"token": TOKEN}


async def test_rasa_3_without_a_model_answers_409(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    server.answer("GET", "/status", says({"status": "failure", "message": "No agent loaded."}, status=409))

    served = await served_model(http, server.url, TOKEN)

    assert served == Served()
    assert not served.loaded


async def test_rasa_2_tells_two_models_apart_by_when_they_were_trained(
    server: ScriptedServer, http: httpx.AsyncClient
) -> None:
    status = {"model_file": "/tmp/tmpx1y2", "fingerprint": {"trained_at": 1767268800.5, "version": "2.8.34"}}
    server.answer("GET", "/status", says(status))

    assert await served_model(http, server.url, TOKEN) == Served(trained_at=1767268800.5)


async def test_rasa_2_without_a_model_answers_null(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    server.answer("GET", "/status", says({"model_file": None, "fingerprint": {}}))

    assert await served_model(http, server.url, TOKEN) == Served()


async def test_a_refused_token_says_to_restart_the_pod(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    server.answer("GET", "/status", says({"message": "User is not authenticated."}, status=401))

    with pytest.raises(Unauthorized) as caught:
        await served_model(http, server.url, TOKEN)

    assert caught.value.message == (
        f"the Rasa server at {server.url}/status answers 401 (User is not authenticated.) to the question which model "
        "it serves: it does not accept the credentials; it started with another token than its Secret holds now; "
        "restart the pod"
    )


async def test_a_closed_port_is_a_pod_that_cannot_be_reached(http: httpx.AsyncClient, unused_tcp_port: int) -> None:
    with pytest.raises(Unreachable) as caught:
        await served_model(http, f"http://127.0.0.1:{unused_tcp_port}", TOKEN)

    assert caught.value.reason is Reason.PODS_NOT_REACHABLE
    assert "connection refused, nothing listens there" in caught.value.message


@pytest.mark.parametrize("body", [{}, [], {"model_file": 3}, "Hello"])
async def test_a_status_of_another_shape_is_not_taken_for_one(
    server: ScriptedServer, http: httpx.AsyncClient, body: object
) -> None:
    server.answer("GET", "/status", says(body))

    with pytest.raises(UnexpectedAnswer, match="JSON of another shape than its status"):
        await served_model(http, server.url, TOKEN)


async def test_something_else_on_the_port_is_told(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    server.answer("GET", "/status", replies("<html>nginx</html>", content_type="text/html"))

    with pytest.raises(UnexpectedAnswer, match="a web page instead of its status"):
        await served_model(http, server.url, TOKEN)
