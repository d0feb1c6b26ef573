"""A Rasa server that runs elsewhere: the operator asks what it serves, and deploys nothing for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rasa_environments.api.base import JsonObject
from tests.integration.manifests import environment, model_tag, secret
from tests.integration.model_server_process import MODEL_A
from tests.integration.rasa_at_pod import PORT, ScriptedRasa, listening_rasa
from tests.integration.space import CHILD_KINDS, ENVIRONMENT, Space

ADDRESS = "127.0.0.78"
URL = f"http://{ADDRESS}:{PORT}"
TOKEN = "outside-token-71"


@pytest.fixture
def rasa() -> Iterator[ScriptedRasa]:
    with listening_rasa(ADDRESS, TOKEN) as rasa:
        yield rasa


def outside(url: str = URL) -> JsonObject:
    """An environment whose Rasa server runs at `url`."""
    return environment(external={"url": url, "authToken": {"secretKeyRef": {"name": "outside", "key": "token"}}})


@pytest.fixture
def elsewhere(tag_space: Space) -> Space:
    """A namespace with the token of a Rasa server that runs elsewhere, and a promoted model."""
    tag_space.apply(secret("outside", token=TOKEN), model_tag(model=MODEL_A))
    return tag_space


def test_it_is_ready_when_it_serves_the_model_of_its_tag(elsewhere: Space, rasa: ScriptedRasa) -> None:
    rasa.model = MODEL_A

    elsewhere.apply(outside())

    elsewhere.wait_for_condition(ENVIRONMENT, "production", "Ready", status="True", message=f"serves {MODEL_A}")
    assert elsewhere.status(ENVIRONMENT, "production")["url"] == URL
    assert [kind for kind in CHILD_KINDS if elsewhere.find_child(kind)] == []


def test_one_that_refuses_the_token_is_reported(elsewhere: Space, rasa: ScriptedRasa) -> None:
    elsewhere.apply(secret("outside", token="wrong"))

    elsewhere.apply(outside())

    found = elsewhere.wait_for_condition(ENVIRONMENT, "production", "Ready", status="False", reason="Unauthorized")
    assert "wrong" not in found["message"]
    elsewhere.apply(secret("outside", token=TOKEN))
    rasa.model = MODEL_A
    elsewhere.wait_until_ready()


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "2852039166", "0xa9fea9fe"], ids=["dotted", "decimal", "hexadecimal"]
)
def test_the_metadata_address_of_a_cloud_is_never_asked(elsewhere: Space, host: str) -> None:
    elsewhere.apply(outside(f"http://{host}/latest"))

    found = elsewhere.wait_for_condition(ENVIRONMENT, "production", "Ready", status="False", reason="AddressRefused")
    assert "--allow-link-local" in found["message"]


def test_an_environment_does_not_become_external_later(space: Space) -> None:
    space.apply(environment())

    answer = space.try_to_apply(outside())

    assert not answer.accepted
    assert "spec.external may not be added or removed" in answer.body["message"]
