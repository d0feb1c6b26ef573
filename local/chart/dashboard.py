"""The Grafana dashboard: what is ready, what is not, and how the operator keeps up."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from local.chart.base import JsonObject

KINDS = ("DeploymentEnvironment", "ModelTag", "ModelServer")
SOURCE = {"type": "prometheus", "uid": "${source}"}
CONDITION = 'max by (kind, namespace, name, condition) (rasa_environments_condition{namespace=~"$namespace"%s})'
WIDTH = 24
"""Columns of Grafana's grid."""


@dataclass(frozen=True)
class Query:
    """A query in PromQL, and what its lines are called; instant ones ask for now alone."""

    expression: str
    legend: str = ""
    instant: bool = False


def dashboard() -> str:
    """The dashboard as JSON, of Grafana's schema 39 (Grafana 10 and later)."""
    panels = [*_readiness(), _not_ready(), *_operator()]
    document = {
        "title": "Rasa environments",
        "uid": "rasa-environments",
        "tags": ["rasa"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [_source(), _namespace()]},
        "panels": [{"id": number, **panel} for number, panel in enumerate(panels, start=1)],
    }
    return json.dumps(document, indent=2) + "\n"


def _readiness() -> list[JsonObject]:
    """How many objects of each kind are ready, not ready, and not known to be either."""
    width = WIDTH // len(KINDS)
    return [
        _panel("stat", f"{kind}: ready", (place * width, 0, width, 5), _counts(kind))
        for place, kind in enumerate(KINDS)
    ]


def _counts(kind: str) -> list[Query]:
    ready = CONDITION % f', kind="{kind}", condition="Ready"'
    names = {1: "ready", 0: "not ready", -1: "unknown"}
    return [Query(f"count({ready} == {value}) or vector(0)", name, instant=True) for value, name in names.items()]


def _not_ready() -> JsonObject:
    """A table of every condition that is False, by object."""
    panel = _panel("table", "Conditions that are False", (0, 5, WIDTH, 9), [Query(f"{CONDITION % ''} == 0", "", True)])
    panel["targets"][0]["format"] = "table"
    shown = {"kind": 0, "namespace": 1, "name": 2, "condition": 3}
    hidden = {"Time": True, "Value": True}
    panel["transformations"] = [{"id": "organize", "options": {"excludeByName": hidden, "indexByName": shown}}]
    return panel


def _operator() -> list[JsonObject]:
    """What the operator does, how much of it goes wrong, how long it takes, and what waits."""
    total = "rasa_environments_reconcile_total"
    buckets = "sum by (kind, le) (rate(rasa_environments_reconcile_seconds_bucket[5m]))"
    half = WIDTH // 2
    return [
        _panel(
            "timeseries",
            "Passes per second",
            (0, 14, half, 8),
            [Query(f"sum by (kind) (rate({total}[5m]))", "{{kind}}")],
            "ops",
        ),
        _panel(
            "timeseries",
            "Passes per second that are tried again or break down",
            (half, 14, half, 8),
            [Query(f'sum by (kind, result) (rate({total}{{result!="done"}}[5m]))', "{{kind}} {{result}}")],
            "ops",
        ),
        _panel(
            "timeseries",
            "Duration of passes",
            (0, 22, half, 8),
            [Query(f"histogram_quantile({share}, {buckets})", f"{{{{kind}}}} {share:.0%}") for share in (0.5, 0.99)],
            "s",
        ),
        _panel(
            "timeseries",
            "Objects that wait for a pass",
            (half, 22, half, 8),
            [Query("max(rasa_environments_queue_length)", "waiting")],
        ),
    ]


def _panel(
    kind: str, title: str, place: tuple[int, int, int, int], queries: Sequence[Query], unit: str = "short"
) -> JsonObject:
    left, top, width, height = place
    return {
        "type": kind,
        "title": title,
        "datasource": SOURCE,
        "gridPos": {"x": left, "y": top, "w": width, "h": height},
        "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
        "targets": [_target(query, letter) for query, letter in zip(queries, "ABC", strict=False)],
    }


def _target(query: Query, letter: str) -> JsonObject:
    return {
        "refId": letter,
        "datasource": SOURCE,
        "expr": query.expression,
        "legendFormat": query.legend,
        "instant": query.instant,
        "range": not query.instant,
    }


def _source() -> JsonObject:
    return {"name": "source", "label": "Source", "type": "datasource", "query": "prometheus"}


def _namespace() -> JsonObject:
    query = "label_values(rasa_environments_condition, namespace)"
    return {
        "name": "namespace",
        "label": "Namespace",
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": query, "refId": "namespaces"},
        "definition": query,
        "includeAll": True,
        "multi": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
        "refresh": 2,
    }
