"""Secret values are only in the environment's Secret; a digest shows when they change."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import replace
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.base import JsonObject
from rasa_environments.api.model_server import Profile
from rasa_environments.desired.context import CONFIG_DIGEST_ANNOTATION, Context
from rasa_environments.desired.deployment import digest
from rasa_environments.desired.environment import children
from rasa_environments.desired.profiles import PROFILES
from tests.desired.contexts import SALT, children_by_kind, context
from tests.desired.golden_cases import CASES, given_context

CONFIGURATION = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.text(max_size=3), max_size=3)


def with_marked_values(of: Context) -> Context:
    """Return the context with a recognizable value for each variable."""
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

    expected = [*marked.secret_values.values(), SALT]
    assert sorted(b64decode(value).decode() for value in data.values()) == sorted(expected)


TEXTS = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=20).map("secret&".__add__)
SECRETS_OF_A_SPEC: JsonObject = {
    "jwt": {"key": {"secretKeyRef": {"name": "passwords", "key": "jwt"}}},
    "eventBroker": {"rabbitmq": {"host": "rabbit", "password": {"secretKeyRef": {"name": "passwords", "key": "a"}}}},
    "trackerStore": {
        "sql": {"host": "db", "username": "u", "password": {"secretKeyRef": {"name": "passwords", "key": "b"}}}
    },
    "lockStore": {"redis": {"host": "redis", "password": {"secretKeyRef": {"name": "passwords", "key": "c"}}}},
    "actionEndpoint": {"url": "http://a", "token": {"secretKeyRef": {"name": "passwords", "key": "d"}}},
    "endpoints": {"nlg": {"url": "http://nlg", "token": {"secretKeyRef": {"name": "passwords", "key": "e"}}}},
    "channels": [
        {"name": "slack", "config": {"slack_token": {"secretKeyRef": {"name": "passwords", "key": "f"}}}},
    ],
}


@pytest.mark.parametrize("profile", list(Profile))
@given(values=st.lists(TEXTS, min_size=10, max_size=10, unique=True))
def test_whatever_the_profile_and_the_values_each_stands_in_the_secret_alone(
    profile: Profile, values: list[str]
) -> None:
    version = PROFILES[profile].example
    plain = context({"rasa": {"version": version}, **SECRETS_OF_A_SPEC}, server={"profile": profile.value})
    values = values[: len(plain.secret_values)]
    of = replace(plain, secret_values=dict(zip(sorted(plain.secret_values), values, strict=True)))

    made = children_by_kind(of)

    others = json.dumps({kind: child for kind, child in made.items() if kind != "Secret"})
    assert not [value for value in values if json.dumps(value)[1:-1] in others]
    assert sorted(b64decode(value).decode() for value in made["Secret"]["data"].values()) == sorted([*values, SALT])


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


def test_who_knows_all_values_but_one_cannot_find_that_one_by_the_digest() -> None:
    salt = "kept-in-the-secret-51ab"
    before = context({"rasa": {"version": "3.6.21"}}, salt=salt)

    made = children_by_kind(before)

    assert shown_digest(replace(before, salt="another")) != shown_digest(before)
    assert b64decode(made.pop("Secret")["data"]["salt"]) == salt.encode()
    assert salt not in json.dumps(made) + repr(before)
