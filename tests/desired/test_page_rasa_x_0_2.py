"""The page "Deployment Environments" of Rasa X 0.2x, line by line."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from rasa_environments.api.base import JsonObject
from rasa_environments.rasa.environments_file import FileEntry, file_text
from tests.desired.pages import (
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

SERVICE = """\
x-rasa-services: &default-rasa-service
  restart: always
  image: "rasa/rasa:${RASA_VERSION:-stable}-full"
  volumes:
  - ./credentials.yml:/app/credentials.yml
  - ./endpoints.yml:/app/endpoints.yml
  expose:
  - "5005"
  command: >
    x
    --no-prompt
    --production
    --port 5005
    --jwt-method HS256
    --jwt-secret ${JWT_SECRET}
    --auth-token '${RASA_TOKEN}'
    --cors "*"
"""
VARIABLES = """\
x-rabbitmq-credentials: &rabbitmq-credentials
  RABBITMQ_HOST: "rabbit"
  RABBITMQ_USERNAME: "user"
  RABBITMQ_PASSWORD: ${RABBITMQ_PASSWORD}

x-rasax-credentials: &rasax-credentials
  RASA_X_HOST: ${RASA_X_HOST:-http://rasa-x:5002}
  RASA_X_TOKEN: ${RASA_X_TOKEN}
  JWT_SECRET: ${JWT_SECRET}
  RASA_USER_APP: "http://app:5055"

x-rasa-credentials: &rasa-credentials
  <<: *rabbitmq-credentials
  <<: *rasax-credentials
  <<: *database-credentials
  RASA_TOKEN: ${RASA_TOKEN}
  RASA_MODEL_PULL_INTERVALL: 10

x-database-credentials: &database-credentials
  DB_HOST: "db"
  DB_PORT: "5432"
  DB_USER: "${DB_USER:-admin}"
  DB_PASSWORD: "${DB_PASSWORD}"
  DB_LOGIN_DB: "${DB_LOGIN_DB:-rasa}"

services:
  rasa-experimental:
    <<: *default-rasa-service
    environment:
      <<: *rasa-credentials
      DB_DATABASE: "rasa-experimental"
      RABBITMQ_QUEUE: "rasa_experimental_events"
      RASA_MODEL_SERVER: "http://rasa-x:5002/projects/default/models/tags/experimental"
"""
ENVIRONMENTS_FILE = """\
rasa:
  experimental:
    url: http://rasa-experimental:5005
    token: ${RASA_TOKEN}
"""
PAGE = variables(VARIABLES)
SECRETS = {name for name, value in PAGE.items() if default_of(value) is None}
ALTERED = {"DB_DATABASE", "RASA_MODEL_SERVER"}
"""Variables whose values the page cannot mean literally: covered by their own tests."""
STORES: JsonObject = {
    "eventBroker": {"rabbitmq": {"host": "rabbit", "password": {"secretKeyRef": {"name": "stores", "key": "rabbit"}}}},
    "trackerStore": {
        "sql": {"host": "db", "username": "admin", "password": {"secretKeyRef": {"name": "stores", "key": "db"}}}
    },
}


def children(**more: Any) -> dict[str, JsonObject]:
    """The children of the page's environment."""
    return experimental("RasaX-0.2", "1.10.26", **more)


def test_the_page_is_read_as_it_stands() -> None:
    assert len(PAGE) == 17
    assert {"RABBITMQ_PASSWORD", "RASA_X_TOKEN", "JWT_SECRET", "RASA_TOKEN", "DB_PASSWORD"} == SECRETS


def test_each_variable_of_the_page_has_the_default_of_the_page() -> None:
    shown = plain_variables(children())

    wanted = {name: default_of(value) for name, value in PAGE.items() if name not in SECRETS | ALTERED}
    assert {name: shown.get(name) for name in wanted} == wanted


def test_each_secret_of_the_page_comes_from_the_secret() -> None:
    made = children(spec=STORES)

    assert secret_variables(made) == SECRETS
    assert SECRETS.isdisjoint(plain_variables(made))


def test_a_secret_of_the_page_that_nobody_gives_is_empty_as_in_compose() -> None:
    made = children()

    assert secret_variables(made) == {"RASA_TOKEN", "RASA_X_TOKEN", "JWT_SECRET"}
    assert {plain_variables(made)[name] for name in SECRETS - secret_variables(made)} == {""}


def test_the_database_has_an_underscore_where_the_page_has_a_hyphen_which_create_database_refuses() -> None:
    assert plain_variables(children())["DB_DATABASE"] == PAGE["DB_DATABASE"].replace("-", "_")


def test_the_models_address_is_that_of_the_page_where_its_path_is_given() -> None:
    as_on_the_page = children(server={"modelPath": "/projects/{project}/models/tags/{tag}"})

    assert plain_variables(as_on_the_page)["RASA_MODEL_SERVER"] == PAGE["RASA_MODEL_SERVER"]
    assert files(as_on_the_page)["endpoints.yml"]["models"]["url"] == PAGE["RASA_MODEL_SERVER"]


def test_the_models_address_has_the_prefix_that_every_rasa_x_answers_otherwise() -> None:
    address = plain_variables(children())["RASA_MODEL_SERVER"]

    assert address == PAGE["RASA_MODEL_SERVER"].replace("/projects", "/api/projects")


def test_the_pull_interval_stands_there_in_the_spelling_of_the_page_and_in_the_right_one() -> None:
    shown = plain_variables(children(spec={"model": {"pullPeriodSeconds": 3}}))

    assert shown["RASA_MODEL_PULL_INTERVALL"] == shown["RASA_MODEL_PULL_INTERVAL"] == "3"


def test_the_command_is_that_of_the_page() -> None:
    command = yaml.safe_load(SERVICE)["x-rasa-services"]["command"]

    assert container(children())["args"] == arguments(command)


def test_the_image_files_and_port_are_those_of_the_page() -> None:
    service = yaml.safe_load(SERVICE)["x-rasa-services"]
    made = children()

    assert container(made)["image"] == re.sub(r"\$\{RASA_VERSION:-stable\}", "1.10.26", service["image"])
    files_of_the_page = dict(reversed(volume.removeprefix("./").split(":")) for volume in service["volumes"])
    assert mounted_files(made) == files_of_the_page
    assert [str(port["containerPort"]) for port in container(made)["ports"]] == service["expose"]


SETTINGS: list[tuple[JsonObject, dict[str, str]]] = [
    ({"eventBroker": {"rabbitmq": {"host": "broker", "username": "bot", "port": 5673, "queues": ["events", "copy"]}}},
     {"RABBITMQ_HOST": "broker", "RABBITMQ_USERNAME": "bot", "RABBITMQ_PORT": "5673", "RABBITMQ_QUEUE": "events"}),
    ({"trackerStore": {"sql": {"host": "pg", "port": 5433, "username": "bot", "database": "d", "loginDatabase": "l"}}},
     {"DB_HOST": "pg", "DB_PORT": "5433", "DB_USER": "bot", "DB_DATABASE": "d", "DB_LOGIN_DB": "l"}),
    ({"actionEndpoint": {"url": "http://actions:5056/webhook"}}, {"RASA_USER_APP": "http://actions:5056"}),
    ({"tag": "live"}, {"RASA_MODEL_SERVER": "http://rasa-x:5002/api/projects/default/models/tags/live"}),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "wanted"), SETTINGS, ids=["broker", "database", "actions", "tag"])
