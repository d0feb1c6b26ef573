"""A value is only reported as carried over if the output has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rasa_chart_import.all_sources import SOURCES
from rasa_chart_import.findings import INCOMPLETE, Finding, Outcome, Path, is_empty, path_of
from rasa_chart_import.reader import at
from rasa_chart_import.sources import Imported, SourceName
from rasa_chart_import.tracing import text_of

from .cases import RASA_X, finding, from_chart, from_yaml, named

BASES: Mapping[SourceName, list[dict[str, Any]]] = {
    SourceName.RASA_X: [
        {"rasa": {"versions": {"rasaProduction": {"enabled": True}}}},
        {
            "rasa": {"version": "3.6.21", "versions": {"rasaProduction": {"enabled": True}}},
            "rabbitmq": {"install": False, "existingHost": "rabbit", "auth": {"existingPasswordSecret": "a"}},
            "postgresql": {"install": False, "existingHost": "pg"},
            "global": {"postgresql": {"existingSecret": "b"}},
            "redis": {"install": False, "existingHost": "redis"},
            "nginx": {"enabled": False},
            "ingress": {"enabled": True, "hosts": [{"host": "a.example.com"}]},
            "networkPolicy": {"enabled": True},
        },
    ],
    SourceName.RASA: [
        {"applicationSettings": {"endpoints": {"models": {"enabled": True, "url": "http://models/a"}}}},
        {
            "applicationSettings": {
                "endpoints": {"lockStore": {"enabled": True}, "eventBroker": {"enabled": True}},
                "rasaX": {"enabled": True, "url": "http://rasa-x:5002"},
            },
            "postgresql": {"install": False, "external": {"enabled": True}},
            "redis": {"install": True},
            "rabbitmq": {"install": False, "external": {"enabled": True}},
            "ingress": {"enabled": True, "hostname": "a.example.com"},
            "autoscaling": {"enabled": True},
            "duckling": {"install": True},
            "rasa-action-server": {"install": True},
        },
    ],
    SourceName.RASA_PRO: [
        {"rasa": {"settings": {"endpoints": {"models": {"url": "http://models/models/a"}}}}},
        {
            "rasa": {
                "ingress": {"enabled": True, "hosts": [{"host": "a.example.com", "paths": [{"path": "/webhooks"}]}]},
                "autoscaling": {"enabled": True},
                "service": {"type": "NodePort"},
            },
            "duckling": {"enabled": True},
        },
        {
            "rasa": {
                "settings": {
                    "endpoints": {"action_endpoint": {"url": "http://my-rasa-action-server.bots.svc:5055/webhook"}}
                }
            },
            "actionServer": {"enabled": True},
        },
        {
            "rasa": {"settings": {"endpoints": {"action_endpoint": {"url": "http://elsewhere:5055/webhook"}}}},
            "actionServer": {"enabled": True},
        },
    ],
    SourceName.COMPOSE: [
        {
            "services": {
                "rasa-staging": {
                    "image": "rasa/rasa:3.6.21-full",
                    "environment": {"DB_HOST": "db", "RABBITMQ_HOST": "rabbit", "REDIS_HOST": "redis"},
                }
            }
        }
    ],
}
"""Values around the one that is changed, by source: each with other parts in use."""
NAMES = {SourceName.COMPOSE: "rasa-staging", SourceName.RASA_X: "rasaProduction"}
VALUES = (
    st.booleans()
    | st.integers(0, 60000)
    | st.sampled_from(
        ["abc", "other-name", "http://host/path", "host.example.com", "Always", "3.6.21", "info", "*", "/a"]
    )
    | st.lists(st.sampled_from(["one", "--flag", "two"]), min_size=1, max_size=2, unique=True)
    | st.fixed_dictionaries({"name": st.sampled_from(["a", "b"]), "value": st.just("v")}).map(lambda item: [item])
    | st.fixed_dictionaries({"name": st.just("a"), "mountPath": st.just("/a")}).map(lambda item: [item])
    | st.dictionaries(st.sampled_from(["a", "b", "fsGroup", "memory"]), st.integers(1, 9) | st.just("c"), min_size=1)
)


def with_value(values: Mapping[str, Any], path: Path, value: object) -> dict[str, Any]:
    """Return the values with one of them set."""
    key, rest = path[0], path[1:]
    inner = values.get(key)
    return {**values, key: with_value(inner if isinstance(inner, dict) else {}, rest, value) if rest else value}


def without(values: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return the values without one of them."""
    key, rest = path[0], path[1:]
    if not rest:
        return {name: inner for name, inner in values.items() if name != key}
    return {**values, key: without(values[key], rest)}


