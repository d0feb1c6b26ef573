"""endpoints.yml and credentials.yml: what Rasa reads."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.base import JsonObject
from rasa_environments.desired.errors import SpecError
from tests.desired.contexts import children_by_kind, context
from tests.desired.golden_cases import CASES, given_context
from tests.desired.pages import container, files, plain_variables, secret_variables

RASA = {"rasa": {"version": "3.6.21"}}
REFERENCE = st.just({"secretKeyRef": {"name": "passwords", "key": "k"}})
FREE_FORM = st.dictionaries(
    st.sampled_from(["slack", "telegram", "custom.Channel", "a_b"]),
    st.dictionaries(
        st.sampled_from(["token", "list", "of-all"]), REFERENCE | st.lists(REFERENCE, max_size=2) | st.just(1)
    ),
)


def variables_used(texts: Iterable[str]) -> set[str]:
    """The variables that Rasa or Kubernetes puts in."""
    return {first or second for first, second in re.findall(r"\$\{(\w+)\}|\$\((\w+)\)", "\n".join(texts))}


@pytest.mark.parametrize("case", CASES)
def test_each_variable_of_the_files_comes_from_the_secret(case: str) -> None:
    children = children_by_kind(given_context(case))
    used = variables_used(children["ConfigMap"]["data"].values())

    assert used
    assert used <= secret_variables(children)


@pytest.mark.parametrize("case", CASES)
def test_each_variable_of_the_arguments_is_one_of_the_container(case: str) -> None:
    children = children_by_kind(given_context(case))
    used = variables_used(container(children)["args"])

    # Rasa Pro takes its token from a variable of its own, so that none is in an argument.
    assert "RASA_TOKEN" in used or "AUTH_TOKEN" in secret_variables(children)
    assert used <= secret_variables(children) | plain_variables(children).keys()


@given(endpoints=FREE_FORM, configs=FREE_FORM)
def test_each_variable_of_free_form_entries_comes_from_the_secret(endpoints: JsonObject, configs: JsonObject) -> None:
    channels = [{"name": name, "config": config} for name, config in configs.items()]
    children = children_by_kind(context({**RASA, "endpoints": endpoints, "channels": channels}))

    assert variables_used(children["ConfigMap"]["data"].values()) <= secret_variables(children)
    assert "secretKeyRef" not in "".join(children["ConfigMap"]["data"].values())


def test_two_places_that_become_one_variable_are_refused() -> None:
    token = {"secretKeyRef": {"name": "passwords", "key": "a"}}
    other = {"secretKeyRef": {"name": "passwords", "key": "b"}}

    with pytest.raises(SpecError, match=r"spec\.endpoints\.a-b and spec\.endpoints\.a_b both become"):
        context({**RASA, "endpoints": {"a-b": token, "a_b": other}})


def test_an_incomplete_reference_is_refused_with_its_place() -> None:
    channel = {"name": "slack", "config": {"token": {"secretKeyRef": {"name": "passwords"}}}}

    with pytest.raises(SpecError, match=r"spec\.channels\[slack\]\.config\.token\.secretKeyRef must be"):
        context({**RASA, "channels": [channel]})


@given(environment=st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,20}[A-Za-z0-9])?", fullmatch=True))
def test_names_in_stores_have_only_characters_that_rasa_takes(environment: str) -> None:
    stores = {
        "trackerStore": {"sql": {"host": "db"}},
        "lockStore": {"redis": {"host": "redis"}},
        "eventBroker": {"sql": {"host": "db"}},
    }

    endpoints = files(children_by_kind(context({**RASA, **stores, "environment": environment})))["endpoints.yml"]

    assert re.fullmatch("rasa_[a-z0-9_]+", endpoints["tracker_store"]["db"])
    assert endpoints["event_broker"]["db"] == f"{endpoints['tracker_store']['db']}_events"
    assert re.fullmatch("[A-Za-z0-9]+", endpoints["lock_store"]["key_prefix"])


@given(seconds=st.integers(1, 86400))
def test_the_interval_is_a_literal_number(seconds: int) -> None:
    spec = {**RASA, "model": {"pullPeriodSeconds": seconds}}

    assert files(children_by_kind(context(spec)))["endpoints.yml"]["models"]["wait_time_between_pulls"] == seconds


def test_a_server_that_is_rolled_pulls_once() -> None:
    spec = {**RASA, "model": {"updateStrategy": "RollingUpdate", "pullPeriodSeconds": 3}}

    models = files(children_by_kind(context(spec)))["endpoints.yml"]["models"]

    assert models["wait_time_between_pulls"] is None
    assert "wait_time_between_pulls" in models


def test_without_a_token_to_pull_none_is_named() -> None:
    given_values = context(RASA)
    without = {name: value for name, value in given_values.secret_values.items() if name != "RASA_X_TOKEN"}

    children = children_by_kind(replace(given_values, secret_values=without))

    assert "token" not in files(children)["endpoints.yml"]["models"]
    assert "RASA_X_TOKEN" not in secret_variables(children)


def test_a_free_form_entry_wins_over_the_typed_one() -> None:
    spec = {**RASA, "actionEndpoint": {"url": "http://typed"}, "endpoints": {"action_endpoint": {"url": "http://free"}}}

    assert files(children_by_kind(context(spec)))["endpoints.yml"]["action_endpoint"] == {"url": "http://free"}


def test_without_channels_there_is_rest() -> None:
    assert files(children_by_kind(context(RASA)))["credentials.yml"] == {"rest": None}


def test_an_empty_list_of_channels_is_none() -> None:
    assert files(children_by_kind(context({**RASA, "channels": []})))["credentials.yml"] == {}


def test_a_channel_without_configuration_is_there() -> None:
    slack = {"name": "slack", "config": {"slack_token": {"secretKeyRef": {"name": "slack", "key": "token"}}}}

    children = children_by_kind(context({**RASA, "channels": [{"name": "rest"}, slack]}))

    expected = {"rest": None, "slack": {"slack_token": "${CHANNELS_SLACK_SLACK_TOKEN}"}}
    assert files(children)["credentials.yml"] == expected
    assert "CHANNELS_SLACK_SLACK_TOKEN" in secret_variables(children)


def test_a_null_in_a_free_form_entry_means_nothing() -> None:
    spec = {**RASA, "endpoints": {"nlg": {"url": "http://nlg", "token": None}, "tracker_store": None}}

    endpoints = files(children_by_kind(context(spec)))["endpoints.yml"]

    assert endpoints["nlg"] == {"url": "http://nlg"}
    assert "tracker_store" not in endpoints


def test_a_path_of_its_own_is_where_the_model_is_pulled() -> None:
    server = {"url": "http://models/", "project": "bots", "modelPath": "/p/{project}/t/{tag}"}

    models = files(children_by_kind(context(RASA, server=server)))["endpoints.yml"]["models"]

    assert models["url"] == "http://models/p/bots/t/support"