def test_what_the_spec_says_wins_over_the_page(spec: JsonObject, wanted: dict[str, str]) -> None:
    shown = plain_variables(children(spec=spec))

    assert {name: shown[name] for name in wanted} == wanted


def test_endpoints_yml_says_of_stores_what_the_variables_say() -> None:
    made = children(spec=STORES)
    shown, endpoints = plain_variables(made), files(made)["endpoints.yml"]

    broker, database = endpoints["event_broker"], endpoints["tracker_store"]
    assert (broker["url"], broker["username"]) == (shown["RABBITMQ_HOST"], shown["RABBITMQ_USERNAME"])
    assert broker["queues"] == [shown["RABBITMQ_QUEUE"]]
    assert (database["url"], str(database["port"])) == (shown["DB_HOST"], shown["DB_PORT"])
    assert (database["username"], database["db"]) == (shown["DB_USER"], shown["DB_DATABASE"])
    assert database["login_db"] == shown["DB_LOGIN_DB"]
    assert endpoints["action_endpoint"] == {"url": f"{shown['RASA_USER_APP']}/webhook"}
    assert endpoints["models"]["wait_time_between_pulls"] == int(shown["RASA_MODEL_PULL_INTERVALL"])


def test_two_environments_have_their_own_tag_queue_database_and_host() -> None:
    one, other = children(), children(name="rasa-staging", spec={"environment": "staging"})

    own = ("RASA_ENVIRONMENT", "RASA_MODEL_SERVER", "RABBITMQ_QUEUE", "DB_DATABASE")
    assert all(plain_variables(one)[name] != plain_variables(other)[name] for name in own)
    assert one["Service"]["metadata"]["name"] != other["Service"]["metadata"]["name"]


def test_the_environments_file_has_the_entry_of_the_page_with_the_host_of_the_service() -> None:
    service = children()["Service"]
    host, port = service["metadata"]["name"], service["spec"]["ports"][0]["port"]

    text = file_text({"experimental": FileEntry(f"http://{host}:{port}", "${RASA_TOKEN}")})

    assert text == ENVIRONMENTS_FILE.replace("//rasa-experimental:", "//rasa-experimental-rasa:")
