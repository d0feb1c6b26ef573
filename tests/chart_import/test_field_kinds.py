"""Kinds of values that people's files have, each with the failure that it once caused."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from rasa_chart_import.all_sources import SOURCES
from rasa_chart_import.findings import Outcome
from rasa_chart_import.loading import ValuesError, merged
from rasa_chart_import.recognition import UnrecognisedError, recognised, required
from rasa_chart_import.sources import Imported, SourceName
from rasa_environments.api.base import JsonObject

from .cases import defaults, environments, finding, from_chart, from_compose, from_yaml, named, secret_key, server


def rasa(text: str) -> Imported:
    """Return the result for values of the chart rasa for open-source Rasa."""
    return from_chart(named(SourceName.RASA), yaml.safe_load(text))


def pro(text: str) -> Imported:
    """Return the result for values of the chart rasa for Rasa Pro."""
    return from_chart(named(SourceName.RASA_PRO), yaml.safe_load(text))


def containers(spec: JsonObject) -> dict[str, Any]:
    """The containers of a podTemplate by name, init containers too."""
    pod = spec["podTemplate"]["spec"]
    return {each["name"]: each for each in (*pod.get("containers", ()), *pod.get("initContainers", ()))}


def test_secrets_of_further_containers_go_into_a_secret() -> None:
    result = rasa(
        """
        extraContainers:
        - name: proxy
          image: a
          env: [{name: TOKEN, value: hunter1}, {name: MODE, value: fast}]
          args: [-v, --password=hunter2]
        - {name: other, image: a, args: [--token, hunter3]}
        initContainers:
        - {name: fetch, image: b, command: [sh, -c, "curl -H 'Authorization: Bearer hunter4' x"]}
        """
    )

    made = containers(environments(result)["production"])
    assert made["proxy"]["env"] == [
        {"name": "TOKEN", "valueFrom": secret_key("my-imported", "extraContainers-proxy-TOKEN")},
        {"name": "MODE", "value": "fast"},
        {"name": "ARGS_1", "valueFrom": secret_key("my-imported", "extraContainers-proxy-ARGS_1")},
    ]
    assert made["proxy"]["args"] == ["-v", "$(ARGS_1)"]
    assert made["other"]["args"] == ["--token", "$(ARGS_1)"]
    assert made["fetch"]["command"] == ["sh", "-c", "$(COMMAND_2)"]
    assert "hunter" not in str(result.resources)


def test_a_container_beside_rasa_x_s_servers_keeps_its_secrets_as_well() -> None:
    result = from_yaml("rasa: {additionalContainers: [{name: proxy, image: a, env: [{name: TOKEN, value: hunter1}]}]}")

    assert containers(defaults(result))["proxy"]["env"][0]["valueFrom"] == secret_key(
        "my-imported", "rasa-additionalContainers-proxy-TOKEN"
    )


def test_a_label_that_selects_pods_is_the_only_one_left_out() -> None:
    result = from_yaml("rasa: {podLabels: {team: bots, app.kubernetes.io/name: x}}")

    assert defaults(result)["podTemplate"]["metadata"]["labels"] == {"team": "bots"}
    outcomes = {each.path[-1]: each.outcome for each in result.findings if "podLabels" in each.path}
    assert outcomes == {"team": Outcome.MAPPED, "app.kubernetes.io/name": Outcome.BY_HAND}


def test_root_is_the_only_part_of_a_security_context_left_out() -> None:
    result = from_yaml("securityContext: {runAsUser: 0, fsGroup: 1000}")

    assert defaults(result)["podTemplate"]["spec"]["securityContext"] == {"fsGroup": 1000}
    assert finding(result, "securityContext.runAsUser").outcome is Outcome.BY_HAND
    assert finding(result, "securityContext.fsGroup").outcome is Outcome.MAPPED


@pytest.mark.parametrize("key", ["x-common", "_common", ".common", "sops"])
def test_parts_for_anchors_and_encryption_leave_nothing_to_do(key: str) -> None:
    result = from_yaml(f"rasax: {{tag: 1.2.2}}\n{key}: {{a: b}}")

    assert {each.outcome for each in result.findings if each.path[0] == key} == {Outcome.NOT_NEEDED}


def test_a_name_that_another_overrides_leaves_nothing_to_do() -> None:
    result = from_yaml("fullnameOverride: bot\nnameOverride: b")

    assert finding(result, "nameOverride").outcome is Outcome.NOT_NEEDED


@pytest.mark.parametrize("text", ["'false'", "'no'", "'0'"])
def test_a_text_that_says_no_is_not_taken_for_no_as_helm_does_not(text: str) -> None:
    result = from_yaml(f"rabbitmq: {{enabled: {text}}}")

    assert "eventBroker" in defaults(result)
    assert "it is text, which Helm takes for true" in finding(result, "rabbitmq.enabled").text


def test_the_switch_that_old_charts_have_as_text_is_read_as_they_read_it() -> None:
    result = from_yaml("debugMode: 'false'", (1, 0, 0))

    assert "logLevel" not in defaults(result).get("rasa", {})
    assert finding(result, "debugMode").outcome is Outcome.NOT_NEEDED


@pytest.mark.parametrize("chart", [(1, 0, 0), (1, 1, 5), (1, 7, 8), (1, 7, 9)])
def test_old_releases_have_an_action_server_though_their_values_do_not_say_where(chart: tuple[int, ...]) -> None:
    result = from_yaml("rasax: {tag: 0.31.0}\nrasa: {tag: 1.10.10-full}", chart)

    assert defaults(result)["actionEndpoint"] == {"url": "http://my-rasa-x-app.bots.svc:5055/webhook"}


def test_a_key_prefix_that_rasa_ignores_is_left_out() -> None:
    result = rasa(
        "applicationSettings: {endpoints: {lockStore: {enabled: true, type: redis, url: r, key_prefix: my-bot}}}"
    )

    assert "keyPrefix" not in environments(result)["production"]["lockStore"]["redis"]
    assert finding(result, "applicationSettings.endpoints.lockStore.key_prefix").outcome is Outcome.BY_HAND


def test_a_database_of_another_dialect_is_written_as_it_is() -> None:
    result = rasa(
        "applicationSettings: {endpoints: {trackerStore: {enabled: true, type: sql, dialect: sqlite, db: rasa.db}}}"
    )

    made = environments(result)["production"]
    assert "trackerStore" not in made
    assert made["endpoints"]["tracker_store"] == {"type": "sql", "dialect": "sqlite", "db": "rasa.db"}


def test_variables_of_rasa_in_a_store_are_none_of_the_file() -> None:
    store = "{enabled: true, type: sql, url: pg, username: '${PG_USER}', password: '${PG_PASSWORD}'}"
    variables = "[{name: PG_PASSWORD, valueFrom: {secretKeyRef: {name: pg, key: pw}}}, {name: PG_USER, value: bob}]"

    result = rasa(f"applicationSettings: {{endpoints: {{trackerStore: {store}}}}}\nextraEnv: {variables}")

    assert environments(result)["production"]["trackerStore"]["sql"]["password"] == secret_key("pg", "pw")
    for name in ("username", "password"):
        assert finding(result, f"applicationSettings.endpoints.trackerStore.{name}").outcome is Outcome.MAPPED


def test_a_model_file_is_a_tag_and_no_name_and_needs_no_token() -> None:
    result = rasa("applicationSettings: {initialModel: 'https://example.com/models/20220101-bot.tar.gz'}")

    assert environments(result)["production"]["tag"] == "20220101-bot"
    assert "credentialsSecretRef" not in server(result)
    assert result.made.credentials == ()


@pytest.mark.parametrize("option", ["--model", "--remote-storage"])
def test_options_that_name_a_model_are_left_out(option: str) -> None:
    result = rasa(f"extraArgs: [--debug, {option}, x]")

    assert environments(result)["production"]["rasa"]["extraArgs"] == ["--debug"]
    assert f"without {option}" in finding(result, "extraArgs").text


def test_an_empty_document_at_the_end_is_none() -> None:
    assert merged([("values.yaml", "---\na: 1\n---\n")]).values == {"a": 1}
    assert merged([("values.yaml", "\ufeffa: 1\r\n---\r\n")]).values == {"a": 1}
    with pytest.raises(ValuesError, match=r"values\.yaml:3: begins another document"):
        merged([("values.yaml", "a: 1\n---\nb: 2\n")])


@pytest.mark.parametrize(
    "text",
    [
        "rasa: {ingress: {enabled: true, hosts: [{host: a.example.com}]}}",
        "rasa: {initContainers: [{name: a, image: b}], command: []}",
    ],
)
def test_a_file_is_for_the_only_chart_that_has_all_of_its_values(text: str) -> None:
    assert recognised(yaml.safe_load(text), SOURCES, file="values.yaml").name is SourceName.RASA_PRO


def test_a_compose_file_without_services_is_refused() -> None:
    with pytest.raises(UnrecognisedError, match="has no value of docker-compose"):
        required({"services": {}}, named(SourceName.COMPOSE), file="docker-compose.yml")


def test_templates_among_the_channels_are_told_and_never_written() -> None:
    result = pro("rasa: {settings: {credentials: {slack: {slack_token: '{{ .Values.x }}', proxy: '${PROXY}'}}}}")

    token, proxy = (finding(result, f"rasa.settings.credentials.slack.{name}") for name in ("slack_token", "proxy"))
    assert token.outcome is Outcome.PARTLY
    assert "it is a template" in token.text
    assert proxy.outcome is Outcome.MAPPED
    assert result.secrets.contents == {}
    assert result.secrets.wanted == {"my-imported": ["credentials-slack-slack_token"]}


def test_open_source_from_the_chart_for_rasa_pro_has_no_licence() -> None:
    result = from_chart(
        named(SourceName.RASA_PRO),
        {
            "rasa": {
                "deployOSS": True,
                "image": {"repository": "rasa/rasa", "tag": "3.6.21-full"},
                "settings": {"endpoints": {"models": {"enabled": True, "url": "http://models/production"}}},
            }
        },
        (1, 3, 2),
    )

    assert server(result)["profile"] == "OpenSource"
    assert "license" not in environments(result)["development"]["rasa"]


def test_workers_are_a_field() -> None:
    result = pro("rasa: {additionalEnv: [{name: SANIC_WORKERS, value: 4}]}")

    assert "without SANIC_WORKERS" in finding(result, "rasa.additionalEnv").text


def test_servers_of_docker_compose_with_one_tag_become_environments_of_their_own() -> None:
    """So are production and worker in the vendor's file."""
    url = "http://rasa-x:5002/api/projects/default/models/tags/production"
    rasa_server = f"{{image: 'rasa/rasa:2.8.15-full', environment: {{RASA_MODEL_SERVER: '{url}'}}}}"

    result = from_compose(f"services: {{rasa-production: {rasa_server}, rasa-worker: {rasa_server}}}")

    assert {*environments(result)} == {"production", "worker"}
    told = finding(result, "services.rasa-worker.environment.RASA_MODEL_SERVER")
    assert told.outcome is Outcome.PARTLY
    assert "it follows the tag worker" in told.text


