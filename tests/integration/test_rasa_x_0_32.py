"""The page of Rasa X 0.32 with real Rasa 1.10.26: `rasa x --config-endpoint`, and one queue for all environments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.services import PostgreSql, RabbitMq, Redis
from tests import loopback
from tests.integration.conftest import Installation
from tests.integration.model_server_process import MODEL_A, MODEL_B, TOKEN
from tests.integration.rasa_x_page import (
    MISSPELT,
    NAMES,
    WITH_RASA,
    Page,
    condition,
    entries,
    locked,
    page_of,
    plain_variables,
    secret_variables,
)
from tests.integration.real_environments import ANSWERS, own_connections, running_rasa_x
from tests.integration.space import Space

QUEUE = "rasa_production_events"
ENDPOINTS = """\
models:
  url: ${RASA_MODEL_SERVER}
  token: ${RASA_X_TOKEN}
  wait_time_between_pulls: ${RASA_MODEL_PULL_INTERVAL}
tracker_store:
  type: sql
  dialect: "postgresql"
  url: ${DB_HOST}
  port: ${DB_PORT}
  username: ${DB_USER}
  password: ${DB_PASSWORD}
  db: ${DB_DATABASE}
  login_db: ${DB_LOGIN_DB}
lock_store:
  type: "redis"
  url: ${REDIS_HOST}
  port: ${REDIS_PORT}
  password: ${REDIS_PASSWORD}
  db: ${REDIS_DB}
event_broker:
  type: "pika"
  url: ${RABBITMQ_HOST}
  port: ${RABBITMQ_PORT}
  username: ${RABBITMQ_USERNAME}
  password: ${RABBITMQ_PASSWORD}
  queues:
  - ${RABBITMQ_QUEUE}
action_endpoint:
  url: ${RASA_USER_APP}/webhook
"""
"""endpoints.yml as an installation of Rasa X has it, but for the port of the broker, which is 5672 there."""
CREDENTIALS = """\
rasa:
  url: ${RASA_X_HOST}/api
rest:
callback:
  url: http://127.0.0.1/callback
