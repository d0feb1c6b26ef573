"""The action server of the chart rasa for Rasa Pro: the environment's own, if Rasa calls it."""

from __future__ import annotations

import pytest

from rasa_chart_import.findings import INCOMPLETE, Outcome
from rasa_chart_import.report import report
from rasa_chart_import.sources import Imported
from rasa_environments.api.base import JsonObject

from .cases import finding, secret_key
from .operated import operated, pod_of
from .test_rasa_pro import imported, spec

ON = "{enabled: true, image: {repository: registry.example.com/actions, tag: 1.4.0}}"
MODELS = "models: {url: 'http://models/models/production'}"


def calling(
    url: str, actions: str = ON, chart: tuple[int, ...] = (2, 4, 0), entry: str = "action_endpoint"
) -> Imported:
    """Return the result for a release whose Rasa calls a URL for actions."""
    return imported(
        f"rasa: {{settings: {{endpoints: {{{MODELS}, {entry}: {{url: '{url}'}}}}}}}}\nactionServer: {actions}", chart
    )


def own(actions: str = ON, chart: tuple[int, ...] = (2, 4, 0)) -> Imported:
    """Return the result for a release whose Rasa calls the chart's action server."""
    return calling("http://my-rasa-action-server:5055/webhook", actions, chart)


def action_server(result: Imported) -> JsonObject:
    """Return `actionServer` of the environment."""
    found: JsonObject = spec(result)["actionServer"]
    return found


def container(result: Imported) -> JsonObject:
    """Return the container of the action server in the partial pod template."""
    first: JsonObject = action_server(result)["podTemplate"]["spec"]["containers"][0]
    assert first["name"] == "actions"
    return first


@pytest.mark.parametrize(
    "url",
    [
        "http://my-rasa-action-server:5055/webhook",
        "http://my-rasa-action-server.bots:5055/webhook",
        "http://my-rasa-action-server.bots.svc:5055/webhook",
        "http://my-rasa-action-server.bots.svc.cluster.local:5055/webhook",
    ],
)
def test_the_environment_runs_the_action_server_that_rasa_calls(url: str) -> None:
    result = calling(url)

    assert action_server(result) == {"image": "registry.example.com/actions:1.4.0", "imagePullPolicy": "IfNotPresent"}
    assert "endpoints" not in spec(result)
    assert finding(result, "actionServer.enabled").outcome is Outcome.MAPPED
    assert finding(result, "rasa.settings.endpoints.action_endpoint.url").outcome is Outcome.MAPPED
    assert any("actionServer.enabled=false" in remark for remark in result.remarks)


@pytest.mark.parametrize(
    "url",
    [
        "http://actions.example.com/webhook",
        "http://my-rasa-action-server.other.svc:5055/webhook",
        "http://my-rasa-action-server:5055/actions",
        "https://my-rasa-action-server:5055/webhook",
        "http://my-rasa-action-server/webhook",
        "${ACTIONS}",
        "/webhook",
        "http://[",
    ],
)
def test_an_action_server_that_rasa_does_not_call_goes_on_from_the_chart(url: str) -> None:
    result = calling(url)

    assert "actionServer" not in spec(result)
    assert spec(result)["endpoints"] == {"action_endpoint": {"url": url}}
    told = finding(result, "actionServer.image.tag")
    assert told.outcome is Outcome.NOT_NEEDED
    assert "goes on from the chart: action_endpoint leads elsewhere" in told.text
    assert not any("actionServer.enabled=false" in remark for remark in result.remarks)


def test_an_action_server_stays_with_the_chart_if_the_endpoint_has_more_than_a_url() -> None:
    result = imported(f"""
        rasa:
          settings:
            endpoints: {{action_endpoint: {{url: "http://my-rasa-action-server:5055/webhook", token: a}}}}
        actionServer: {ON}
        """)

    assert "actionServer" not in spec(result)
    assert spec(result)["endpoints"]["action_endpoint"]["token"] == secret_key(
        "my-imported", "endpoints-action_endpoint-token"
    )


def test_an_action_server_without_an_endpoint_goes_on_from_the_chart() -> None:
    result = imported(f"actionServer: {ON}")

    assert "actionServer" not in spec(result)
    assert "has no action_endpoint" in finding(result, "actionServer.enabled").text


def test_an_action_server_that_the_chart_does_not_run_is_not_made() -> None:
    result = own("{image: {repository: registry.example.com/actions, tag: 1.4.0}}")

    assert "actionServer" not in spec(result)
    assert spec(result)["endpoints"] == {"action_endpoint": {"url": "http://my-rasa-action-server:5055/webhook"}}
    assert "actionServer.enabled is false" in finding(result, "actionServer.image.tag").text


