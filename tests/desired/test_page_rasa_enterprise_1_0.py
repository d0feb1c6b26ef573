"""The page "Deployment Environments" of Rasa Enterprise 1.0, line by line."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from rasa_environments.api.base import JsonObject
from rasa_environments.desired.errors import SpecError
from tests.desired.contexts import children_by_kind, context
from tests.desired.pages import container, files, plain_variables, secret_variables

BASE = "https://rasa.example.com"
EXPORT = "export RASA_ENVIRONMENT=development"
MODELS = """\
url: <Rasa-Enterprise-Base-URL>/api/projects/default/models/tags/development
token: ${RASA_X_TOKEN}
wait_time_between_pulls: 10
"""
RASA_CHANNEL = """\
url: <Rasa-Enterprise-Base-URL>/api
"""
COMMAND = "rasa run --auth-token RASA_TOKEN"


def on_the_page(text: str) -> Any:
    """YAML of the page, for the address of the tests."""
    return yaml.safe_load(text.replace("<Rasa-Enterprise-Base-URL>", BASE))


def children(version: str = "2.8.34", **spec: Any) -> dict[str, JsonObject]:
    """The children of the page's environment."""
    server = {"profile": "RasaEnterprise-1.0", "url": BASE}
    return children_by_kind(context({"rasa": {"version": version}, **spec}, name="development", server=server))


def test_the_environment_is_named_by_the_variable_of_the_page() -> None:
    variable, value = EXPORT.removeprefix("export ").split("=")

    assert plain_variables(children())[variable] == value


def test_the_model_server_is_that_of_the_page() -> None:
    made = children()

    assert files(made)["endpoints.yml"] == {"models": on_the_page(MODELS)}
    assert "RASA_X_TOKEN" in secret_variables(made)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"rest": None}),
        (
            {"channels": [{"name": "slack", "config": {"slack_channel": "bots"}}]},
            {"slack": {"slack_channel": "bots"}},
        ),
        ({"channels": []}, {}),
    ],
)
def test_the_rasa_channel_is_that_of_the_page_beside_any_other(given: JsonObject, expected: JsonObject) -> None:
    made = children(**given)

    channels = files(made)["credentials.yml"]
    assert channels.pop("rasa") == on_the_page(RASA_CHANNEL)
    assert channels == expected


def test_a_rasa_channel_that_the_spec_names_wins() -> None:
    made = children(channels=[{"name": "rasa", "config": {"url": "http://elsewhere/api"}}])

    assert files(made)["credentials.yml"] == {"rasa": {"url": "http://elsewhere/api"}}


@pytest.mark.parametrize("version", ["2.8.34", "3.6.21"])
def test_the_server_is_run_as_on_the_page_and_secured_with_a_token(version: str) -> None:
    made = children(version)

    name, *words = COMMAND.split()
    wanted = [re.sub(r"^([A-Z_]+)$", r"$(\1)", word) for word in words]
    given = container(made)["args"]
    assert name == "rasa", "the entrypoint of the image"
    assert (given[0], given[given.index("--auth-token") : given.index("--auth-token") + 2]) == (wanted[0], wanted[1:])
    assert "--enable-api" in given
    assert "RASA_TOKEN" in secret_variables(made)


def test_events_go_to_the_queue_that_rasa_enterprise_reads() -> None:
    made = children(eventBroker={"rabbitmq": {"host": "rabbit"}})

    assert files(made)["endpoints.yml"]["event_broker"]["queues"] == ["rasa_production_events"]


def test_the_address_to_register_is_that_of_the_service() -> None:
    server = {"profile": "RasaEnterprise-1.0", "url": BASE}
    development = context({"rasa": {"version": "2.8.34"}}, name="development", server=server)
    service = children_by_kind(development)["Service"]

    host = f"{service['metadata']['name']}.{service['metadata']['namespace']}.svc"
    assert development.url == f"http://{host}:{service['spec']['ports'][0]['port']}"


@pytest.mark.parametrize("spec", [{"tag": "live"}, {"environment": "dev", "tag": "development"}])
def test_a_tag_that_is_not_the_name_is_refused(spec: JsonObject) -> None:
    with pytest.raises(SpecError, match=r"spec\.tag \w+ is not the environment's name \w+: .* name the environment"):
        children(**spec)


def test_a_tag_that_is_the_name_may_be_said_aloud() -> None:
    assert children(tag="development") == children()
