"""Rasa servers of docker-compose, as the pages of Rasa X have them."""

from __future__ import annotations

import pytest

from rasa_chart_import.findings import Outcome
from rasa_chart_import.loading import ValuesError

from .cases import environments, finding, from_compose, secret_key, server

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


def test_the_service_of_the_pages_becomes_an_environment() -> None:
    result = from_compose(OVERRIDE)

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
    told = finding(from_compose(OVERRIDE), "services.rasa-experimental.environment.DB_USER")

    assert told.outcome is Outcome.PARTLY
    assert "by the default that the file has for DB_USER, as there is no .env" in told.text


def test_a_service_that_is_no_rasa_server_stays() -> None:
    assert finding(from_compose(OVERRIDE), "services.redis.image").outcome is Outcome.NOT_NEEDED


def test_parts_that_services_include_are_not_told_twice() -> None:
    assert [each.path for each in from_compose(OVERRIDE).findings if each.path[0].startswith("x-")] == []


@pytest.mark.parametrize(
    ("command", "profile"),
    [
        ("x --no-prompt --production", "RasaX-0.2"),
        ("x --config-endpoint http://rasa-x:5002/api/config?token=a", "RasaX-0.32"),
        ("run --enable-api", "RasaEnterprise-1.0"),
    ],
)
def test_the_command_tells_the_generation(command: str, profile: str) -> None:
    rasa = f"{{image: 'rasa/rasa:2.8.15-full', command: '{command}'}}"
    text = f"services: {{rasa: {rasa}, rasa-x: {{image: 'rasa/rasa-x:1.0.1'}}}}"

    assert server(from_compose(text))["profile"] == profile


def test_variables_may_be_a_list() -> None:
    result = from_compose("services: {a: {image: 'rasa/rasa:2.8.15-full', environment: [RASA_ENVIRONMENT=staging]}}")

    assert {*environments(result)} == {"staging"}


def test_an_image_whose_version_is_set_nowhere_is_told() -> None:
    told = finding(from_compose("services: {a: {image: 'rasa/rasa:${RASA_VERSION}-full'}}"), "services.a.image")

    assert told.outcome is Outcome.BY_HAND
    assert "RASA_VERSION is set neither in the environment nor in a file .env" in told.text


@pytest.mark.parametrize("image", ["registry.example.com:5000/team/rasa:prod-42", "rasa/rasa:latest-full"])
def test_an_image_of_one_s_own_is_carried_over_whole(image: str) -> None:
    assert environments(from_compose(f"services: {{a: {{image: '{image}'}}}}"))["a"]["rasa"] == {"image": image}


def test_an_anchor_that_comes_later_is_told() -> None:
    with pytest.raises(ValuesError, match="an anchor that is not above it"):
        from_compose("x-a: {<<: *later}\nx-b: &later {A: b}\n")


def test_tokens_of_the_command_line_go_into_the_secret() -> None:
    command = "run --enable-api --auth-token hunter1 --jwt-secret=hunter2 --jwt-method HS384 --ssl-password hunter3"

    result = from_compose(f"services: {{a: {{image: 'rasa/rasa:3.6.21-full', command: {command}}}}}")

    made = environments(result)["a"]
    assert made["authToken"] == secret_key("my-imported", "RASA_TOKEN")
    assert made["jwt"] == {"key": secret_key("my-imported", "JWT_SECRET"), "method": "HS384"}
    assert result.secrets.contents == {"my-imported": {"RASA_TOKEN": "hunter1", "JWT_SECRET": "hunter2"}}
    assert "extraArgs" not in made["rasa"]
    assert "without --ssl-password" in finding(result, "services.a.command").text


def test_servers_with_different_passwords_keep_them() -> None:
    services = "".join(
        f"  {name}: {{image: 'rasa/rasa:2.8.15-full', environment: {{DB_HOST: db, DB_PASSWORD: {password}}}}}\n"
        for name, password in (("a", "hunter1"), ("b", "hunter2"), ("c", "hunter1"))
    )

    result = from_compose(f"services:\n{services}")

    keys = {name: spec["trackerStore"]["sql"]["password"] for name, spec in environments(result).items()}
    assert keys["a"] == keys["c"] == secret_key("my-imported", "DB_PASSWORD")
    assert keys["b"] == secret_key("my-imported", "DB_PASSWORD-2")
    assert result.secrets.contents["my-imported"] == {"DB_PASSWORD": "hunter1", "DB_PASSWORD-2": "hunter2"}


def test_without_a_trace_of_rasa_x_there_is_no_model_server() -> None:
    result = from_compose("services: {bot: {image: 'rasa/rasa:3.6.21-full', command: run --enable-api}}")

    assert [each["kind"] for each in result.resources] == ["DeploymentEnvironment"]
    assert any("create ModelServer default" in remark for remark in result.remarks)


def test_rasa_pro_gets_its_profile_and_its_licence() -> None:
    result = from_compose(
        "services: {pro: {image: 'rasa/rasa-pro:3.13.25', environment: {RASA_PRO_LICENSE: abc, "
        "RASA_MODEL_SERVER: 'http://models:5002/api/projects/default/models/tags/production'}}}"
    )

    assert server(result)["profile"] == "RasaPro"
    assert environments(result)["production"]["rasa"] == {
        "image": "rasa/rasa-pro:3.13.25",
        "license": secret_key("my-imported", "RASA_PRO_LICENSE"),
    }


def test_a_rasa_pro_beside_open_source_chooses_its_profile() -> None:
    made = environments(
        from_compose(
            "services: {a: {image: 'rasa/rasa:3.6.21-full', environment: [RASA_ENVIRONMENT=a]}, "
            "b: {image: 'rasa/rasa-pro:3.13.25'}}"
        )
    )

    assert "profile" not in made["a"]
    assert made["b"]["profile"] == "RasaPro"


def test_files_are_merged_variable_by_variable_as_docker_compose_does() -> None:
    base = "services: {a: {image: 'rasa/rasa:2.8.15-full', environment: [RASA_ENVIRONMENT=a, DB_HOST=one]}}"
    override = "services: {a: {environment: {DB_HOST: two}}}"

    made = environments(from_compose(base, override))["a"]

    assert made["trackerStore"]["sql"]["host"] == "two"


def test_a_command_line_that_the_operator_writes_itself_leaves_nothing_to_do() -> None:
    result = from_compose("services: {a: {image: 'rasa/rasa:3.6.21-full', command: [run, --enable-api, --cors, '*']}}")

    assert finding(result, "services.a.command").outcome is Outcome.NOT_NEEDED