def test_an_environment_with_a_long_name_leaves_the_action_server_with_the_chart() -> None:
    result = imported(f"""
        rasa:
          settings:
            environment: {"a" * 56}
            endpoints: {{action_endpoint: {{url: "http://my-rasa-action-server:5055/webhook"}}}}
        actionServer: {ON}
        """)

    assert "actionServer" not in spec(result)
    assert "at most 55 characters" in finding(result, "actionServer.enabled").text


def test_without_a_rasa_server_the_action_server_goes_on_from_the_chart() -> None:
    result = imported(f"rasa: {{enabled: false}}\nactionServer: {ON}")

    assert finding(result, "actionServer.image.tag").outcome is Outcome.NOT_NEEDED


def test_another_port_than_that_of_the_service_is_named() -> None:
    result = calling("http://my-rasa-action-server:5056/webhook", "{enabled: true, service: {port: 5055}}")

    assert "actionServer" not in spec(result)
    assert finding(result, "actionServer.service.port").outcome is Outcome.BY_HAND


def test_the_full_name_of_the_release_decides_which_service_is_its_own() -> None:
    text = f"""
        fullnameOverride: bot
        rasa: {{settings: {{endpoints: {{action_endpoint: {{url: "http://NAME-action-server:5055/webhook"}}}}}}}}
        actionServer: {ON}
        """

    called, missed = imported(text.replace("NAME", "bot")), imported(text.replace("NAME", "my-rasa"))

    assert "actionServer" in spec(called)
    assert finding(called, "fullnameOverride").outcome is Outcome.MAPPED
    assert "actionServer" not in spec(missed)
    assert finding(missed, "fullnameOverride").outcome is Outcome.BY_HAND


def test_before_1_1_0_the_service_has_the_same_name_in_each_release() -> None:
    assert "actionServer" in spec(calling("http://action-server:5055/webhook", ON, (1, 0, 9), "actionEndpoint"))
    assert "actionServer" not in spec(calling("http://action-server:5055/webhook", ON, (1, 1, 0), "actionEndpoint"))


def test_the_files_before_2_0_have_the_endpoint_under_a_name_of_their_own() -> None:
    result = calling("http://my-rasa-action-server:5055/webhook", ON, (1, 3, 2), "actionEndpoint")

    assert "actionServer" in spec(result)
    assert "action_endpoint" not in (spec(result).get("endpoints") or {})


def test_an_image_that_the_chart_assumes_is_named() -> None:
    result = own("{enabled: true}")

    assert action_server(result)["image"] == "rasa/rasa-sdk:3.17.0-latest"
    assert result.assumed["actionServer", "image", "tag"] == "3.17.0-latest"
    assert any("no image of the action server" in remark for remark in result.remarks)


def test_how_the_chart_runs_it_is_carried_over() -> None:
    result = own("""
      enabled: true
      replicaCount: 3
      resources: {limits: {memory: 256Mi}}
      service: {port: 5055, targetPort: 8080}
      serviceAccount: {annotations: {role: reader}}
      podAnnotations: {scrape: "true"}
      podSecurityContext: {enabled: true, fsGroup: 1001}
      containerSecurityContext: {enabled: true, readOnlyRootFilesystem: false}
      nodeSelector: {pool: bots}
      tolerations: [{key: bots, operator: Exists}]
      affinity: {podAntiAffinity: {}}
      envFrom: [{configMapRef: {name: crm}}]
      volumes: [{name: data, emptyDir: {}}]
      volumeMounts: [{name: data, mountPath: /data}]
      initContainers: [{name: first, image: busybox}]
      additionalContainers: [{name: beside, image: busybox}]
      args: [start, --debug]
    """)

    made = action_server(result)
    assert (made["replicas"], made["port"], made["resources"]) == (3, 8080, {"limits": {"memory": "256Mi"}})
    assert made["serviceAccount"] == {"annotations": {"role": "reader"}}
    assert made["podTemplate"]["metadata"] == {"annotations": {"scrape": "true"}}
    pod = made["podTemplate"]["spec"]
    assert pod["nodeSelector"] == {"pool": "bots"}
    assert pod["tolerations"] == [{"key": "bots", "operator": "Exists"}]
    assert pod["securityContext"] == {"fsGroup": 1001}
    assert pod["volumes"] == [{"name": "data", "emptyDir": {}}]
    assert [each["name"] for each in (*pod["initContainers"], *pod["containers"])] == ["first", "actions", "beside"]
    assert container(result) == {
        "name": "actions",
        "envFrom": [{"configMapRef": {"name": "crm"}}],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        "securityContext": {"readOnlyRootFilesystem": False},
        "args": ["start", "--debug"],
    }


