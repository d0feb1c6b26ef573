"""Values for monitoring."""

from typing import Annotated, Literal

from pydantic import Field

from release.chart.base import Values

Duration = Annotated[str, Field(pattern="^([0-9]+(ms|s|m|h))+$")]


class MetricsService(Values):
    """Service for the operator's metrics and health."""

    enabled: bool = True
    """Whether to create it; `helm test` uses it."""
    annotations: dict[str, str] = Field(default_factory=dict)
    """Its annotations."""


class PodMonitor(Values):
    """PodMonitor for scraping by the Prometheus operator, whose CRDs must be installed."""

    enabled: bool = False
    """Whether to create it. Without it, the pods have the annotations `prometheus.io/scrape` and so on."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Labels by which Prometheus selects it, for example `release: kube-prometheus-stack`."""
    interval: Duration = "30s"
    """Scrape interval."""


class Rules(Values):
    """Alerts."""

    enabled: bool = False
    """Whether to install them."""
    kind: Literal["PrometheusRule", "ConfigMap"] = "PrometheusRule"
    """PrometheusRule for the Prometheus operator; ConfigMap holds the same as a file for other installations."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Labels by which Prometheus selects it."""
    runbook_url: Annotated[str, Field(pattern="^https?://")] = "https://rasa-environments.io/docs/runbooks/{alert}.html"
    """URL of the runbooks, if you serve the pages yourself; `{alert}` stands for the alert, as in
    rasa-environment-not-ready."""
    alert_labels: dict[str, str] = Field(default_factory=dict)
    """Additional labels of every alert, for example `team: bots`."""


class Dashboard(Values):
    """Grafana dashboard, in a ConfigMap for Grafana's sidecar."""

    enabled: bool = False
    """Whether to install it."""
    labels: dict[str, str] = Field(default_factory=lambda: {"grafana_dashboard": "1"})
    """Labels by which the sidecar selects it."""
    annotations: dict[str, str] = Field(default_factory=dict)
    """Annotations, for example `grafana_folder: Rasa`."""


class Metrics(Values):
    """Monitoring."""

    service: MetricsService = MetricsService()
    pod_monitor: PodMonitor = PodMonitor()
    rules: Rules = Rules()
    dashboard: Dashboard = Dashboard()