def test_a_second_server_of_a_name_gets_another_and_is_told() -> None:
    rasa_server = "{image: 'rasa/rasa:2.8.15-full', environment: {RASA_ENVIRONMENT: a}}"

    result = from_compose(f"services: {{one: {rasa_server}, two: {rasa_server}}}")

    assert {name: spec.get("environment", name) for name, spec in environments(result).items()} == {
        "a": "a",
        "a-2": "a-2",
    }
    assert finding(result, "services.two.environment.RASA_ENVIRONMENT").outcome is Outcome.BY_HAND


def test_an_image_that_is_built_is_told() -> None:
    result = from_compose("services: {bot: {build: ., environment: {RASA_ENVIRONMENT: a}}}")

    assert "push the image to a registry" in finding(result, "services.bot.build").text


def test_the_password_of_a_broker_that_is_left_out_is_left_out_too() -> None:
    result = from_compose(
        "services: {a: {image: 'rasa/rasa:2.8.15-full', environment: {RABBITMQ_PASSWORD: hunter1, RABBITMQ_QUEUE: q}}}"
    )

    assert result.secrets.contents == {}
    for name in ("RABBITMQ_PASSWORD", "RABBITMQ_QUEUE"):
        assert finding(result, f"services.a.environment.{name}").outcome is Outcome.BY_HAND


def test_services_that_are_no_mapping_are_told() -> None:
    with pytest.raises(UnrecognisedError):
        recognised(merged([("docker-compose.yml", "services: [a]")]).values, SOURCES, file="docker-compose.yml")
    assert from_compose("services: [a]").findings[0].outcome is not Outcome.MAPPED
