"""Values of what is monitored."""

from typing import Annotated, Literal

from pydantic import Field

from release.chart.base import Values

Duration = Annotated[str, Field(pattern="^([0-9]+(ms|s|m|h))+$")]


class MetricsService(Values):
    """A Service for the operator's metrics and health."""

    enabled: bool = True
    """Whether there is one; `helm test` asks it."""
    annotations: dict[str, str] = Field(default_factory=dict)
    """Its annotations."""


class PodMonitor(Values):
    """Has the Prometheus operator scrape the metrics; needs its definitions in the cluster."""

    enabled: bool = False
    """Whether there is one. Without it, the pods have the annotations `prometheus.io/scrape` and so on."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Labels by which Prometheus chooses it, for example `release: kube-prometheus-stack`."""
    interval: Duration = "30s"
    """How often the metrics are read."""


class Rules(Values):
    """The alerts."""

    enabled: bool = False
    """Whether to install them."""
    kind: Literal["PrometheusRule", "ConfigMap"] = "PrometheusRule"
    """PrometheusRule for the Prometheus operator; ConfigMap holds the same as a file for other installations."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Labels by which Prometheus chooses it."""
    runbook_url: Annotated[str, Field(pattern="^https?://")] = "https://rasa-environments.io/docs/runbooks/{alert}.html"
    """Address of the runbooks, to set where you serve the pages yourself; `{alert}` stands for the alert, as in
    rasa-environment-not-ready."""
    alert_labels: dict[str, str] = Field(default_factory=dict)
    """More labels of every alert, for example `team: bots`."""


class Dashboard(Values):
    """The Grafana dashboard, in a ConfigMap that Grafana's sidecar finds."""

    enabled: bool = False
    """Whether to install it."""
    labels: dict[str, str] = Field(default_factory=lambda: {"grafana_dashboard": "1"})
    """Labels by which the sidecar chooses it."""
    annotations: dict[str, str] = Field(default_factory=dict)
    """Annotations, for example `grafana_folder: Rasa`."""


class Metrics(Values):
    """What is monitored."""

    service: MetricsService = MetricsService()
    pod_monitor: PodMonitor = PodMonitor()
    rules: Rules = Rules()
    dashboard: Dashboard = Dashboard()
