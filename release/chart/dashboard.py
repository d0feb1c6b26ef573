"""The Grafana dashboard: what production serves and since when, what is not ready, and how the operator performs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from release.chart.base import JsonObject

KINDS = ("DeploymentEnvironment", "ModelTag", "ModelServer")
SOURCE = {"type": "prometheus", "uid": "${source}"}
CONDITION = 'max by (kind, namespace, name, condition) (rasa_environments_condition{namespace=~"$namespace"%s})'
OF_NAMESPACE = '{namespace=~"$namespace"}'
PRODUCTION = '{namespace=~"$namespace", environment="production"}'
SINCE = "rasa_environments_model_served_since_timestamp_seconds"
MODELS = "rasa_environments_model_info"
ANSWER_AGE = "rasa_environments_served_answer_age_seconds"
WIDTH = 24
"""Columns of Grafana's grid."""


@dataclass(frozen=True)
class Query:
    """A query in PromQL, and the legend of its series; an instant one queries the present only."""

    expression: str
    legend: str = ""
    instant: bool = False


def dashboard() -> str:
    """Return the dashboard as JSON, in Grafana's schema 39 (Grafana 10 and later)."""
    panels = [*_production(), *_readiness(), _models(), _not_ready(), *_over_time(), *_operator()]
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


def _production() -> list[JsonObject]:
    """Return what production serves, since when, and what it should serve."""
    third = WIDTH // 3
    by = "max by (namespace, name)"
    since = f"{by} ({SINCE}{OF_NAMESPACE}) * on (namespace, name) {by} ({MODELS}{PRODUCTION})"
    return [
        _named_stat("Production serves", 0, f"max by (namespace, served) ({MODELS}{PRODUCTION})", "{{served}}"),
        _panel(
            "stat",
            "Production has served it since",
            (third, 0, third, 4),
            [Query(f"max by (namespace) ({since}) * 1000", "{{namespace}}", instant=True)],
            "dateTimeFromNow",
        ),
        _named_stat(
            "Production should serve", 2 * third, f"max by (namespace, desired) ({MODELS}{PRODUCTION})", "{{desired}}"
        ),
    ]


