"""Whether a model may go to an environment, by the versions of Rasa on both sides."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from rasa_environments.api.base import ObjectKey
from rasa_environments.domain.compatibility import (
    RasaRelease,
    RunningReleases,
    incompatible_with,
    stated_release,
    to_ask,
)
from rasa_environments.domain.facts import TaggedModel
from rasa_environments.domain.minimum_versions import MINIMUM_VERSIONS, minimum_version

TAG = ObjectKey("bots", "live")
SUPPORT = RunningReleases(ObjectKey("bots", "support"))
RASA_2 = RasaRelease("2.8.34", "2.8.9")
RASA_3 = RasaRelease("3.6.21", "3.6.21")
OF_ITS_OWN = RasaRelease("3.6.21+bots", None)
"""A server that reports no minimum."""


def model(version: str | None) -> TaggedModel:
    return TaggedModel("20260101-120000", "1", version=version)


versions = st.tuples(st.integers(0, 4), st.integers(0, 21), st.integers(0, 40), st.sampled_from(["", "a1", "rc2"])).map(
    lambda parts: "{}.{}.{}{}".format(*parts)
)
releases = st.builds(RasaRelease, versions, st.none() | versions)
followers = st.builds(
    RunningReleases,
    st.sampled_from([ObjectKey("bots", name) for name in "abc"]),
    st.none() | releases,
    st.booleans(),
    st.lists(releases, max_size=3).map(tuple),
)


@given(versions, versions)
def test_a_release_loads_models_from_its_minimum_on_as_rasa_compares_them(trained: str, minimum: str) -> None:
    assert RasaRelease("3.6.21", minimum).loads(trained) is (Version(trained) >= Version(minimum))


@pytest.mark.parametrize("trained", [None, "", "of my own", "3.6.21-full of it"])
def test_nothing_is_known_about_a_model_without_a_version(trained: str | None) -> None:
    assert RASA_3.loads(trained) is None
    assert incompatible_with(model(trained), [replace(SUPPORT, answered=(RASA_3,))], TAG) is None


def test_a_model_that_the_only_release_cannot_load_is_refused_with_both_versions_and_what_to_do() -> None:
    problem = incompatible_with(model("2.8.34"), [replace(SUPPORT, answered=(RASA_3,))], TAG)

    assert problem is not None
    assert (problem.reason, problem.stalled) == ("ModelIncompatible", False)
    assert problem.message == (
        "environment bots/support runs Rasa 3.6.21, which loads models of Rasa 3.6.21 and later, and model "
        "20260101-120000 was trained with Rasa 2.8.34: train it with the environment's version, upgrade the "
        "environment first, or set spec.allowIncompatibleModel of ModelTag bots/live to 20260101-120000 to move the "
        "tag anyway"
    )


@pytest.mark.parametrize("release", [RasaRelease("1.10.26", "1.10.0"), RASA_2, RasaRelease("2.0.0")])
@pytest.mark.parametrize("trained", ["3.0.0", "3.6.21", "3.21.0"])
def test_no_release_before_3_reads_the_files_of_rasa_3(release: RasaRelease, trained: str) -> None:
    assert release.loads(trained) is False


def test_a_model_of_rasa_3_is_refused_for_an_older_server_with_the_limits_on_both_sides() -> None:
    problem = incompatible_with(model("3.6.21"), [replace(SUPPORT, answered=(RASA_2,))], TAG)

    assert problem is not None
    assert problem.message.startswith(
        "environment bots/support runs Rasa 2.8.34, which loads models of Rasa 2.8.9 and later, but no models of Rasa "
        "3 and later, and model 20260101-120000 was trained with Rasa 3.6.21: "
    )


@pytest.mark.parametrize("trained", ["2.8.35", "2.9.0"])
def test_a_model_that_is_newer_than_its_server_is_loaded_as_far_as_anybody_knows(trained: str) -> None:
    assert RASA_2.loads(trained) is True


def test_while_no_server_answers_the_version_of_the_spec_decides() -> None:
    problem = incompatible_with(model("2.8.34"), [replace(SUPPORT, stated=stated_release("3.6.21"))], TAG)

    assert problem is not None
    assert problem.message.startswith("environment bots/support is to run Rasa 3.6.21, which")


def test_every_environment_that_pulls_the_tag_counts() -> None:
    able = replace(SUPPORT, environment=ObjectKey("bots", "able"), answered=(RASA_2,))
    unable = [replace(SUPPORT, environment=ObjectKey("bots", name), answered=(RASA_3,)) for name in ("first", "second")]

    problem = incompatible_with(model("2.8.34"), [able, *unable], TAG)

    assert problem is not None
    assert problem.message.startswith("environment bots/first runs")
    assert "was trained with Rasa 2.8.34 (2 environments that pull the tag cannot load it): " in problem.message


@pytest.mark.parametrize(
    "unknown",
    [
        pytest.param(SUPPORT, id="neither a version nor an answer"),
        pytest.param(replace(SUPPORT, stated=stated_release("3.99.0")), id="a release that is not in the table"),
        pytest.param(replace(SUPPORT, answered=(OF_ITS_OWN,)), id="a server that reports no minimum"),
        pytest.param(replace(SUPPORT, answered=(RasaRelease("custom", "custom"),)), id="versions of another form"),
    ],
)
def test_an_environment_whose_release_is_unknown_refuses_nothing(unknown: RunningReleases) -> None:
    assert incompatible_with(model("0.1.0"), [unknown], TAG) is None


UPGRADED = replace(SUPPORT, stated=stated_release("3.6.21"), answered=(RASA_2,))


@pytest.mark.parametrize("trained", ["2.8.34", "3.6.21"])
def test_during_an_upgrade_models_of_both_releases_may_go_there(trained: str) -> None:
    """Old servers answer until new ones are ready, which they are only with a model that they can load."""
    assert incompatible_with(model(trained), [UPGRADED], TAG) is None


def test_after_an_upgrade_only_the_new_release_counts() -> None:
    assert incompatible_with(model("2.8.34"), [replace(UPGRADED, answered=(RASA_3,))], TAG) is not None


def test_of_an_image_of_its_own_the_servers_know_more_than_the_spec() -> None:
    misstated = RunningReleases(SUPPORT.environment, stated_release("2.8.34"), own_image=True, answered=(RASA_3,))

    assert incompatible_with(model("2.8.34"), [misstated], TAG) is not None


@given(versions, st.lists(followers, max_size=3))
def test_a_model_is_refused_exactly_if_an_environment_has_releases_and_none_of_them_may_load_it(
    trained: str, environments: list[RunningReleases]
) -> None:
    problem = incompatible_with(model(trained), environments, TAG)

    unable = [
        each
        for each in environments
        if each.candidates and all(release.loads(trained) is False for release in each.candidates)
    ]
    assert (problem is None) == (not unable)
    if problem is not None:
        assert str(unable[0].environment) in problem.message
        assert trained in problem.message


@given(versions, st.lists(followers, max_size=3))
def test_who_is_not_asked_would_accept_the_model_whatever_its_servers_answer(
    trained: str, environments: list[RunningReleases]
) -> None:
    asked = to_ask(trained, environments)

    for each in environments:
        if each not in asked:
            assert each.loads(trained)


def test_an_environment_of_the_models_own_version_is_not_asked() -> None:
    assert to_ask("3.6.21", [replace(SUPPORT, stated=stated_release("3.6.21"))]) == ()


def test_nobody_is_asked_about_a_model_without_a_version() -> None:
    assert to_ask(None, [SUPPORT]) == ()


@pytest.mark.parametrize(
    ("release", "minimum"),
    [
        ("1.10.26", "1.10.0"),
        ("2.5.2", "2.2.0a1"),
        ("2.8.8", "2.8.0"),
        ("2.8.34", "2.8.9"),
        ("3.6.20", "3.5.0"),
        ("3.6.21", "3.6.21"),
        ("3.11.20", "3.11.0rc1"),
        ("3.13.25", "3.11.0rc1"),
        ("3.21.0", "3.20.0"),
        ("1.9.7", None),
        ("3.7.0", None),
        ("4.0.0", None),
        ("latest", None),
    ],
)
def test_the_table_has_what_the_released_packages_say(release: str, minimum: str | None) -> None:
    assert minimum_version(release) == minimum


@pytest.mark.parametrize("release", MINIMUM_VERSIONS)
def test_every_release_loads_its_own_models(release: str) -> None:
    assert stated_release(release).loads(release) is True


def test_within_a_minor_version_the_minimum_only_rises() -> None:
    entries = [(Version(since), Version(minimum)) for since, minimum in MINIMUM_VERSIONS.items()]

    assert entries == sorted(entries)
    for (since, minimum), (later, raised) in pairwise(entries):
        assert since.release[:2] != later.release[:2] or minimum < raised
