"""What the chart has to be monitored with; the alerts are run by Prometheus's own promtool."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.progress import silent
from local.promtool import PromtoolUnavailable, promtool
from rasa_environments.runtime import metrics
from tests.helm.rendering import RELEASE, render

ALERTS = f"{RELEASE}-alerts"
CONDITION = 'rasa_environments_condition{{kind="{kind}",namespace="bots",name="production",condition="{condition}"}}'
METRIC = re.compile(r"rasa_environments_[a-z_]+")


def test_prometheus_scrapes_every_operator_and_keeps_the_labels_of_the_metrics() -> None:
    release = render({"metrics": {"podMonitor": {"enabled": True, "labels": {"release": "prometheus"}}}})

    monitor = release.one("PodMonitor")
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    assert monitor["spec"]["selector"] == release.one("Deployment")["spec"]["selector"]
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert endpoint == {"port": "http", "path": "/metrics", "interval": "30s", "honorLabels": True}
    assert "annotations" not in release.one("Deployment")["spec"]["template"]["metadata"]


def test_without_a_monitor_annotations_say_where_the_metrics_are() -> None:
    assert render().one("Deployment")["spec"]["template"]["metadata"]["annotations"] == {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": "8080",
        "prometheus.io/path": "/metrics",
    }


def test_metrics_have_a_service() -> None:
    release = render()

    service = release.one("Service", f"{RELEASE}-metrics")
    assert service["spec"]["selector"] == release.one("Deployment")["spec"]["selector"]["matchLabels"]
    assert render({"metrics": {"service": {"enabled": False}}}).names("Service") == set()


def alerts(**rules: Any) -> list[dict[str, Any]]:
    """The alerts of a release."""
    made = render({"metrics": {"rules": {"enabled": True, **rules}}}).one("PrometheusRule", ALERTS)
    (group,) = made["spec"]["groups"]
    return list(group["rules"])


def test_every_alert_says_what_is_wrong_and_where_to_read_on() -> None:
    address = "https://docs.example/runbooks/{alert}.html"

    for alert in alerts(runbookUrl=address, alertLabels={"team": "bots"}):
        kebab_case = re.sub(r"(?<!^)(?=[A-Z])", "-", alert["alert"]).lower()
        assert alert["annotations"].keys() == {"summary", "description", "runbook_url"}
        assert alert["annotations"]["runbook_url"] == address.replace("{alert}", kebab_case)
        assert alert["labels"]["team"] == "bots"
        assert alert["labels"]["severity"] in {"critical", "warning"}


def test_the_same_alerts_are_a_file_where_there_is_no_prometheus_operator() -> None:
    release = render({"metrics": {"rules": {"enabled": True, "kind": "ConfigMap"}}})

    (text,) = release.one("ConfigMap", ALERTS)["data"].values()
    assert yaml.safe_load(text)["groups"][0]["rules"] == alerts()
    assert release.names("PrometheusRule") == set()


def test_the_dashboard_is_found_by_the_sidecar_of_grafana() -> None:
    found = render({"metrics": {"dashboard": {"enabled": True}}}).one("ConfigMap", f"{RELEASE}-dashboard")

    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    dashboard = json.loads(found["data"]["rasa-environments.json"])
    titles = [panel["title"] for panel in dashboard["panels"]]
    assert titles[:4] == [
        "DeploymentEnvironment: ready",
        "ModelTag: ready",
        "ModelServer: ready",
        "Conditions that are False",
    ]
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_alerts_and_dashboard_speak_of_metrics_that_there_are() -> None:
    release = render({"metrics": {"rules": {"enabled": True}, "dashboard": {"enabled": True}}})
    exported = set(METRIC.findall(Path(metrics.__file__).read_text()))
    exported |= {f"{name}_bucket" for name in exported}

    asked = {name for alert in alerts() for name in METRIC.findall(alert["expr"])}
    board = json.loads(release.one("ConfigMap", f"{RELEASE}-dashboard")["data"]["rasa-environments.json"])
    queries = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    asked |= {name for query in queries for name in METRIC.findall(query)}

    assert asked <= exported
    assert len(asked) == 4


def condition(kind: str, name: str, values: str) -> dict[str, str]:
    """A condition over time, a value each minute, in promtool's notation."""
    return {"series": CONDITION.format(kind=kind, condition=name), "values": values}


