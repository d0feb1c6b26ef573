"""Rasa servers of docker-compose, as the pages of Rasa X have them."""

from __future__ import annotations

import pytest

from rasa_chart_import.compose.resources import SOURCE
from rasa_chart_import.findings import Outcome
from rasa_chart_import.loading import ValuesError, merged
from rasa_chart_import.sources import Imported

from .cases import environments, finding, from_chart, secret_key, server

OVERRIDE = """
version: "3.4"
x-database-credentials: &database-credentials
  DB_HOST: "db"
  DB_PORT: "5432"
  DB_USER: "${DB_USER:-admin}"
  DB_PASSWORD: "${DB_PASSWORD}"
x-rasax-credentials: &rasax-credentials
  RASA_X_HOST: ${RASA_X_HOST:-http://rasa-x:5002}
  RASA_X_TOKEN: ${RASA_X_TOKEN}
  RASA_USER_APP: "http://app:5055"
x-rasa-services: &default-rasa-service
  restart: always
  image: "rasa/rasa:1.10.26-full"
  command: >
    x
    --no-prompt
    --production
    --port 5006
    --jwt-method HS256
    --jwt-secret ${JWT_SECRET}
    --auth-token '${RASA_TOKEN}'
    --cors "https://a.example.com"
services:
  rasa-experimental:
    <<: *default-rasa-service
    environment:
      <<: *rasax-credentials
      <<: *database-credentials
      DB_DATABASE: "experimental"
      RABBITMQ_HOST: rabbit
      RABBITMQ_QUEUE: "rasa_experimental_events"
      RASA_MODEL_SERVER: "http://rasa-x:5002/api/projects/default/models/tags/experimental"
      HTTP_PROXY_HOST: proxy
  redis: {image: redis}
"""


def imported(text: str) -> Imported:
    """Return the result for a docker-compose file."""
    return from_chart(SOURCE, dict(merged([("docker-compose.override.yml", text)]).values))


def test_the_service_of_the_pages_becomes_an_environment() -> None:
    result = imported(OVERRIDE)

    assert server(result)["url"] == "http://rasa-x:5002"
    assert server(result)["profile"] == "RasaX-0.2"
    made = environments(result)["experimental"]
    assert made["rasa"] == {"version": "1.10.26", "port": 5006, "corsOrigins": ["https://a.example.com"]}
    assert made["trackerStore"]["sql"] == {
        "host": "db",
        "port": 5432,
        "username": "admin",
        "password": secret_key("my-imported", "DB_PASSWORD"),
        "database": "experimental",
    }
    assert made["eventBroker"] == {"rabbitmq": {"host": "rabbit", "queues": ["rasa_experimental_events"]}}
    assert made["actionEndpoint"] == {"url": "http://app:5055/webhook"}
    assert made["podTemplate"]["spec"]["containers"][0]["env"] == [{"name": "HTTP_PROXY_HOST", "value": "proxy"}]


def test_the_default_of_a_variable_counts_and_is_told() -> None:
    told = finding(imported(OVERRIDE), "services.rasa-experimental.environment.DB_USER")

    assert told.outcome is Outcome.PARTLY
    assert ".env may set another value" in told.text


def test_a_service_that_is_no_rasa_server_stays() -> None:
    assert finding(imported(OVERRIDE), "services.redis.image").outcome is Outcome.NOT_NEEDED


def test_parts_that_services_include_are_not_told_twice() -> None:
    assert [each.path for each in imported(OVERRIDE).findings if each.path[0].startswith("x-")] == []


@pytest.mark.parametrize(
    ("command", "profile"),
    [
        ("x --no-prompt --production", "RasaX-0.2"),
        ("x --config-endpoint http://rasa-x:5002/api/config?token=a", "RasaX-0.32"),
        ("run --enable-api", "RasaEnterprise-1.0"),
    ],
)
def test_the_command_tells_the_generation(command: str, profile: str) -> None:
    text = f"services: {{rasa: {{image: 'rasa/rasa:2.8.15-full', command: '{command}'}}}}"

    assert server(imported(text))["profile"] == profile


def test_variables_may_be_a_list() -> None:
    result = imported("services: {a: {image: 'rasa/rasa:2.8.15-full', environment: [RASA_ENVIRONMENT=staging]}}")

    assert {*environments(result)} == {"staging"}


def test_an_image_whose_version_only_env_knows_is_told() -> None:
    result = imported("services: {a: {image: 'rasa/rasa:${RASA_VERSION:-stable}-full'}}")

    assert finding(result, "services.a.image").outcome is Outcome.BY_HAND


def test_an_anchor_that_comes_later_is_told() -> None:
    with pytest.raises(ValuesError, match="an anchor that is not above it"):
        imported("x-a: {<<: *later}\nx-b: &later {A: b}\n")