"""
"""credentials.yml of Rasa X, with two more channels; the operator knows nothing of `callback`."""

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def page(
    shared: Installation,
    new_space: Callable[[], Space],
    rasa_1_10: Path,
    rabbitmq: RabbitMq,
    postgresql: PostgreSql,
    redis: Redis,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Page]:
    directory = tmp_path_factory.mktemp("rasa-x-0-32")
    files = {"RASA_MODEL_SERVER_ENDPOINTS_FILE": ENDPOINTS, "RASA_MODEL_SERVER_CREDENTIALS_FILE": CREDENTIALS}
    variables = {variable: str(directory / variable) for variable in files}
    for variable, text in files.items():
        Path(variables[variable]).write_text(text)
    kubeconfig = shared.facts.kubeconfig
    with (
        own_connections(rabbitmq, postgresql, [QUEUE]) as connections,
        running_rasa_x("RasaX-0.32", directory, **variables) as rasa_x,
        page_of(new_space(), rasa_x, connections, redis, kubeconfig, rasa_1_10, directory) as page,
    ):
        yield page


@pytest.fixture
def usual_token(page: Page) -> Iterator[None]:
    """Afterwards, let Rasa X accept its usual token again."""
    yield
    page.restart_rasa_x()
    page.space.wait_for_condition("ModelServer", "default", "Ready", status="True")


def test_rasa_is_started_with_the_command_of_the_page(page: Page) -> None:
    command = (
        "x --no-prompt --production --config-endpoint $(RASA_X_HOST)/api/config?token=$(RASA_X_TOKEN) --port 5005 "
        "--jwt-method HS256 --jwt-secret $(JWT_SECRET) --auth-token $(RASA_TOKEN) --cors *"
    )

    for name in WITH_RASA:
        assert page.rasas[name].container["args"] == command.split()


def test_rasa_gets_every_variable_of_the_page(page: Page) -> None:
    variables = plain_variables(page.rasas["experimental"])

    assert secret_variables(page.rasas["experimental"]) == {
        "RABBITMQ_PASSWORD",
        "RASA_X_TOKEN",
        "JWT_SECRET",
        "RASA_TOKEN",
        "DB_PASSWORD",
        "REDIS_PASSWORD",
    }
    assert {
        "RASA_ENVIRONMENT": "experimental",
        "RABBITMQ_HOST": "127.0.0.1",
        "RABBITMQ_USERNAME": page.connections.rabbitmq.username,
        "RABBITMQ_QUEUE": QUEUE,
        "RASA_X_HOST": page.rasa_x.url,
        "RASA_USER_APP": "http://app:5055",
        "RASA_MODEL_SERVER": f"{page.rasa_x.url}/api/projects/default/models/tags/experimental",
        "DB_HOST": "127.0.0.1",
        "DB_PORT": str(page.connections.postgresql.port),
        "DB_USER": page.connections.postgresql.username,
        "DB_LOGIN_DB": "rasa",
        "DB_DATABASE": "rasa_experimental",
    }.items() <= variables.items()


def test_no_secret_is_in_a_deployment_or_a_config_map(page: Page) -> None:
    written = [str(page.space.child(kind, name)) for kind in ("Deployment", "ConfigMap") for name in NAMES]

    assert TOKEN in page.secrets()
    assert not [value for value in page.secrets() for text in written if value in text]


def test_rasa_asks_rasa_x_for_its_configuration_with_its_token(page: Page) -> None:
    asked = [asked.query for asked in page.rasa_x.front.asked if asked.path == "/api/config"]

    assert asked == [{"token": TOKEN}] * len(WITH_RASA)


def test_channels_are_those_of_rasa_x(page: Page) -> None:
    for name in WITH_RASA:
        answer = loopback.get(f"{page.rasas[name].process.url}/webhooks/callback/")
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_before_its_first_model_production_is_ready_since_rasa_x_asks_it(page: Page) -> None:
    assert page.ready_before_a_model == {"production": True, "experimental": False, "support": False}


def test_before_its_first_model_an_environment_says_what_is_missing(page: Page) -> None:
    no_model = (
        f"no model on ModelServer {page.space.namespace}/default carries the tag production: promote one, for example "
        "`kubectl rasa promote MODEL production`"
    )

    assert condition(page.status_before_a_model, "Ready") == ("False", "TagNotFound", no_model)
    assert condition(page.status_before_a_model, "ModelAvailable") == ("False", "TagNotFound", no_model)


def test_a_promotion_is_followed_by_the_same_process_and_by_no_other_environment(page: Page) -> None:
    page.promote(production=MODEL_A, experimental=MODEL_A)
    experimental, production = page.rasas["experimental"], page.rasas["production"]
    pid = experimental.process.pid
    assert experimental.says() == ANSWERS[MODEL_A]

    page.promote(experimental=MODEL_B)

    assert experimental.says() == ANSWERS[MODEL_B]
    assert (experimental.process.running, experimental.process.pid) == (True, pid)
    assert experimental.is_ready
    assert production.says() == ANSWERS[MODEL_A]


def test_events_of_all_environments_arrive_on_the_common_queue_each_with_its_name(page: Page) -> None:
    names = ("production", "experimental")
    for name in names:
        page.rasas[name].says(f"said-to-{name}")

    assert page.connections.events(QUEUE, [f"said-to-{name}" for name in names], page.space) == {
        (f"said-to-{name}", name) for name in names
    }


def test_conversations_are_kept_in_the_environment_s_own_database(page: Page) -> None:
    for name in WITH_RASA:
        page.rasas[name].says(f"kept-by-{name}")

    for name in WITH_RASA:
        kept = page.connections.senders(f"rasa_{name}")
        assert {sender for sender in kept if sender.startswith("kept-by-")} == {f"kept-by-{name}"}


def test_conversations_are_locked_in_redis(page: Page, redis: Redis) -> None:
    for name in WITH_RASA:
        page.rasas[name].says(f"locked-by-{name}")

    assert {f"locked-by-{name}" for name in WITH_RASA} <= locked(redis)


def test_the_file_names_each_environment_s_service_and_token(page: Page) -> None:
    for name, entry in entries(page.space).items():
        service = page.space.child("Service", name)
        host = f"{service['metadata']['name']}.{page.space.namespace}.svc"
        assert entry == {
            "url": f"http://{host}:{service['spec']['ports'][0]['port']}",
            "token": page.space.token(name),
        }


def test_rasa_x_starts_with_the_file_and_finds_every_environment(page: Page) -> None:
    assert page.rasa_x.versions() == {
        "production": "1.10.26",
        "worker": "0.0.0",  # Rasa X's word for a server that does not answer: nothing runs in this pod.
        "experimental": "1.10.26",
        "support": "1.10.26",
    }


def test_a_chat_reaches_production_unless_another_environment_is_named(page: Page) -> None:
    page.promote(production=MODEL_A, experimental=MODEL_B)

    assert page.rasa_x.chat() == ANSWERS[MODEL_A]
    assert page.rasa_x.chat("production") == ANSWERS[MODEL_A]
    assert page.rasa_x.chat("experimental") == ANSWERS[MODEL_B]


def test_a_wrong_tag_shows_only_in_the_conditions(page: Page) -> None:
    support = page.rasas["support"]
    assert page.rasa_x.models.tags()["support"] == MODEL_A

    message = (
        f"no model on ModelServer {page.space.namespace}/default carries the tag {MISSPELT}: promote one, for example "
        "`kubectl rasa promote MODEL support`"
    )
    for kind in ("ModelAvailable", "Ready"):
        page.wait_for("support", kind, status="False", reason="TagNotFound", message=message)
    page.rasa_x.wait_for_pulls(page.space, MISSPELT)
    assert support.looks_healthy
    assert support.says() == ""


@pytest.mark.usefixtures("usual_token")
def test_a_refused_token_is_the_trouble_of_the_server_and_what_serves_stays_ready(page: Page) -> None:
    page.promote(experimental=MODEL_A)
    experimental = page.rasas["experimental"]

    page.restart_rasa_x(token="another-token")

    page.space.wait_for_condition("ModelServer", "default", "Ready", status="False", reason="Unauthorized")
    page.wait_for("experimental", "ModelAvailable", status="Unknown", reason="Unauthorized")
    page.wait_for("experimental", "Ready", status="True", reason="Ready")
    page.rasa_x.wait_for_pulls(page.space, "experimental")
    assert experimental.looks_healthy
    assert experimental.is_ready
    assert experimental.says() == ANSWERS[MODEL_A]
