"""Every value of a file is reported exactly once, whatever its content."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rasa_chart_import.all_sources import SOURCES
from rasa_chart_import.findings import INCOMPLETE, Outcome, leaves
from rasa_chart_import.rasa_x.mapping import TABLE
from rasa_chart_import.sources import Imported, SourceName
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_server import ModelServer
from rasa_environments.cli.unknown_fields import unknown_fields

from .cases import finding, from_chart, from_values, from_yaml, named, running
from .samples import SAMPLES, STAGING, changed

WORDS = ["rasaProduction", "rasaWorker", "rasaStaging", "rasa-production", "rasa-staging"]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-1, 70000)
    | st.floats()
    | st.sampled_from(["production", "worker", "0.32.0", "1.8.1", "http", "https", "true", "x" * 2000, "a b", "Ä"])
    | st.sampled_from(["http://a/b", "rasa/rasa:3.6.21-full", "${A}", "${A:-b}", "<secret>", "sql", "redis", "pika"])
    | st.text(max_size=12)
)
ITEMS = SCALARS | st.dictionaries(st.sampled_from(["name", "value", "valueFrom", "key", "host", "ipBlock"]), SCALARS)
ANYTHING = st.recursive(
    SCALARS | st.lists(ITEMS, max_size=3),
    lambda inner: st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def files(draw: st.DrawFn) -> tuple[SourceName, dict[str, Any], tuple[int, ...] | None]:
    """Generate values at paths that a source knows, and anything elsewhere."""
    source = draw(st.sampled_from(SOURCES))
    places = [pattern for pattern, _ in source.table.patterns]
    names = st.sampled_from([*WORDS, *sorted({key for place in places for key in place} - {"*"})])
    result: dict[str, Any] = draw(st.dictionaries(names | st.text(max_size=8), ANYTHING, max_size=3))
    for pattern in draw(st.lists(st.sampled_from(places), max_size=12)):
        keys = [draw(names) if key == "*" else key for key in pattern]
        inner = result
        for key in keys[:-1]:
            if not isinstance(inner.get(key), dict):
                inner[key] = {}
            inner = inner[key]
        inner[keys[-1]] = draw(ANYTHING)
    releases = [version for version, _ in source.facts.releases] if source.facts is not None else []
    return source.name, result, draw(st.sampled_from([None, *releases]))


def accept(result: Imported) -> None:
    """Fail if the API server would refuse a resource, or drop a field of it."""
    for resource in result.resources:
        model = ModelServer if resource["kind"] == "ModelServer" else DeploymentEnvironment
        model.model_validate(resource)
        assert unknown_fields(model, resource) == ()


@settings(deadline=None)
@given(files())
def test_each_value_has_one_finding_and_what_comes_of_them_is_valid(
    file: tuple[SourceName, dict[str, Any], tuple[int, ...] | None],
) -> None:
    name, values, chart = file
    source = named(name)

    result = from_chart(source, values, chart)

    told = [each.path for each in result.findings]
    assert len(set(told)) == len(told)
    assert all(each.text for each in result.findings)
    parsed = {place for place in told if any(place[: len(text)] == text for text in source.texts)}
    expected = {
        path
        for path, _ in leaves(source.prepare(values))
        if not source.ignored(path) and not any(path[: len(text)] == text for text in source.texts)
    }
    assert {*told} - parsed == expected
    accept(result)
    yaml.safe_dump_all(result.resources)


@settings(deadline=None)
@given(files())
def test_environments_differ_in_all_that_must_be_their_own(
    file: tuple[SourceName, dict[str, Any], tuple[int, ...] | None],
) -> None:
    name, values, chart = file
    source = named(name)
    resources = from_chart(source, values, chart).resources
    made = [DeploymentEnvironment.model_validate(each) for each in resources if each["kind"] != "ModelServer"]

    for own in ("metadata", "environment", "tag"):
        assert len({str(getattr(each, own)) for each in made}) == len(made)


def test_a_value_that_the_chart_does_not_have_is_told_with_what_was_meant() -> None:
    result = from_yaml("rasax: {tokne: abc}\nrasa: {versions: {rasaWorker: {replicacount: 2}}}\nbots: 1")

    assert "did you mean rasax.token?" in finding(result, "rasax.tokne").text
    assert finding(result, "rasax.tokne").outcome is Outcome.BY_HAND
    assert "no release has such a value" in finding(result, "rasa.versions.rasaWorker.replicacount").text
    assert "no release has such a value" in finding(result, "bots").text


@pytest.mark.parametrize(
    ("text", "path", "what"),
    [
        ("rasa: {port: http}", "rasa.port", "valid integer"),
        ("rasa: {port: 99999}", "rasa.port", "less than or equal to 65535"),
        ("rabbitmq: {install: false, existingHost: 'http://rabbit'}", "rabbitmq.existingHost", "no scheme"),
        ("rasa: {versions: {rasaWorker: 3}}", "rasa.versions.rasaWorker", "must be a mapping"),
        ("rasax: yes", "rasax", "must be a mapping"),
        ("rasa: {extraEnvs: {A: b}}", "rasa.extraEnvs.A", "valid list"),
        ("images: {pullPolicy: Sometimes}", "images.pullPolicy", "must be Always"),
        ("securityContext: {privileged: true}", "securityContext.privileged", "no such field"),
    ],
)
def test_a_value_that_no_field_takes_is_told_and_left_out(text: str, path: str, what: str) -> None:
    result = from_yaml(text)

    assert finding(result, path).outcome is Outcome.BY_HAND
    assert what in finding(result, path).text
    accept(result)


def test_there_is_a_sample_for_each_value_that_is_carried_over() -> None:
    carried_over = {path for entry in TABLE.entries if entry.outcome is Outcome.MAPPED for path in entry.paths}

    assert carried_over == {*SAMPLES}


@pytest.mark.parametrize("path", SAMPLES)
def test_a_value_that_is_carried_over_changes_what_comes_of_the_file(path: str) -> None:
    base, value = SAMPLES[path]
    place = path.replace("*", "rasaStaging")

    before, after = from_values(base), from_values(changed(base, place, value))

    assert (before.resources, before.secrets.contents) != (after.resources, after.secrets.contents)


@pytest.mark.parametrize("path", ["rasax.jwtSecret", "rasa.token"])
def test_a_value_in_the_chart_s_secret_stays_there_and_the_output_refers_to_it(path: str) -> None:
    result = from_values(changed({}, path, "abc"))

    assert finding(result, path).outcome is Outcome.REFERRED
    assert result.resources == from_values({}).resources


def test_a_value_that_is_not_carried_over_changes_nothing() -> None:
    left = [
        path
        for entry in TABLE.entries
        if entry.outcome not in (Outcome.MAPPED, Outcome.REFERRED)
        for path in entry.paths
    ]
    unchanged = from_values(STAGING).resources

    for path in left:
        value = (
            "anything" if path not in ("rabbitmq", "postgresql", "redis", "global", "rasa-bot") else {"any": "thing"}
        )
        assert from_values(changed(STAGING, path.replace("*", "rasaStaging"), value)).resources == unchanged, path


def test_what_is_left_to_do_is_what_is_not_in_the_output() -> None:
    assert {*Outcome} - INCOMPLETE == {Outcome.MAPPED, Outcome.REFERRED, Outcome.NOT_NEEDED}


def test_the_values_of_running_servers_say_so() -> None:
    """What the other tests start from."""
    assert running({}, (4, 5, 8)) == {"rasa": {"versions": {"rasaProduction": {"enabled": True}}}}
