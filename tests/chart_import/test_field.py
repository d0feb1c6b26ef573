"""Files of people who use the charts, as in public reports: what comes of each is what their servers have now."""

from __future__ import annotations

from pathlib import Path

import kubernetes_validate  # type: ignore[import-untyped]
import pytest

from rasa_chart_import.all_sources import SOURCES
from rasa_chart_import.findings import Outcome
from rasa_chart_import.loading import merged
from rasa_chart_import.recognition import recognised
from rasa_chart_import.sources import Imported
from rasa_environments.api.base import JsonObject

from .cases import defaults, environments, finding, from_chart, from_yaml, secret_key, server
from .operated import operated, pod_of

FILES = Path(__file__).parent / "field"
RELEASES = {
    "01-rabbit-service-name.yaml": (4, 5, 8),
    "02-security-context-enabled.yaml": (4, 5, 15),
    "03-values-since-4.5.9.yaml": (4, 5, 23),
    "04-cors-several-origins.yaml": (4, 5, 8),
    "06-query-lost.yaml": (4, 5, 8),
    "06-query-lost-plain-names.yaml": (4, 5, 8),
    "07-amqps-broker.yaml": (4, 5, 8),
    "09-channels-as-text.yaml": (1, 1, 2),
    "10-values-of-chart-rasa.yaml": (1, 17, 2),
    "10-docker-compose.override.yml": None,
    "14-redis-auth-existing-secret.yaml": (4, 5, 8),
    "19-placeholders.yaml": (4, 5, 8),
    "20-network-policies.yaml": (4, 5, 8),
}


def of(name: str) -> Imported:
    """Return the result for a file."""
    values = merged([(name, (FILES / name).read_text())]).values
    return from_chart(recognised(values, SOURCES, file=name), dict(values), RELEASES[name])


def pod(name: str, deployment: str = "production-rasa") -> JsonObject:
    """Return the pod template that the operator makes of a file."""
    return pod_of(operated(of(name))[deployment])


def test_there_is_a_release_for_each_file() -> None:
    assert {*RELEASES} == {file.name for file in FILES.iterdir()}


@pytest.mark.parametrize("name", RELEASES)
def test_kubernetes_takes_what_the_operator_makes_of_each(name: str) -> None:
    made = operated(of(name))

    assert made
    for deployment in made.values():
        kubernetes_validate.validate(deployment, "1.33", strict=True)


def test_the_broker_is_called_as_the_chart_calls_it() -> None:
    broker = defaults(of("01-rabbit-service-name.yaml"))["eventBroker"]["rabbitmq"]

    assert broker["host"] == "my-rabbit"
    assert broker["password"] == secret_key("my-rabbit", "rabbitmq-password")


def test_a_switch_that_the_chart_takes_out_is_taken_out() -> None:
    assert "securityContext" not in defaults(of("02-security-context-enabled.yaml"))["podTemplate"]["spec"]


def test_values_of_the_last_releases_reach_the_pods() -> None:
    result, made = of("03-values-since-4.5.9.yaml"), pod("03-values-since-4.5.9.yaml")

    assert [each.path for each in result.findings if "no release has such a value" in each.text] == []
    assert made["metadata"]["annotations"]["linkerd.io/inject"] == "enabled"
    assert made["spec"]["dnsConfig"] == {"options": [{"name": "ndots", "value": "1"}]}
    assert [container["name"] for container in made["spec"]["containers"]] == ["rasa", "database-proxy"]
    assert {"name": "ca", "secret": {"secretName": "company-ca"}} in made["spec"]["volumes"]


def test_several_origins_are_several_words() -> None:
    arguments = pod("04-cors-several-origins.yaml")["spec"]["containers"][0]["args"]

    first = arguments.index("--cors")
    assert arguments[first + 1 : first + 3] == ["https://www.example.com", "https://shop.example.com"]
    assert arguments[-1] == "--debug"


@pytest.mark.parametrize(
    ("name", "database"),
    [("06-query-lost.yaml", "rasa-tracker-prod"), ("06-query-lost-plain-names.yaml", "rasa_tracker_prod")],
)
def test_the_database_and_its_query_arrive(name: str, database: str) -> None:
    result = of(name)

    assert defaults(result)["trackerStore"]["sql"]["query"] == {"sslmode": "require"}
    assert environments(result)["production"]["trackerStore"] == {"sql": {"database": database}}
    assert finding(result, "rasa.trackerStore.query.sslmode").outcome is Outcome.MAPPED


def test_a_broker_at_an_amqps_address_is_asked_over_tls() -> None:
    """Rasa 2.8 takes such an address only with the password in it."""
    result = of("07-amqps-broker.yaml")
    broker = defaults(result)["endpoints"]["event_broker"]

    assert "eventBroker" not in defaults(result)
    assert broker["url"] == secret_key("my-imported", "event-broker-url")
    assert (broker["port"], broker["username"]) == (5671, "bot")
    assert "amqps://USER:PASSWORD@b-0000.mq.example.com:5671" in finding(result, "rabbitmq.existingHost").text


def test_a_newer_rasa_has_tls_in_the_typed_connection() -> None:
    text = (FILES / "07-amqps-broker.yaml").read_text().replace("2.8.15", "3.6.21")

    broker = defaults(from_yaml(text))["eventBroker"]["rabbitmq"]

    assert (broker["host"], broker["port"], broker["tls"]) == ("b-0000.mq.example.com", 5671, {"mode": "Required"})


def test_channels_in_a_text_are_read_as_the_template_pastes_them() -> None:
    (channel,) = defaults(of("09-channels-as-text.yaml"))["channels"]

    assert channel["name"] == "twilio"
    assert channel["config"]["auth_token"] == "${TWILIO_AUTH_TOKEN}"


def test_the_values_of_the_chart_rasa_are_imported_as_such() -> None:
    result = of("10-values-of-chart-rasa.yaml")

    assert server(result)["url"] == "http://rasa-x-rasa-x:5002"
    assert environments(result)["production"]["rasa"]["version"] == "3.2.6"
    assert environments(result)["production"]["channels"] == [{"name": "rest"}]


def test_a_server_of_docker_compose_is_imported_as_such() -> None:
    assert environments(of("10-docker-compose.override.yml")) == {"experimental": {"rasa": {"version": "2.8.15"}}}


def test_redis_has_the_secret_that_is_there() -> None:
    redis = defaults(of("14-redis-auth-existing-secret.yaml"))["lockStore"]["redis"]

    assert redis["host"] == "redis.external.svc"
    assert redis["password"] == secret_key("rasax-redis", "redis-password")


def test_placeholders_are_told_and_never_written() -> None:
    result = of("19-placeholders.yaml")

    for path in (
        "rasax.token",
        "rasax.jwtSecret",
        "rasax.initialUser.password",
        "rasa.token",
        "rabbitmq.auth.password",
    ):
        assert finding(result, path).outcome is Outcome.BY_HAND
        assert "import the result" in finding(result, path).text
    assert result.secrets.contents == {}


def test_pods_have_the_label_that_the_chart_s_network_policies_admit() -> None:
    labels = pod("20-network-policies.yaml", "worker-rasa")["metadata"]["labels"]

    assert labels["app.kubernetes.io/component"] == "rasa-worker"
