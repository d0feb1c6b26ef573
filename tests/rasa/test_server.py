"""What a Rasa server serves, as reported by 1.x, 2.x and 3.x."""

from __future__ import annotations

import httpx
import pytest

from rasa_environments.api.conditions import Reason
from rasa_environments.domain.advice import message_of, reason_of
from rasa_environments.rasa.errors import UnauthorizedError, UnexpectedAnswerError, UnreachableError
from rasa_environments.rasa.peers import Peer
from rasa_environments.rasa.server import Served, served_model, server_version

from .conftest import ScriptedServer, replies, says

TOKEN = "0123456789abcdef"

RASA_X_1_10_26 = {
    "model_file": "/tmp/tmpqn5w0kz4",
    "fingerprint": {
        "config": "99914b932bd37a50b983c5e7c90ae93b",
        "core-config": "870de84e3b2d223553d0a8724bc77d11",
        "nlu-config": "ff8de8a808e7cc63a1ee3d408037fbe1",
        "domain": 1202280714769889523,
        "nlg": "4e27526d2dc27a4767b8c1dab6ebeda2",
        "messages": 1512932820479386383,
        "stories": 59308522653000614,
        "trained_at": 1795405950.4041338,
        "version": "1.10.26",
    },
    "num_active_training_jobs": 0,
}
"""The response of `rasa x --production` with a pulled model."""
RASA_2_8_34 = {
    "model_file": "/tmp/tmp16hqhry0",
    "fingerprint": {
        "config": "99914b932bd37a50b983c5e7c90ae93b",
        "core-config": "5676fe79f89d1cb46455f2dfa19b94d5",
        "nlu-config": "ba312efc269ee14918ee3fbb7f0a25d0",
        "config-without-epochs": "926b8c0d05d51454d0330faa85562aae",
        "domain": "12a62d8e00059360c1aa6ee1b9b5138a",
        "nlg": "3c85e10f7d378c6662beb92d6c693663",
        "project": None,
        "messages": "8d85a5fbbbe66804a3271e9ba64fd5ee",
        "nlu_labels": "05ced91105c6cc8c5ed1b7513dda1da2",
        "stories": "8ebccad68c9399704e5093e56ab2e7de",
        "trained_at": 1795405950.4041338,
        "version": "2.8.34",
    },
    "num_active_training_jobs": 0,
}
"""The response of `rasa run --enable-api` with a pulled model."""


