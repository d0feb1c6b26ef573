"""The page of Rasa X 0.2x with real Rasa 1.10.26, RabbitMQ and PostgreSQL: `rasa x` with its two files mounted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.services import PostgreSql, RabbitMq, Redis
from tests.integration.conftest import Installation
from tests.integration.model_server_process import MODEL_A, MODEL_B
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
from tests.integration.space import ENVIRONMENT, Space

QUEUES = {name: f"rasa_{name}_events" for name in NAMES}
PATH_OF_THE_PAGE = "/projects/{project}/models/tags/{tag}"

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
    directory, kubeconfig = tmp_path_factory.mktemp("rasa-x-0-2"), shared.facts.kubeconfig
    with (
        own_connections(rabbitmq, postgresql, QUEUES.values()) as connections,
        running_rasa_x("RasaX-0.2", directory) as rasa_x,
        page_of(
            new_space(), rasa_x, connections, redis, kubeconfig, rasa_1_10, directory, modelPath=PATH_OF_THE_PAGE
        ) as page,
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
        "x --no-prompt --production --port 5005 --jwt-method HS256 --jwt-secret $(JWT_SECRET) "
        "--auth-token $(RASA_TOKEN) --cors *"
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
        "RABBITMQ_HOST": "127.0.0.1",
        "RABBITMQ_USERNAME": page.connections.rabbitmq.username,
        "RABBITMQ_QUEUE": "rasa_experimental_events",
        "RASA_X_HOST": page.rasa_x.url,
        "RASA_USER_APP": "http://app:5055",
        "RASA_MODEL_PULL_INTERVALL": "1",
        "RASA_MODEL_PULL_INTERVAL": "1",
        "RASA_MODEL_SERVER": f"{page.rasa_x.url}/projects/default/models/tags/experimental",
        "DB_HOST": "127.0.0.1",
        "DB_PORT": str(page.connections.postgresql.port),
        "DB_USER": page.connections.postgresql.username,
        "DB_LOGIN_DB": "rasa",
        "DB_DATABASE": "rasa_experimental",
    }.items() <= variables.items()


def test_no_secret_is_in_a_deployment_or_a_config_map(page: Page) -> None:
    written = [str(page.space.child(kind, name)) for kind in ("Deployment", "ConfigMap") for name in NAMES]

    assert not [secret for secret in page.secrets() for text in written if secret in text]


def test_before_its_first_model_production_is_ready_since_rasa_x_asks_it(page: Page) -> None:
    assert page.ready_before_a_model == {"production": True, "experimental": False, "support": False}


def test_before_its_first_model_an_environment_says_what_is_missing(page: Page) -> None:
    no_model = (
        f"no model on ModelServer {page.space.namespace}/default carries the tag production: promote one, for example "
        "`kubectl rasa promote MODEL production`"
    )

    assert condition(page.status_before_a_model, "Ready") == ("False", "TagNotFound", no_model)
    assert condition(page.status_before_a_model, "ModelAvailable") == ("False", "TagNotFound", no_model)
    served, reason, message = condition(page.status_before_a_model, "ModelServed")
    assert (served, reason) == ("Unknown", "TagNotFound")
    assert message.endswith("which model is wanted is not known")


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


def test_a_model_of_two_environments_carries_both_tags_and_is_served_by_both(page: Page) -> None:
    page.promote(production=MODEL_A, experimental=MODEL_B)

    page.promote(production=MODEL_B)

    assert {"production", "experimental"} <= {
        tag for tag, model in page.rasa_x.models.tags().items() if model == MODEL_B
    }
    assert [page.rasas[name].says() for name in ("production", "experimental")] == [ANSWERS[MODEL_B]] * 2


def test_the_model_is_found_by_the_time_of_its_training_since_rasa_1_tells_no_name(page: Page) -> None:
    page.promote(production=MODEL_A)

    status = page.space.status(ENVIRONMENT, "production")
    assert status["desiredModel"] == {"name": MODEL_A, "hash": page.rasa_x.models.hash_of(MODEL_A)}
    assert status["servedModels"] == [{"name": MODEL_A, "replicas": 1}]
    assert (status["servingReplicas"], status["readyReplicas"]) == (1, 1)


@pytest.mark.parametrize("name", ["production", "experimental"])
def test_events_arrive_on_the_environment_s_own_queue_with_its_name(page: Page, name: str) -> None:
    sender = f"queue-of-{name}"

    page.rasas[name].says(sender)

    assert page.connections.events(QUEUES[name], [sender], page.space) == {(sender, name)}


def test_a_queue_also_gets_the_events_of_others_on_its_broker_told_apart_by_their_app_id(page: Page) -> None:
    """Since 1.8.2 Rasa publishes to a fanout exchange whose name 1.x cannot change (rasa/core/brokers/pika.py)."""
    for name in ("production", "experimental"):
        page.rasas[name].says(f"fanout-{name}")

    senders = ("fanout-production", "fanout-experimental")
    assert page.connections.events(QUEUES["support"], senders, page.space) == {
        ("fanout-production", "production"),
        ("fanout-experimental", "experimental"),
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


def test_a_server_accepts_only_the_token_of_its_own_environment(page: Page) -> None:
    for name in WITH_RASA:
        taken = {other: page.rasas[name].status(page.space.token(other)) for other in NAMES}
        assert taken == {other: 200 if other == name else 401 for other in NAMES}


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