def output(result: Imported) -> str:
    """Return all that is written, with the Secrets."""
    return text_of([*result.resources, result.secrets.contents, result.secrets.wanted])


def findings_of(result: Imported, path: Path) -> list[Finding]:
    """Return what is told of a value, or of what is in it."""
    return [each for each in result.findings if each.path[: len(path)] == path]


@st.composite
def changes(draw: st.DrawFn, values: st.SearchStrategy[Any] = VALUES) -> tuple[SourceName, dict[str, Any], Path]:
    """Generate a file of a source in which one value is set."""
    source = draw(st.sampled_from(SOURCES))
    base = draw(st.sampled_from(BASES[source.name]))
    pattern, _ = draw(st.sampled_from(source.table.patterns))
    path = tuple(NAMES[source.name] if key == "*" else key for key in pattern)
    return source.name, with_value(base, path, draw(values)), path


@settings(deadline=None)
@given(changes())
def test_one_value_is_in_the_output_or_reported_as_not_carried_over(
    change: tuple[SourceName, dict[str, Any], Path],
) -> None:
    name, values, path = change
    source = named(name)

    result = from_chart(source, values)
    rest = from_chart(source, without(values, path))

    told = findings_of(result, path)
    assert told
    carried_over = [each for each in told if each.outcome is Outcome.MAPPED]
    if carried_over and all(each.outcome is Outcome.MAPPED for each in told):
        others = [from_chart(source, with_value(values, each.path, other)) for each in carried_over for other in OTHERS]
        assert output(result) != output(rest) or any(output(other) != output(result) for other in others)
    if all(each.outcome is Outcome.NOT_NEEDED for each in told) and not switches(at(values, path)):
        assert output(result) == output(rest)


OTHERS: tuple[object, ...] = (True, False, 1, 2, "other", "0.40.0", "Never", [], {})


def switches(value: object) -> bool:
    """Return whether a value may switch other values off, without being needed itself."""
    return isinstance(value, bool) or is_empty(value)


@settings(deadline=None)
@given(changes(st.sampled_from(["abc", "other-name", "host.example.com"])))
def test_a_text_that_is_carried_over_is_in_the_output_word_for_word(
    change: tuple[SourceName, dict[str, Any], Path],
) -> None:
    name, values, path = change
    source = named(name)
    entry = source.table.entry_of(path)
    only_decides = entry is not None and entry.probes

    result = from_chart(source, values)

    (told,) = findings_of(result, path)
    assert told.outcome is not Outcome.MAPPED or only_decides or str(at(values, path)) in output(result)


def test_a_value_of_a_connection_that_is_left_out_is_not_carried_over() -> None:
    result = from_yaml("postgresql: {install: false}\nrasa: {trackerStore: {query: {sslmode: require}}}")

    told = finding(result, "rasa.trackerStore.query.sslmode")
    assert told.outcome in INCOMPLETE
    assert "the output stays the same without it" in told.text


def test_items_that_are_lost_are_named() -> None:
    told = finding(from_yaml("rasa: {extraArgs: [--enable-api, --debug]}"), "rasa.extraArgs")

    assert told.outcome is Outcome.PARTLY
    assert "not in the output: [0]" in told.text


def test_a_secret_that_nothing_refers_to_is_not_needed() -> None:
    result = from_chart(RASA_X, {"rabbitmq": {"enabled": False, "auth": {"password": "abc"}}}, (4, 5, 8))

    assert {each.outcome for each in findings_of(result, path_of("rabbitmq.auth.password"))} == {Outcome.NOT_NEEDED}


def test_a_value_that_is_the_chart_s_default_needs_nothing() -> None:
    result = from_chart(RASA_X, {"rabbitmq": {"enabled": False}, "rasax": {"scheme": "http"}}, (4, 5, 8))

    assert finding(result, "rasax.scheme").outcome is Outcome.NOT_NEEDED