async def test_rasa_3_names_its_model_file(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    status = {"model_file": "/tmp/x/20260101-120000.tar.gz", "model_id": "f00", "num_active_training_jobs": 0}
    server.answer("GET", "/status", says(status))

    served = await served_model(http, server.url, TOKEN)

    assert served == Served("20260101-120000", model_id="f00")
    assert server.asked[0].query == {"token": TOKEN}


async def test_rasa_3_without_a_model_answers_409(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    server.answer("GET", "/status", says({"status": "failure", "message": "No agent loaded."}, status=409))

    assert await served_model(http, server.url, TOKEN) == Served()


@pytest.mark.parametrize("status", [RASA_X_1_10_26, RASA_2_8_34], ids=["1.10.26", "2.8.34"])
async def test_rasa_1_and_2_tell_when_a_model_that_they_pulled_was_trained(
    server: ScriptedServer, http: httpx.AsyncClient, status: dict[str, object]
) -> None:
    server.answer("GET", "/status", says(status))

    assert await served_model(http, server.url, TOKEN) == Served(trained_at=1795405950.4041338)


async def test_rasa_1_and_2_name_a_model_that_they_were_started_with(
    server: ScriptedServer, http: httpx.AsyncClient
) -> None:
    server.answer("GET", "/status", says({**RASA_2_8_34, "model_file": "models/20260101-120000.tar.gz"}))

    assert await served_model(http, server.url, TOKEN) == Served("20260101-120000", 1795405950.4041338)


async def test_rasa_1_and_2_without_a_model_answer_null(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    server.answer("GET", "/status", says({"model_file": None, "fingerprint": {}, "num_active_training_jobs": 0}))

    assert await served_model(http, server.url, TOKEN) == Served()


async def test_a_refused_token_says_to_restart_the_pod(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    server.answer("GET", "/status", says({"message": "User is not authenticated."}, status=401))

    with pytest.raises(UnauthorizedError) as caught:
        await served_model(http, server.url, TOKEN)

    assert message_of(caught.value) == (
        f"the Rasa server at {server.url}/status answers 401 to the question which model "
        "it serves: it does not accept the credentials; it started with another token than its Secret holds now; "
        "restart the pod"
    )


async def test_a_closed_port_is_a_pod_that_cannot_be_reached(http: httpx.AsyncClient, unused_tcp_port: int) -> None:
    with pytest.raises(UnreachableError) as caught:
        await served_model(http, f"http://127.0.0.1:{unused_tcp_port}", TOKEN)

    assert reason_of(caught.value) is Reason.PODS_UNREACHABLE
    assert "cannot be reached: it gives no HTTP answer" in message_of(caught.value)


async def test_a_server_that_runs_elsewhere_is_told_by_its_field(
    server: ScriptedServer, http: httpx.AsyncClient, unused_tcp_port: int
) -> None:
    server.answer("GET", "/status", says({"message": "User is not authenticated."}, status=401))

    with pytest.raises(UnauthorizedError) as refused:
        await served_model(http, server.url, TOKEN, Peer.EXTERNAL_RASA_SERVER)
    with pytest.raises(UnreachableError) as silent:
        await served_model(http, f"http://127.0.0.1:{unused_tcp_port}", TOKEN, Peer.EXTERNAL_RASA_SERVER)

    assert "another than the Secret of `external.authToken` holds" in message_of(refused.value)
    assert "check `external.url` of the DeploymentEnvironment" in message_of(silent.value)
    assert reason_of(silent.value) is Reason.EXTERNAL_SERVER_UNREACHABLE


@pytest.mark.parametrize("body", [{}, [], {"model_file": 3}, "Hello"])
async def test_a_status_of_another_shape_is_not_taken_for_one(
    server: ScriptedServer, http: httpx.AsyncClient, body: object
) -> None:
    server.answer("GET", "/status", says(body))

    with pytest.raises(UnexpectedAnswerError, match="JSON of another shape than its status"):
        await served_model(http, server.url, TOKEN)


@pytest.mark.parametrize(
    "body",
    [
        '{"model_file": null, "fingerprint": {"trained_at": ' + number + "}}"
        for number in ("1e999", "-1", "1e300", "NaN", "Infinity", "9" * 5000, '"' + "9" * 5000 + '"', "true[]")
    ]
    + [
        '{"model_file": "' + "x" * 5000 + '.tar.gz"}',
        '{"model_file": "\\ud800"}',
        '{"model_file": ' + "[" * 20_000 + "]" * 20_000 + "}",
        '{"model_file": null' + ', "a": {}' * 10_000,
        "\xff\xfe",
        "\0",
    ],
    ids=str,
)
async def test_an_absurd_status_is_nothing_worse_than_unexpected(
    server: ScriptedServer, http: httpx.AsyncClient, body: str
) -> None:
    server.answer("GET", "/status", replies(body, content_type="application/json"))

    with pytest.raises(UnexpectedAnswerError):
        await served_model(http, server.url, TOKEN)


@pytest.mark.parametrize("name", ["a\nb", "", "x" * 300, "\x1b[1m"])
async def test_a_file_name_that_is_no_name_of_a_model_names_none(
    server: ScriptedServer, http: httpx.AsyncClient, name: str
) -> None:
    server.answer("GET", "/status", says({"model_file": f"/tmp/{name}.tar.gz"}))

    assert await served_model(http, server.url, TOKEN) == Served()


async def test_a_status_of_more_than_64_kib_is_not_read(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    server.answer("GET", "/status", says({"model_file": None, "more": "x" * 65_536}))

    with pytest.raises(UnexpectedAnswerError, match="answers with more than the 64 KiB that are read of it"):
        await served_model(http, server.url, TOKEN)


async def test_something_else_on_the_port_is_told(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    server.answer("GET", "/status", replies("<html>nginx</html>", content_type="text/html"))

    with pytest.raises(UnexpectedAnswerError, match="a web page instead of its status"):
        await served_model(http, server.url, TOKEN)


@pytest.mark.parametrize("minimum", ["2.8.9", None])
async def test_a_server_tells_its_version_without_a_token(
    server: ScriptedServer, http: httpx.AsyncClient, minimum: str | None
) -> None:
    server.answer("GET", "/version", says({"version": "2.8.34", "minimum_compatible_version": minimum}))

    found = await server_version(http, server.url)

    assert (found.version, found.minimum_compatible_version) == ("2.8.34", minimum)
    assert server.asked[0].query == {}


@pytest.mark.parametrize(
    "body",
    [{}, [], {"version": 3}, {"version": "<b>"}, {"version": "3" * 65}, {"version": "secret of another service"}],
)
async def test_a_version_of_another_shape_is_not_taken_for_one(
    server: ScriptedServer, http: httpx.AsyncClient, body: object
) -> None:
    server.answer("GET", "/version", says(body))

    with pytest.raises(UnexpectedAnswerError, match="JSON of another shape than its version"):
        await server_version(http, server.url)


async def test_a_server_without_a_version_is_no_rasa_server(server: ScriptedServer, http: httpx.AsyncClient) -> None:
    with pytest.raises(UnexpectedAnswerError, match="answers 404 to the question for its version"):
        await server_version(http, server.url)
