"""What is known of the vendor's charts, by release."""

from __future__ import annotations

import pytest

from rasa_chart_import.all_sources import SOURCES
from rasa_chart_import.chart_facts import ChartFacts, facts_of
from rasa_chart_import.findings import shown
from rasa_chart_import.reader import Reader
from rasa_chart_import.sources import HelmRelease, Source

CHARTS = [source for source in SOURCES if source.facts is not None]


def facts(source: Source) -> ChartFacts:
    assert source.facts is not None
    return source.facts


@pytest.mark.parametrize(
    ("chart", "releases", "first", "last"),
    [
        ("rasa-x", 146, (1, 0, 0), (5, 0, 0)),
        ("rasa", 33, (1, 0, 0), (1, 17, 8)),
        ("rasa-pro", 39, (0, 1, 22), (2, 4, 0)),
    ],
)
def test_all_releases_are_known(chart: str, releases: int, first: tuple[int, ...], last: tuple[int, ...]) -> None:
    known = facts_of(chart)

    assert (len(known.releases), known.releases[0][0], known.last) == (releases, first, last)


@pytest.mark.parametrize("source", CHARTS, ids=lambda source: source.name)
def test_every_value_of_every_release_is_in_the_table(source: Source) -> None:
    unknown = [shown(path) for path in facts(source).values if source.table.entry_of(path) is None]

    assert unknown == []


@pytest.mark.parametrize("source", CHARTS, ids=lambda source: source.name)
def test_every_default_that_counts_is_one_of_the_chart(source: Source) -> None:
    unknown = [shown(path) for path in source.assumed if not facts(source).spans(path)]

    assert unknown == []


@pytest.mark.parametrize("source", CHARTS, ids=lambda source: source.name)
def test_what_tells_a_chart_apart_is_in_no_other(source: Source) -> None:
    others = [other for other in CHARTS if other is not source]

    for marker in source.markers:
        assert facts(source).knows(marker) or marker[0].startswith("rasax"), marker
        assert [other.name for other in others if other.knows(marker)] == [], marker


def test_a_default_is_that_of_the_release() -> None:
    known, path = facts_of("rasa-x"), ("rasa", "versions", "rasaProduction", "enabled")

    assert known.defaults((2, 11, 0), [path]) == {"rasa": {"versions": {"rasaProduction": {"enabled": True}}}}
    assert known.defaults((3, 0, 0), [path]) == {"rasa": {"versions": {"rasaProduction": {"enabled": False}}}}
    assert known.defaults((1, 16, 0), [path]) == {}


@pytest.mark.parametrize("source", CHARTS, ids=lambda source: source.name)
def test_the_defaults_of_any_release_written_out_make_what_an_empty_file_makes(source: Source) -> None:
    for release, _ in facts(source).releases:
        helm = HelmRelease("my", "bots", release)
        counting = facts(source).defaults(release, source.assumed)

        written = source.make(Reader(source.prepare(counting), counting), helm)
        empty = source.make(Reader({}, counting), helm)

        assert written.resources == empty.resources, release


def test_the_chart_rasa_x_calls_its_rabbitmq_rabbit_in_all_releases() -> None:
    known = facts_of("rasa-x")

    assert {known.name("rabbitmq.fullname", release, "my") for release, _ in known.releases} == {"my-rabbit"}
