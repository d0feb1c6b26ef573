"""Values files, read and merged as Helm does; errors name the line."""

from __future__ import annotations

import pytest

from rasa_chart_import.loading import ValuesError, merged


def test_a_later_file_is_laid_over_those_before_it() -> None:
    below = (
        "values.yaml",
        "rasa:\n  port: 5005\n  tolerations: [{key: a}]\n  versions: {rasaWorker: {replicaCount: 1}}\n",
    )
    above = ("more.yaml", "rasa:\n  tolerations: []\n  versions: {rasaWorker: null}\n")

    result = merged([below, above])

    assert result.values == {"rasa": {"port": 5005, "tolerations": [], "versions": {"rasaWorker": None}}}
    assert result.places[("rasa", "port")] == "values.yaml:2"
    assert result.places[("rasa", "tolerations")] == "more.yaml:2"


def test_an_empty_file_has_no_values() -> None:
    assert merged([("values.yaml", "# nothing yet\n")]).values == {}


def test_anchors_and_merge_keys_are_written_out() -> None:
    text = "one: &one {a: 1, b: 2}\ntwo: {<<: *one, b: 3}\nthree: *one\n"

    assert merged([("values.yaml", text)]).values == {
        "one": {"a": 1, "b": 2},
        "two": {"b": 3, "a": 1},
        "three": {"a": 1, "b": 2},
    }


def test_keys_are_texts_and_dates_stay_as_they_are_written() -> None:
    assert merged([("values.yaml", "1: 2026-11-23\n")]).values == {"1": "2026-11-23"}


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("rasa: [\n", "values.yaml:2:1", "is not YAML"),
        ("- rasa\n", "values.yaml:1", "is no mapping"),
        ("rasa:\n  port: 1\n  port: 2\n", "values.yaml:3", "rasa.port is there twice"),
        ("rasa: &rasa\n  - *rasa\n", "values.yaml:1", "rasa refers to itself"),
        ("rasa: &rasa {port: {<<: *rasa}}\n", "values.yaml:1", "refers to itself"),
        ("rasa: " + "[" * 5000, "values.yaml", "deeper than can be read"),
        ("rasa: 1\n---\nrasa: 2\n", "values.yaml:3", "begins another document"),
        ("rasa: !!python/name:os.system x\n", "values.yaml:1", "begins with !"),
        ("rasa: {<<: 3}\n", "values.yaml:1:12", "is not YAML"),
    ],
)
def test_a_bad_file_is_refused_with_the_line(text: str, where: str, what: str) -> None:
    with pytest.raises(ValuesError) as raised:
        merged([("values.yaml", text)])

    assert str(raised.value).startswith(where)
    assert what in str(raised.value)


@pytest.mark.parametrize(
    "value", ['"hunter2', "*hunter2", "&hunter2 &hunter2", "!hunter2 a", "!hunter2!a b", "@hunter2"]
)
def test_a_value_that_cannot_be_read_is_not_repeated_since_it_may_be_a_password(value: str) -> None:
    with pytest.raises(ValuesError) as raised:
        merged([("values.yaml", f"rasax:\n  token: {value}\n")])

    assert "hunter2" not in str(raised.value)
