"""The page "Deployment Environments" of Rasa X 0.32, line by line, where it differs from that of 0.2x."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rasa_environments.api.base import JsonObject
from rasa_environments.desired.errors import SpecError
from tests.desired.contexts import children_by_kind, context
from tests.desired.pages import (
    JWT,
    arguments,
    container,
    default_of,
    experimental,
    files,
    mounted_files,
    plain_variables,
    secret_variables,
    variables,
)

COMMAND = """\
--config-endpoint ${RASA_X_HOST}/api/config?token=${RASA_X_TOKEN}
--port 5005
--jwt-method HS256
--jwt-secret ${JWT_SECRET}
--auth-token '${RASA_TOKEN}'
--cors "*"
"""
PRODUCTION = ["x", "--no-prompt", "--production"]
"""What the page of 0.2x has before, and what this one means."""
VARIABLES = """\
  RABBITMQ_HOST: "rabbit"
  RABBITMQ_USERNAME: "user"
  RASA_X_HOST: ${RASA_X_HOST:-http://rasa-x:5002}
  RASA_USER_APP: "http://app:5055"
  DB_HOST: "db"
  DB_PORT: "5432"
  DB_USER: "${DB_USER:-admin}"
  RABBITMQ_QUEUE: "rasa_production_events"
  DB_DATABASE: "rasa-experimental"
  RASA_ENVIRONMENT: "experimental"
  RASA_MODEL_SERVER: "http://rasa-x:5002/projects/default/models/tags/experimental"
"""
PAGE = variables(VARIABLES)
ALTERED = {"DB_DATABASE", "RASA_MODEL_SERVER"}
"""Variables whose values the page cannot mean literally: covered by their own tests."""


def children(**more: Any) -> dict[str, JsonObject]:
    """The children of the page's environment."""
    return experimental("RasaX-0.32", "1.10.26", **more)


def test_each_variable_of_the_page_has_the_default_of_the_page() -> None:
    shown = plain_variables(children())

    wanted = {name: default_of(value) for name, value in PAGE.items() if name not in ALTERED}
    assert len(wanted) == 9
    assert {name: shown.get(name) for name in wanted} == wanted


def test_the_database_has_an_underscore_where_the_page_has_a_hyphen_which_create_database_refuses() -> None:
    assert plain_variables(children())["DB_DATABASE"] == PAGE["DB_DATABASE"].replace("-", "_")


def test_the_models_address_is_that_of_the_page_where_its_path_is_given() -> None:
    as_on_the_page = children(server={"modelPath": "/projects/{project}/models/tags/{tag}"})

    assert plain_variables(as_on_the_page)["RASA_MODEL_SERVER"] == PAGE["RASA_MODEL_SERVER"]
    assert plain_variables(children())["RASA_MODEL_SERVER"] == PAGE["RASA_MODEL_SERVER"].replace(
        "/projects", "/api/projects"
    )


def test_the_command_is_that_of_the_page() -> None:
    assert container(children())["args"] == [*PRODUCTION, *arguments(COMMAND)]


def test_the_token_of_the_configuration_is_put_in_by_kubernetes() -> None:
    made = children()

    assert {"RASA_X_TOKEN", "RASA_TOKEN", "JWT_SECRET"} <= secret_variables(made)
    assert plain_variables(made)["RASA_X_HOST"] == "http://rasa-x:5002"


def test_the_files_are_mounted_as_on_the_page() -> None:
    assert mounted_files(children()) == {
        "/app/credentials.yml": "credentials.yml",
        "/app/endpoints.yml": "endpoints.yml",
    }


def test_two_environments_share_the_queue_and_are_told_apart_by_their_name() -> None:
    one, other = (plain_variables(children(spec={"environment": name})) for name in ("experimental", "staging"))

    assert one["RABBITMQ_QUEUE"] == other["RABBITMQ_QUEUE"] == PAGE["RABBITMQ_QUEUE"]
    assert (one["RASA_ENVIRONMENT"], other["RASA_ENVIRONMENT"]) == ("experimental", "staging")
    assert one["RASA_MODEL_SERVER"] != other["RASA_MODEL_SERVER"]


def test_a_broker_in_endpoints_yml_has_the_common_queue_too() -> None:
    made = children(spec={"eventBroker": {"rabbitmq": {"host": "rabbit"}}})

    assert files(made)["endpoints.yml"]["event_broker"]["queues"] == [PAGE["RABBITMQ_QUEUE"]]


@pytest.mark.parametrize("where", ["spec", "defaults"])
def test_rolling_updates_are_refused_since_rasa_x_decides_when_its_servers_pull(where: str) -> None:
    rolling = {"model": {"updateStrategy": "RollingUpdate"}}

    with pytest.raises(
        SpecError, match=r"spec\.model\.updateStrategy RollingUpdate is not supported with the profile RasaX-0\.32"
    ):
        children(**{where: rolling})


def test_a_missing_token_for_the_configuration_is_reported_with_where_to_put_it() -> None:
    spec = {"rasa": {"version": "1.10.26"}}
    with_token = context(spec, server={"profile": "RasaX-0.32"}, secret_values=JWT)
    values = {name: value for name, value in with_token.secret_values.items() if name != "RASA_X_TOKEN"}
    without = replace(with_token, secret_values=values)

    with pytest.raises(SpecError, match=r"key token in spec\.credentialsSecretRef of ModelServer bots/default"):
        children_by_kind(without)
