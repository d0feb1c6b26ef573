"""Every value of a file is reported exactly once, whatever its content."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from rasa_chart_import.importing import Imported

from rasa_chart_import.findings import Outcome, leaves
from rasa_chart_import.rasa_x.mapping import ENTRIES, PATTERNS
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.api.model_server import ModelServer
from rasa_environments.cli.unknown_fields import unknown_fields

from .cases import CHARTS, finding, from_values, from_yaml
from .samples import SAMPLES, STAGING, changed

PLACES = [pattern for pattern, _ in PATTERNS]
WORDS = sorted({key for place in PLACES for key in place} - {"*"})
NAMES = st.sampled_from([*WORDS, "rasaProduction", "rasaWorker", "rasaStaging"]) | st.text(max_size=8)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-1, 70000)
    | st.floats()
    | st.sampled_from(["production", "worker", "0.32.0", "1.8.1", "http", "https", "true", "x" * 2000, "a b", "Ä"])
    | st.text(max_size=12)
)
ITEMS = SCALARS | st.dictionaries(st.sampled_from(["name", "value", "valueFrom", "key", "host", "ipBlock"]), SCALARS)
ANYTHING = st.recursive(
    SCALARS | st.lists(ITEMS, max_size=3), lambda inner: st.dictionaries(NAMES, inner, max_size=3), max_leaves=5
)


@st.composite
def values(draw: st.DrawFn) -> dict[str, Any]:
    """Generate values at paths that the chart knows, and anything elsewhere."""
    result: dict[str, Any] = draw(st.dictionaries(NAMES, ANYTHING, max_size=3))
    for pattern in draw(st.lists(st.sampled_from(PLACES), max_size=12)):
        keys = [draw(NAMES) if key == "*" else key for key in pattern]
        inner = result
        for key in keys[:-1]:
            if not isinstance(inner.get(key), dict):
                inner[key] = {}
            inner = inner[key]
        inner[keys[-1]] = draw(ANYTHING)
    return result


CHART_VERSIONS = st.sampled_from([None, (1, 2, 4), (2, 11, 0), (4, 5, 8)])


def accept(result: Imported) -> None:
    """Fail if the API server would refuse a resource, or drop a field of it."""
    for resource, model in zip(
        result.resources, [ModelServer, *[DeploymentEnvironment] * (len(result.resources) - 1)], strict=True
    ):
        model.model_validate(resource)
        assert unknown_fields(model, resource) == ()


@settings(deadline=None)
@given(given_values=values(), chart=CHART_VERSIONS)
def test_each_value_has_one_finding_and_what_comes_of_them_is_valid(
    given_values: dict[str, Any], chart: tuple[int, ...] | None
) -> None:
    result = from_values(given_values, chart)

    assert [each.path for each in result.findings] == [path for path, _ in leaves(given_values)]
    assert all(each.text for each in result.findings)
    accept(result)
    yaml.safe_dump_all(result.resources)


@settings(deadline=None)
@given(given_values=values(), chart=CHART_VERSIONS)
def test_environments_differ_in_all_that_must_be_their_own(
    given_values: dict[str, Any], chart: tuple[int, ...] | None
) -> None:
    made = [DeploymentEnvironment.model_validate(each) for each in from_values(given_values, chart).resources[1:]]

    for own in ("metadata", "environment", "tag"):
        assert len({str(getattr(each, own)) for each in made}) == len(made)


@pytest.mark.parametrize(("file", "chart"), [("1.2.yaml", (1, 2, 4)), ("4.5.yaml", (4, 5, 8))])
def test_every_value_that_the_chart_has_is_known(file: str, chart: tuple[int, ...]) -> None:
    text = (CHARTS / file).read_text()

    result = from_yaml(text, chart)

    assert [each for each in result.findings if "no such value" in each.text] == []
    by_hand = {each.path[-1] for each in result.findings if each.outcome is Outcome.BY_HAND}
    assert by_hand == {"serviceName", "modelTag"}
    accept(result)


@pytest.mark.parametrize(("file", "chart"), [("1.2.yaml", (1, 2, 4)), ("4.5.yaml", (4, 5, 8))])
def test_the_chart_s_defaults_written_out_make_what_an_empty_file_makes(file: str, chart: tuple[int, ...]) -> None:
    """Except for what is only written if a file sets it."""
    written = yaml.safe_load((CHARTS / file).read_text())
    del written["images"], written["securityContext"]
    written["rasa"].pop("version", None)
    written["rasa"].pop("tag", None)
    for version in written["rasa"]["versions"].values():
        version.pop("enabled", None)

    assert from_values(written, chart).resources == from_values({}, chart).resources


def test_a_value_that_the_chart_does_not_have_is_told_with_what_was_meant() -> None:
    result = from_yaml("rasax: {tokne: abc}\nrasa: {versions: {rasaWorker: {replicacount: 2}}}\nbots: 1")

    assert "did you mean rasax.token?" in finding(result, "rasax.tokne").text
    assert finding(result, "rasax.tokne").outcome is Outcome.BY_HAND
    assert "no such value" in finding(result, "rasa.versions.rasaWorker.replicacount").text
    assert "no such value" in finding(result, "bots").text


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
    ],
)
def test_a_value_that_no_field_takes_is_told_and_left_out(text: str, path: str, what: str) -> None:
    result = from_yaml(text)

    assert finding(result, path).outcome is Outcome.BY_HAND
    assert what in finding(result, path).text
    accept(result)


IN_THE_CHART_S_SECRET = {"rasax.jwtSecret", "rasa.token"}
"""Values that are in the chart's Secret already, which the resources refer to whatever they are."""


def test_there_is_a_sample_for_each_value_that_is_carried_over() -> None:
    carried_over = {path for entry in ENTRIES if entry.outcome is Outcome.MAPPED for path in entry.paths}

    assert carried_over == {*SAMPLES, *IN_THE_CHART_S_SECRET}


@pytest.mark.parametrize("path", SAMPLES)
def test_a_value_that_is_carried_over_changes_what_comes_of_the_file(path: str) -> None:
    base, value = SAMPLES[path]
    place = path.replace("*", "rasaStaging")

    before, after = from_values(base), from_values(changed(base, place, value))

    assert (before.resources, before.secrets.contents) != (after.resources, after.secrets.contents)


@pytest.mark.parametrize("path", sorted(IN_THE_CHART_S_SECRET))
def test_a_value_in_the_chart_s_secret_is_carried_over_by_the_reference_to_it(path: str) -> None:
    result = from_values(changed({}, path, "abc"))

    assert finding(result, path).outcome is Outcome.MAPPED
    assert result.resources == from_values({}).resources


def test_a_value_that_is_not_carried_over_changes_nothing() -> None:
    left = [path for entry in ENTRIES if entry.outcome is not Outcome.MAPPED for path in entry.paths]
    unchanged = from_values(STAGING).resources

    for path in left:
        value = (
            "anything" if path not in ("rabbitmq", "postgresql", "redis", "global", "rasa-bot") else {"any": "thing"}
        )
        assert from_values(changed(STAGING, path.replace("*", "rasaStaging"), value)).resources == unchanged, path
