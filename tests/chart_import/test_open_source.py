"""The chart rasa for open-source Rasa: one environment, and the model server that its servers pull from."""

from __future__ import annotations

import pytest

from rasa_chart_import.findings import Outcome
from rasa_chart_import.loading import merged
from rasa_chart_import.open_source.resources import SOURCE
from rasa_chart_import.sources import Imported
from rasa_environments.api.base import JsonObject

from .cases import finding, from_chart, secret_key
from .operated import operated

CHART = (1, 17, 8)
MODELS = "applicationSettings: {endpoints: {models: {enabled: true, url: 'http://models:5002/models/latest'}}}\n"


def imported(text: str) -> Imported:
    """Return the result for a values file."""
    return from_chart(SOURCE, dict(merged([("values.yaml", text)]).values), CHART)


def spec(result: Imported) -> JsonObject:
    """Return the spec of the only environment."""
    (environment,) = [each for each in result.resources if each["kind"] == "DeploymentEnvironment"]
    found: JsonObject = environment["spec"]
    return found


@pytest.mark.parametrize(
    ("url", "expected", "name"),
    [
        ("http://models/models/latest", {"url": "http://models", "modelPath": "/models/{tag}"}, "latest"),
        ("https://a.example.com/m/bot.tar.gz", {"url": "https://a.example.com", "modelPath": "/m/{tag}.tar.gz"}, "bot"),
        ("http://x:5002/api/projects/default/models/tags/production", {"url": "http://x:5002"}, "production"),
        ("http://x/api/projects/shop/models/tags/test", {"url": "http://x", "project": "shop"}, "test"),
    ],
)
def test_the_address_of_the_models_becomes_a_model_server_and_a_tag(url: str, expected: JsonObject, name: str) -> None:
    result = imported(f"applicationSettings: {{endpoints: {{models: {{enabled: true, url: '{url}', token: abc}}}}}}")

    server, environment = result.resources
    assert server["spec"] == {
        "profile": "OpenSource",
        "credentialsSecretRef": {"name": "my-model-server"},
        **expected,
    }
    assert environment["metadata"]["name"] == name
    assert result.secrets.contents == {"my-model-server": {"token": "abc"}}


def test_an_initial_model_is_followed_where_there_is_no_model_server() -> None:
    server, _ = imported("applicationSettings: {initialModel: 'https://a.example.com/model.tar.gz'}").resources

    assert (server["spec"]["url"], server["spec"]["modelPath"]) == ("https://a.example.com", "/{tag}.tar.gz")


def test_a_model_address_with_a_query_is_told_and_no_model_server_is_made_up() -> None:
    result = imported("applicationSettings: {initialModel: 'https://a.example.com/model.tar.gz?raw=true'}")

    assert [each["kind"] for each in result.resources] == ["DeploymentEnvironment"]
    assert finding(result, "applicationSettings.initialModel").outcome is Outcome.BY_HAND
    assert any("create ModelServer default" in remark for remark in result.remarks)


def test_rasa_x_is_the_model_server_where_the_chart_has_it_so() -> None:
    server, environment = imported("""
        applicationSettings:
          rasaX: {enabled: true, url: "http://rasa-x:5002", token: abc}
          endpoints: {models: {useRasaXasModelServer: {enabled: true, tag: staging}}}
        """).resources

    assert (server["spec"]["url"], server["spec"]["profile"]) == ("http://rasa-x:5002", "RasaEnterprise-1.0")
    assert environment["metadata"]["name"] == "staging"


def test_the_services_of_the_chart_are_called_as_the_chart_calls_them() -> None:
    made = spec(
        imported("""
        applicationSettings:
          endpoints:
            models: {enabled: true, url: "http://models/models/latest"}
            lockStore: {enabled: true}
            eventBroker: {enabled: true, queues: [one, two]}
        redis: {install: true}
        rabbitmq: {install: true}
        rasa-action-server: {install: true}
        """)
    )

    assert made["trackerStore"]["sql"]["host"] == "my-postgresql"
    assert made["lockStore"]["redis"]["host"] == "my-redis-master"
    assert made["lockStore"]["redis"]["password"] == secret_key("my-redis", "redis-password")
    assert made["eventBroker"]["rabbitmq"]["host"] == "my-rabbitmq"
    assert made["eventBroker"]["rabbitmq"]["queues"] == ["one", "two"]
    assert made["actionEndpoint"]["url"] == "http://my-rasa-rasa-action-server.bots.svc:80/webhook"


def test_services_of_one_s_own_are_connected() -> None:
    result = imported(
        MODELS
        + """
postgresql: {install: false, external: {enabled: true, host: pg.example.com}}
global: {postgresql: {postgresqlUsername: bot, postgresqlPassword: abc, postgresqlDatabase: bots}}
        """
    )

    assert spec(result)["trackerStore"]["sql"] == {
        "host": "pg.example.com",
        "port": 5432,
        "username": "bot",
        "password": secret_key("my-imported", "postgresql-postgres-password"),
        "database": "bots",
        "loginDatabase": "bots",
    }


def test_a_store_without_a_typed_field_goes_into_the_endpoints_with_a_reference_for_its_password() -> None:
    result = imported("""
        applicationSettings:
          endpoints:
            models: {enabled: true, url: "http://models/models/latest"}
            trackerStore: {type: mongod, url: "mongodb://mongo:27017", db: rasa, username: bot, password: abc}
        """)

    store = spec(result)["endpoints"]["tracker_store"]
    assert (store["type"], store["url"], store["password"]) == (
        "mongod",
        "mongodb://mongo:27017",
        secret_key("my-imported", "trackerStore-password"),
    )
    assert "trackerStore" not in spec(result)


def test_the_deployment_of_the_chart_becomes_that_of_the_environment() -> None:
    result = imported(
        MODELS
        + """
replicaCount: 2
image: {tag: 3.6.21-full}
resources: {limits: {memory: 2Gi}}
strategy: {type: Recreate}
podAnnotations: {team: bots}
serviceAccount: {create: true, annotations: {cloud: role}}
volumes: [{name: ca, secret: {secretName: ca}}]
volumeMounts: [{name: ca, mountPath: /ca}]
hostAliases: [{ip: 10.0.0.1, hostnames: [a]}]
ingress: {enabled: true, hostname: bot.example.com, path: /webhooks, pathType: Prefix}
        """
    )

    made = spec(result)
    assert made["rasa"]["version"] == "3.6.21"
    assert (made["replicas"], made["deploymentStrategy"]) == (2, {"type": "Recreate"})
    assert made["serviceAccount"] == {"annotations": {"cloud": "role"}}
    assert made["ingress"]["hosts"] == [
        {"host": "bot.example.com", "paths": [{"path": "/webhooks", "pathType": "Prefix"}]}
    ]
    pod = operated(result)["latest-rasa"]["spec"]["template"]["spec"]
    assert pod["hostAliases"] == [{"ip": "10.0.0.1", "hostnames": ["a"]}]
    assert {"name": "ca", "mountPath": "/ca"} in pod["containers"][0]["volumeMounts"]


def test_no_environment_is_called_as_the_release_whose_service_would_select_its_pods() -> None:
    values = {"applicationSettings": {"endpoints": {"models": {"enabled": True, "url": "http://models/models/my"}}}}

    _, environment = from_chart(SOURCE, values, CHART).resources

    assert (environment["metadata"]["name"], environment["spec"]["environment"]) == ("my-environment", "my")
