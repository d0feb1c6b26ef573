"""Monitoring in the chart; Prometheus's own promtool runs the alerts."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from local.installation import ROOT
from local.progress import silent
from local.promtool import PromtoolUnavailableError, promtool
from rasa_environments.runtime import metrics, object_metrics
from tests.helm.rendering import RELEASE, Rendered, render

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


def test_runbooks_have_absolute_addresses_by_default_and_a_page_each() -> None:
    for alert in alerts():
        address = urlsplit(alert["annotations"]["runbook_url"])
        assert (address.scheme, address.netloc) == ("https", "rasa-environments.io")
        assert (ROOT / address.path.removeprefix("/")).with_suffix(".md").is_file()


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
    assert titles[:8] == [
        "Production serves",
        "Production has served it since",
        "Production should serve",
        "DeploymentEnvironment: ready",
        "ModelTag: ready",
        "ModelServer: ready",
        "Models",
        "Conditions that are False",
    ]
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def queries(release: Rendered) -> list[str]:
    """Return the queries of the dashboard's panels."""
    board = json.loads(release.one("ConfigMap", f"{RELEASE}-dashboard")["data"]["rasa-environments.json"])
    return [target["expr"] for panel in board["panels"] for target in panel["targets"]]


def test_alerts_and_dashboard_speak_of_metrics_that_there_are() -> None:
    release = render({"metrics": {"rules": {"enabled": True}, "dashboard": {"enabled": True}}})
    sources = inspect.getsource(metrics) + inspect.getsource(object_metrics)
    exported = set(METRIC.findall(sources))
    exported |= {f"{name}_{suffix}" for name in exported for suffix in ("bucket", "total")}

    asked = {name for alert in alerts() for name in METRIC.findall(alert["expr"])}
    asked |= {name for query in queries(release) for name in METRIC.findall(query)}

    assert asked <= exported
    assert len(asked) == 12


def condition(kind: str, name: str, values: str) -> dict[str, str]:
    """A condition over time, a value each minute, in promtool's notation."""
    return {"series": CONDITION.format(kind=kind, condition=name), "values": values}


OBJECT = {"namespace": "bots", "name": "production"}
RUNS = {"series": "rasa_environments_queue_length", "values": "0x60"}
OLDEST = "rasa_environments_queue_oldest_age_seconds"
AGE = 'rasa_environments_watch_age_seconds{kind="modeltags"}'
MODELS = 'rasa_environments_model_info{namespace="bots",name="production",desired="%s",served="old"}'
WANTED, UNWANTED = ({"series": MODELS % model, "values": "1x60"} for model in ("new", ""))
LICENSE = 'rasa_environments_license_expiry_timestamp_seconds{namespace="bots",name="production"}'
ENVIRONMENT = "DeploymentEnvironment"
CASES: list[tuple[str, list[dict[str, str]], str, dict[str, str] | None]] = [
    ("RasaEnvironmentNotReady", [condition(ENVIRONMENT, "Ready", "0x60")], "16m", OBJECT),
    ("RasaEnvironmentNotReady", [condition(ENVIRONMENT, "Ready", "0x60")], "14m", None),
    ("RasaEnvironmentNotReady", [condition(ENVIRONMENT, "Ready", "0x10 1x60")], "30m", None),
    ("RasaEnvironmentNotReady", [condition(ENVIRONMENT, "Ready", "-1x60")], "30m", None),
    ("RasaModelNotServed", [condition(ENVIRONMENT, "ModelServed", "0x60")], "16m", OBJECT),
    ("RasaModelNotServed", [condition(ENVIRONMENT, "ModelServed", "-1x60")], "30m", None),
    ("RasaServedModelUnknown", [WANTED, condition(ENVIRONMENT, "ModelServed", "-1x60")], "16m", OBJECT),
    ("RasaServedModelUnknown", [WANTED, condition(ENVIRONMENT, "ModelServed", "-1x60")], "14m", None),
    ("RasaServedModelUnknown", [WANTED, condition(ENVIRONMENT, "ModelServed", "-1x10 1x60")], "30m", None),
    ("RasaServedModelUnknown", [WANTED, condition(ENVIRONMENT, "ModelServed", "0x60")], "30m", None),
    ("RasaServedModelUnknown", [UNWANTED, condition(ENVIRONMENT, "ModelServed", "-1x60")], "30m", None),
    (
        "RasaServedModelUnknown",
        [WANTED, condition(ENVIRONMENT, "ModelServed", "-1x60"), condition(ENVIRONMENT, "Ready", "0x60")],
        "30m",
        None,
    ),
    (
        "RasaServedModelUnknown",
        [WANTED, condition(ENVIRONMENT, "ModelServed", "-1x60"), condition(ENVIRONMENT, "Ready", "-1x60")],
        "16m",
        OBJECT,
    ),
    ("RasaModelTagNotReady", [condition("ModelTag", "Ready", "0x60")], "16m", OBJECT),
    (
        "RasaModelTagNotReady",
        [condition("ModelTag", "Ready", "0x60"), condition("ModelTag", "Tagged", "1x60")],
        "16m",
        OBJECT,
    ),
    (
        "RasaModelTagNotReady",
        [condition("ModelTag", "Ready", "0x60"), condition("ModelTag", "Tagged", "-1x60")],
        "30m",
        None,
    ),
    ("RasaModelTagNotReady", [condition(ENVIRONMENT, "Ready", "0x60")], "16m", None),
    ("RasaModelServerNotReady", [condition("ModelServer", "Ready", "0x60")], "6m", OBJECT),
    ("RasaModelServerNotReady", [condition("ModelServer", "Ready", "-1x60")], "6m", OBJECT),
    ("RasaModelServerNotReady", [condition("ModelServer", "Ready", "1x60")], "30m", None),
    ("RasaEnvironmentNotRegistered", [condition(ENVIRONMENT, "Registered", "0x60")], "16m", OBJECT),
    ("RasaEnvironmentNotRegistered", [condition(ENVIRONMENT, "Ready", "0x60")], "16m", None),
    ("RasaLicenseExpiring", [{"series": LICENSE, "values": f"{30 * 86400}x60"}], "16m", OBJECT),
    ("RasaLicenseExpiring", [{"series": LICENSE, "values": "0x60"}], "16m", OBJECT),
    ("RasaLicenseExpiring", [{"series": LICENSE, "values": f"{31 * 86400}x60"}], "30m", None),
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
    ("RasaOperatorQueueGrows", [{"series": OLDEST, "values": "70+2x60"}], "6m", {}),
    ("RasaOperatorQueueGrows", [{"series": OLDEST, "values": "50x60"}], "30m", None),
    ("RasaOperatorQueueGrows", [{"series": OLDEST, "values": "0x29 90 90 0x30"}], "31m", None),
    ("RasaOperatorBlind", [{"series": AGE, "values": "121x60"}], "6m", {"kind": "modeltags"}),
    ("RasaOperatorBlind", [{"series": AGE, "values": "57x60"}], "30m", None),
]


@pytest.fixture(scope="module")
def program() -> Path:
    """Prometheus's tool for rules."""
    try:
        return promtool(silent)
    except PromtoolUnavailableError as error:
        pytest.skip(str(error))


def test_prometheus_understands_each_query_of_the_dashboard(program: Path, tmp_path: Path) -> None:
    asked = queries(render({"metrics": {"dashboard": {"enabled": True}}}))
    rules = [
        {"record": f"query:{number}", "expr": query.replace("$namespace", ".*")} for number, query in enumerate(asked)
    ]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))

    ran = subprocess.run(
        [program, "check", "rules", "rules.yaml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr


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