def _named_stat(title: str, left: int, expression: str, legend: str) -> JsonObject:
    """Return a panel with a label of a series in large letters."""
    panel = _panel("stat", title, (left, 0, WIDTH // 3, 4), [Query(expression, legend, instant=True)])
    return {**panel, "options": {"textMode": "name", "graphMode": "none", "colorMode": "none"}}


def _readiness() -> list[JsonObject]:
    """Return the numbers of objects of each kind that are ready, not ready, or unknown."""
    width = WIDTH // len(KINDS)
    return [
        _panel("stat", f"{kind}: ready", (place * width, 4, width, 5), _counts(kind))
        for place, kind in enumerate(KINDS)
    ]


def _counts(kind: str) -> list[Query]:
    ready = CONDITION % f', kind="{kind}", condition="Ready"'
    names = {1: "ready", 0: "not ready", -1: "unknown"}
    return [Query(f"count({ready} == {value}) or vector(0)", name, instant=True) for value, name in names.items()]


def _models() -> JsonObject:
    """Return a table of what each environment should serve and serves, since when, and the last answer's age."""
    is_served = CONDITION % ', kind="DeploymentEnvironment", condition="ModelServed"'
    queries = [
        f"max by (namespace, name, tag, desired, served) ({MODELS}{OF_NAMESPACE})",
        f"max by (namespace, name) ({is_served})",
        f"max by (namespace, name) ({SINCE}{OF_NAMESPACE}) * 1000",
        f"min by (namespace, name) ({ANSWER_AGE}{OF_NAMESPACE})",
    ]
    panel = _panel("table", "Models", (0, 9, WIDTH, 9), [Query(query, instant=True) for query in queries])
    for target in panel["targets"]:
        target["format"] = "table"
    columns = {"Value #B": "as desired", "Value #C": "since", "Value #D": "last answer"}
    order = ["namespace", "name", "tag", "desired", "served", *columns]
    panel["transformations"] = [
        {"id": "merge", "options": {}},
        {
            "id": "organize",
            "options": {
                "excludeByName": {"Time": True, "Value #A": True},
                "indexByName": {name: place for place, name in enumerate(order)},
                "renameByName": columns,
            },
        },
    ]
    truth = {"1": {"text": "yes"}, "0": {"text": "no"}, "-1": {"text": "not known"}}
    panel["fieldConfig"]["overrides"] = [
        _override("as desired", "mappings", [{"type": "value", "options": truth}]),
        _override("since", "unit", "dateTimeAsIso"),
        _override("last answer", "unit", "s"),
    ]
    return panel


def _override(column: str, key: str, value: object) -> JsonObject:
    return {"matcher": {"id": "byName", "options": column}, "properties": [{"id": key, "value": value}]}


def _not_ready() -> JsonObject:
    """Return a table of every condition that is False, by object."""
    panel = _panel("table", "Conditions that are False", (0, 18, WIDTH, 9), [Query(f"{CONDITION % ''} == 0", "", True)])
    panel["targets"][0]["format"] = "table"
    shown = {"kind": 0, "namespace": 1, "name": 2, "condition": 3}
    hidden = {"Time": True, "Value": True}
    panel["transformations"] = [{"id": "organize", "options": {"excludeByName": hidden, "indexByName": shown}}]
    return panel


def _over_time() -> list[JsonObject]:
    """Return panels for promotions, and for the ages of the last answers."""
    half = WIDTH // 2
    return [
        _panel(
            "timeseries",
            "Promotions in an hour",
            (0, 27, half, 8),
            [
                Query("sum by (result) (increase(rasa_environments_promotions_total[1h]))", "{{result}}"),
                Query("sum(increase(rasa_environments_tag_drift_total[1h]))", "put back after somebody moved the tag"),
            ],
        ),
        _panel(
            "timeseries",
            "Age of the last answer of an environment",
            (half, 27, half, 8),
            [Query(f"min by (namespace, name) ({ANSWER_AGE}{OF_NAMESPACE})", "{{namespace}}/{{name}}")],
            "s",
        ),
    ]


def _operator() -> list[JsonObject]:
    """Return panels for the operator: reconciliations, failures, durations, queue and watches."""
    total = "rasa_environments_reconcile_total"
    buckets = "sum by (kind, le) (rate(rasa_environments_reconcile_seconds_bucket[5m]))"
    plots = [
        ("Passes per second", [Query(f"sum by (kind) (rate({total}[5m]))", "{{kind}}")], "ops"),
        (
            "Passes per second that are tried again or break down",
            [Query(f'sum by (kind, result) (rate({total}{{result!="done"}}[5m]))', "{{kind}} {{result}}")],
            "ops",
        ),
        (
            "Duration of reconciliations",
            [Query(f"histogram_quantile({share}, {buckets})", f"{{{{kind}}}} {share:.0%}") for share in (0.5, 0.99)],
            "s",
        ),
        ("Objects that wait to be reconciled", [Query("max(rasa_environments_queue_length)", "waiting")], "short"),
        ("How long the first has waited", [Query("max(rasa_environments_queue_oldest_age_seconds)", "oldest")], "s"),
        (
            "Since the API server was last heard of a kind",
            [Query("max by (kind) (rasa_environments_watch_age_seconds)", "{{kind}}")],
            "s",
        ),
    ]
    half = WIDTH // 2
    return [
        _panel("timeseries", title, (place % 2 * half, 35 + place // 2 * 8, half, 8), queries, unit)
        for place, (title, queries, unit) in enumerate(plots)
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
        "targets": [_target(query, letter) for query, letter in zip(queries, "ABCD", strict=False)],
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
