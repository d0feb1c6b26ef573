"""When the licence of a Rasa Pro server expires."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from rasa_environments.rasa.errors import UnexpectedAnswerError
from rasa_environments.rasa.license import license_expiry

from .conftest import ScriptedServer, says

ANSWER = {
    "id": "5f1f5f0c",
    "company": "Example",
    "scope": "rasa:pro rasa:pro:plus",
    "email": "someone@example.com",
    "expires": "2027-01-31T23:59:59+00:00",
}
"""The response of rasa-pro 3.11.20, 3.13.25 and 3.21.0, by their source."""


async def test_rasa_pro_tells_when_its_licence_expires_without_a_token(
    server: ScriptedServer, http: httpx.AsyncClient
) -> None:
    server.answer("GET", "/license", says(ANSWER))

    assert await license_expiry(http, server.url) == datetime(2027, 1, 31, 23, 59, 59, tzinfo=UTC)
    assert server.asked[0].query == {}


@pytest.mark.parametrize(
    "expires",
    ["Not available (no license found)", "", "0001-01-01T00:00:00+23:00", None, 1],
)
async def test_what_is_no_time_is_unexpected(server: ScriptedServer, http: httpx.AsyncClient, expires: object) -> None:
    server.answer("GET", "/license", says({**ANSWER, "expires": expires}))

    with pytest.raises(UnexpectedAnswerError) as caught:
        await license_expiry(http, server.url)

    assert "someone@example.com" not in str(caught.value)


async def test_a_server_that_has_no_such_endpoint_does_not_tell(
    server: ScriptedServer, http: httpx.AsyncClient
) -> None:
    with pytest.raises(UnexpectedAnswerError):
        await license_expiry(http, server.url)
