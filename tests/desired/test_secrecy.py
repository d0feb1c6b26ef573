"""Secret values stand in the environment's Secret and nowhere else; a digest tells that they changed."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import replace
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.base import JsonObject
from rasa_environments.desired.context import CONFIG_DIGEST_ANNOTATION, Context
from rasa_environments.desired.deployment import digest
from rasa_environments.desired.environment import children
from tests.desired.contexts import children_by_kind, context
from tests.desired.golden_cases import CASES, given_context

CONFIGURATION = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.text(max_size=3), max_size=3)


def with_marked_values(of: Context) -> Context:
    """The context with a value that is found again for each variable."""
    return replace(of, secret_values={name: f"secret&{name}" for name in of.secret_values})


@pytest.mark.parametrize("case", CASES)
def test_no_secret_value_stands_outside_of_the_secret(case: str) -> None:
    marked = with_marked_values(given_context(case))

    others = json.dumps([child for child in children(marked) if child["kind"] != "Secret"])

    for value in marked.secret_values.values():
        for shape in (value, quote(value, safe=""), b64encode(value.encode()).decode()):
            assert shape not in others


@pytest.mark.parametrize("case", CASES)
def test_the_secret_holds_each_value_once(case: str) -> None:
    marked = with_marked_values(given_context(case))

    data = children_by_kind(marked)["Secret"]["data"]

    assert sorted(b64decode(value).decode() for value in data.values()) == sorted(marked.secret_values.values())


def test_a_context_that_is_shown_hides_its_values() -> None:
    assert "secret&" not in repr(with_marked_values(given_context("everything")))


@given(first=CONFIGURATION, second=CONFIGURATION, third=CONFIGURATION, fourth=CONFIGURATION)
def test_the_digest_is_another_exactly_where_configuration_or_secrets_are(
    first: JsonObject, second: JsonObject, third: JsonObject, fourth: JsonObject
) -> None:
    assert (digest(first, second) == digest(third, fourth)) is ((first, second) == (third, fourth))


@given(configuration=CONFIGURATION)
def test_the_order_of_keys_does_not_count(configuration: JsonObject) -> None:
    assert digest(dict(reversed(configuration.items()))) == digest(configuration)


def shown_digest(of: Context) -> str:
    """The digest in the pod template."""
    template = children_by_kind(of)["Deployment"]["spec"]["template"]
    return str(template["metadata"]["annotations"][CONFIG_DIGEST_ANNOTATION])


def test_pods_learn_of_each_changed_value() -> None:
    before = given_context("everything")

    digests = {
        shown_digest(replace(before, secret_values={**before.secret_values, name: "another value"}))
        for name in before.secret_values
    }

    assert len(digests | {shown_digest(before)}) == len(before.secret_values) + 1


def test_what_is_neither_configuration_nor_secret_leaves_the_digest() -> None:
    rasa = {"rasa": {"version": "3.6.21"}}
    before = context({**rasa, "replicas": 1})

    assert shown_digest(context({**rasa, "replicas": 3, "service": {"port": 80}})) == shown_digest(before)
    assert shown_digest(replace(before, token_rotated_at="2026-01-02T03:04:05Z")) == shown_digest(before)