OBJECT = {"namespace": "bots", "name": "production"}
RUNS = {"series": "rasa_environments_queue_length", "values": "0x60"}
ENVIRONMENT = "DeploymentEnvironment"
CASES: list[tuple[str, list[dict[str, str]], str, dict[str, str] | None]] = [
    ("RasaEnvironmentNotReady", [condition(ENVIRONMENT, "Ready", "0x60")], "16m", OBJECT),
    ("RasaEnvironmentNotReady", [condition(ENVIRONMENT, "Ready", "0x60")], "14m", None),
    ("RasaEnvironmentNotReady", [condition(ENVIRONMENT, "Ready", "0x10 1x60")], "30m", None),
    ("RasaEnvironmentNotReady", [condition(ENVIRONMENT, "Ready", "-1x60")], "30m", None),
    ("RasaModelNotServed", [condition(ENVIRONMENT, "ModelServed", "0x60")], "16m", OBJECT),
    ("RasaModelNotServed", [condition(ENVIRONMENT, "ModelServed", "-1x60")], "30m", None),
    ("RasaModelTagNotReady", [condition("ModelTag", "Ready", "0x60")], "16m", OBJECT),
    ("RasaModelTagNotReady", [condition(ENVIRONMENT, "Ready", "0x60")], "16m", None),
    ("RasaModelServerNotReady", [condition("ModelServer", "Ready", "0x60")], "6m", OBJECT),
    ("RasaEnvironmentNotRegistered", [condition(ENVIRONMENT, "Registered", "0x60")], "16m", OBJECT),
    ("RasaEnvironmentNotRegistered", [condition(ENVIRONMENT, "Ready", "0x60")], "16m", None),
    ("RasaOperatorAbsent", [], "11m", {}),
    ("RasaOperatorAbsent", [RUNS], "30m", None),
    (
        "RasaOperatorReconcileErrors",
        [{"series": 'rasa_environments_reconcile_total{kind="ModelTag",result="error"}', "values": "0+1x60"}],
        "40m",
        {"kind": "ModelTag"},
    ),
    (
        "RasaOperatorReconcileErrors",
        [{"series": 'rasa_environments_reconcile_total{kind="ModelTag",result="retry"}', "values": "0+1x60"}],
        "40m",
        None,
    ),
    ("RasaOperatorQueueGrows", [{"series": RUNS["series"], "values": "20+2x60"}], "40m", {}),
    ("RasaOperatorQueueGrows", [{"series": RUNS["series"], "values": "60-1x60"}], "30m", None),
    ("RasaOperatorQueueGrows", [{"series": RUNS["series"], "values": "0+0x30 9 0x30"}], "32m", None),
]


@pytest.fixture(scope="module")
def program() -> Path:
    """Prometheus's tool for rules."""
    try:
        return promtool(silent)
    except PromtoolUnavailable as error:
        pytest.skip(str(error))


def test_alerts_ring_when_they_should_and_only_then(program: Path, tmp_path: Path) -> None:
    rules = {rule["alert"]: rule for rule in alerts()}
    assert rules.keys() == {name for name, _, _, _ in CASES}
    tests = []
    for name, series, time, labels in CASES:
        expected = []
        if labels is not None:
            expected = [
                {"exp_labels": {**labels, **rules[name]["labels"]}, "exp_annotations": _said(rules[name], labels)}
            ]
        tests.append(
            {
                "interval": "1m",
                "input_series": series,
                "alert_rule_test": [{"eval_time": time, "alertname": name, "exp_alerts": expected}],
            }
        )
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "rules", "rules": alerts()}]}))
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], "tests": tests}))

    ran = subprocess.run(
        [program, "test", "rules", "tests.yaml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr


def _said(rule: dict[str, Any], labels: dict[str, str]) -> dict[str, str]:
    """The annotations of an alert that rings for these labels."""
    filled = {}
    for key, text in rule["annotations"].items():
        said = text
        for label, value in labels.items():
            said = said.replace(f"{{{{ $labels.{label} }}}}", value)
        assert "{{" not in said
        filled[key] = said
    return filled