def test_values_for_all_pods_of_the_chart_are_for_both_servers() -> None:
    result = imported(f"""
        imagePullSecrets: [{{name: registry}}]
        podLabels: {{team: bots}}
        hostAliases: [{{ip: 10.0.0.1, hostnames: [crm]}}]
        dnsPolicy: Default
        rasa: {{settings: {{endpoints: {{action_endpoint: {{url: "http://my-rasa-action-server:5055/webhook"}}}}}}}}
        actionServer: {ON}
        """)

    assert (
        action_server(result)["imagePullSecrets"] == spec(result)["rasa"]["imagePullSecrets"] == [{"name": "registry"}]
    )
    assert action_server(result)["podTemplate"] == spec(result)["podTemplate"]
    assert action_server(result)["podTemplate"]["spec"]["dnsPolicy"] == "Default"


def test_the_probes_of_another_path_hold_for_the_start_too() -> None:
    result = own("{enabled: true, readinessProbe: {enabled: true, httpGet: {path: /up}, periodSeconds: 20}}")

    assert container(result)["readinessProbe"] == {"httpGet": {"path": "/up"}, "periodSeconds": 20}
    assert container(result)["startupProbe"] == {"httpGet": {"path": "/up"}}


@pytest.mark.parametrize(
    ("probe", "path"),
    [
        ("{enabled: false}", "enabled"),
        ("{exec: {command: [a]}}", "exec.command"),
        ("{httpGet: {path: /up, httpHeaders: [{name: a, value: hunter2}]}}", "httpGet.httpHeaders"),
    ],
)
def test_a_probe_that_does_not_fit_the_operator_s_is_left_to_do(probe: str, path: str) -> None:
    result = own(f"{{enabled: true, livenessProbe: {probe}}}")

    assert finding(result, f"actionServer.livenessProbe.{path}").outcome in INCOMPLETE
    assert "hunter2" not in str(result.resources)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("strategy: {type: Recreate}", "strategy.type"),
        ("ingress: {enabled: true}", "ingress.enabled"),
        ("service: {type: NodePort}", "service.type"),
        ("serviceAccount: {name: other}", "serviceAccount.name"),
        ("autoscaling: {enabled: true}", "autoscaling.enabled"),
        ("replicaCount: 0", "replicaCount"),
        ("image: {tag: 'not a tag'}", "image.tag"),
    ],
)
def test_what_has_no_place_is_left_to_do(value: str, path: str) -> None:
    result = own(f"{{enabled: true, {value}}}")

    assert finding(result, f"actionServer.{path}").outcome is Outcome.BY_HAND


def test_autoscaling_leaves_the_smallest_number() -> None:
    result = own("{enabled: true, replicaCount: 7, autoscaling: {enabled: true, minReplicas: 2, maxReplicas: 9}}")

    assert action_server(result)["replicas"] == 2
    assert finding(result, "actionServer.autoscaling.maxReplicas").outcome is Outcome.BY_HAND


def test_its_secrets_are_references_and_are_not_printed() -> None:
    result = own("""
      enabled: true
      additionalEnv:
        - {name: CRM_PASSWORD, value: hunter2}
        - {name: CRM_URL, value: "http://crm"}
      args: [start, --token=hunter2]
      initContainers: [{name: first, image: busybox, env: [{name: API_KEY, value: hunter2}]}]
    """)

    assert container(result)["env"] == [
        {"name": "ARGS_1", "valueFrom": secret_key("my-imported", "actionServer-ARGS_1")},
        {"name": "CRM_PASSWORD", "valueFrom": secret_key("my-imported", "actionServer-additionalEnv-CRM_PASSWORD")},
        {"name": "CRM_URL", "value": "http://crm"},
    ]
    assert container(result)["args"] == ["start", "$(ARGS_1)"]
    printed = str(result.resources) + report(result, {}, with_secrets=False)
    assert "hunter2" not in printed
    assert "CRM_PASSWORD from Secret my-imported" in finding(result, "actionServer.additionalEnv").text


def test_the_operator_runs_the_action_server_of_the_chart() -> None:
    result = own("""
      enabled: true
      image: {repository: registry.example.com/actions, tag: 1.4.0}
      additionalEnv: [{name: CRM_PASSWORD, value: hunter2}]
      livenessProbe: {enabled: true, httpGet: {path: /up, port: 5055}}
      additionalContainers: [{name: beside, image: busybox}]
    """)

    made = operated(result)["development-actions"]
    first, beside = pod_of(made)["spec"]["containers"]
    assert (first["image"], beside["name"]) == ("registry.example.com/actions:1.4.0", "beside")
    assert first["livenessProbe"]["httpGet"] == {"path": "/up", "port": 5055}
    assert {
        "name": "CRM_PASSWORD",
        "valueFrom": secret_key("my-imported", "actionServer-additionalEnv-CRM_PASSWORD"),
    } in first["env"]
