"""Secret values of users: where they are read from, and the message if one is missing."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.desired.errors import SpecError
from rasa_environments.desired.merging import merged_spec
from rasa_environments.domain.generated import Issued
from rasa_environments.domain.resolving import Resolved
from rasa_environments.domain.secret_contents import decoded
from rasa_environments.domain.secret_values import named_values
from tests.domain.planning import (
    CREDENTIALS,
    KEPT,
    PASSWORDS,
    RASA_X,
    SECRET,
    SHARED,
    Contents,
    environment,
    own_secret,
    problem,
    values,
)
from tests.reconcile.objects import server

SQL_HOST: JsonObject = {"host": "db", "username": "u"}
SQL: JsonObject = {"trackerStore": {"sql": {**SQL_HOST, "password": SECRET}}}


def test_the_token_is_the_users_where_the_spec_names_one() -> None:
    own = environment(authToken={"secretKeyRef": {"name": "passwords", "key": "k"}})

    assert values(own, {PASSWORDS: {"k": b"mine"}}, own=own_secret()) == {"RASA_TOKEN": "mine"}


def test_the_token_is_that_of_the_server_where_it_names_one() -> None:
    shared = server(authToken={"secretKeyRef": {"name": "shared", "key": "t"}})

    assert values(environment(), {ObjectKey("bots", "shared"): {"t": b"ours"}}, model_server=shared) == {
        "RASA_TOKEN": "ours"
    }


def test_of_a_server_in_another_namespace_only_the_token_to_pull_is_copied() -> None:
    elsewhere = server(
        namespace="platform",
        profile="RasaX-0.2",
        authToken={"secretKeyRef": {"name": "shared", "key": "t"}},
        credentialsSecretRef={"name": "rasa-x"},
    )
    guest = environment(modelServerRef={"namespace": "platform"})
    there = {"token": b"pull", "apiToken": b"write", "jwtSecret": b"signs-logins", "password": b"mine"}
    contents = {SHARED: {"t": b"ours"}, ObjectKey("platform", "rasa-x"): there}

    found = dict(values(guest, contents, model_server=elsewhere))

    assert found.pop("RASA_X_TOKEN") == "pull"
    assert set(found) == {"RASA_TOKEN", "JWT_SECRET"}
    assert all(re.fullmatch("[0-9a-f]{64}", generated) for generated in found.values())


@pytest.mark.parametrize(
    ("defaults", "field"),
    [
        ({"trackerStore": {"sql": {**SQL_HOST, "password": SECRET}}}, "trackerStore.sql.password"),
        ({"eventBroker": {"rabbitmq": {"host": "rabbit", "password": SECRET}}}, "eventBroker.rabbitmq.password"),
        ({"jwt": {"key": SECRET}}, "jwt.key"),
        ({"channels": [{"name": "slack", "config": {"token": SECRET}}]}, "channels[slack].config.token"),
        ({"endpoints": {"nlg": {"token": SECRET}}}, "endpoints.nlg.token"),
    ],
)
def test_a_secret_value_in_defaults_does_not_cross_into_another_namespace(defaults: JsonObject, field: str) -> None:
    elsewhere = server(namespace="platform", defaults=defaults)
    guest = environment(modelServerRef={"namespace": "platform"})

    with pytest.raises(SpecError) as refused:
        named_values(guest, elsewhere, merged_spec(guest, elsewhere))

    assert str(refused.value) == (
        f"spec.defaults.{field} of ModelServer platform/default refers to a Secret in namespace platform, and "
        f"secret values are not copied to namespace bots: set spec.{field} of this environment to a Secret in its own "
        "namespace"
    )


def test_an_environment_elsewhere_may_set_its_own_secret_in_the_place_of_a_default() -> None:
    elsewhere = server(namespace="platform", defaults={"trackerStore": {"sql": {**SQL_HOST, "password": SECRET}}})
    guest = environment(**SQL, modelServerRef={"namespace": "platform"})

    found = values(guest, {PASSWORDS: {"k": b"mine"}}, model_server=elsewhere)

    assert found["DB_PASSWORD"] == "mine"


def test_the_own_token_wins_over_that_of_the_server() -> None:
    shared = server(authToken={"secretKeyRef": {"name": "shared", "key": "t"}})
    own = environment(authToken={"secretKeyRef": {"name": "passwords", "key": "k"}})

    assert values(own, {PASSWORDS: {"k": b"mine"}}, model_server=shared) == {"RASA_TOKEN": "mine"}


def test_named_values_stand_beside_the_generated_token() -> None:
    found = values(environment(**SQL), {PASSWORDS: {"k": b"secret\n"}}, own=own_secret())

    assert found == {"RASA_TOKEN": KEPT, "DB_PASSWORD": "secret"}


def test_the_token_to_pull_is_that_of_the_credentials() -> None:
    with_credentials = server(credentialsSecretRef={"name": "rasa-x"})

    found = values(environment(), {CREDENTIALS: {"token": b"pull\n"}}, model_server=with_credentials)

    assert found["RASA_X_TOKEN"] == "pull"


@pytest.mark.parametrize("character", ["+", "&", "#", "%", " ", "é", "\n"])
def test_a_token_that_rasa_x_would_not_get_as_it_is_is_refused_without_being_named(character: str) -> None:
    token = f"pull{character}token"

    found = problem(environment(), {CREDENTIALS: {"token": token.encode()}}, model_server=RASA_X)

    assert found.reason == Reason.INVALID_SPEC
    assert "has a character that must be escaped in a URL" in found.message
    assert token not in found.message


def test_credentials_without_a_token_to_pull_are_none() -> None:
    with_credentials = server(credentialsSecretRef={"name": "rasa-x"})

    found = values(environment(), {CREDENTIALS: {"apiToken": b"write"}}, model_server=with_credentials)

    assert set(found) == {"RASA_TOKEN"}


MISSING: list[tuple[Contents, str, str]] = [
    (
        {},
        "SecretNotFound",
        "spec.trackerStore.sql.password: Secret bots/passwords not found: create it with key k",
    ),
    (
        {PASSWORDS: {"b": b"1", "a": b"2"}},
        "SecretKeyNotFound",
        "key k of Secret bots/passwords is missing (it holds a, b): set it, or refer to another key",
    ),
    ({PASSWORDS: {}}, "SecretKeyNotFound", "key k of Secret bots/passwords is missing (it holds nothing): "),
    ({PASSWORDS: {"k": b""}}, "SecretKeyNotFound", "key k of Secret bots/passwords is empty: set it"),
    ({PASSWORDS: {"k": b"\n"}}, "SecretKeyNotFound", "key k of Secret bots/passwords is empty"),
]


@pytest.mark.parametrize(("contents", "reason", "message"), MISSING)
def test_what_is_missing_is_reported_with_its_place(contents: Contents, reason: str, message: str) -> None:
    found = problem(environment(**SQL), contents)

    assert found.reason == reason
    assert found.message.startswith("spec.trackerStore.sql.password: ")
    assert message in found.message
    assert not found.stalled


def test_missing_credentials_are_reported_with_what_to_create() -> None:
    found = problem(environment(), model_server=server(credentialsSecretRef={"name": "rasa-x"}))

    assert found.message == (
        "ModelServer bots/default: spec.credentialsSecretRef: Secret bots/rasa-x not found: "
        "create it with keys token and apiToken"
    )


def test_a_missing_token_of_the_server_names_the_server() -> None:
    found = problem(environment(), model_server=server(authToken={"secretKeyRef": {"name": "shared", "key": "t"}}))

    assert found.message.startswith("ModelServer bots/default: spec.authToken: Secret bots/shared not found")


@pytest.mark.parametrize(("tls", "value"), [(None, "a/b@c"), ("Disabled", "a/b@c"), ("Required", "a%2Fb%40c")])
def test_a_password_that_rasa_puts_into_an_address_is_escaped(tls: str | None, value: str) -> None:
    rabbitmq: JsonObject = {"host": "rabbit", "password": SECRET, **({} if tls is None else {"tls": {"mode": tls}})}

    found = values(environment(eventBroker={"rabbitmq": rabbitmq}), {PASSWORDS: {"k": b"a/b@c"}})

    assert found["RABBITMQ_PASSWORD"] == value


def test_the_secrets_that_concern_an_environment_are_those_named_and_the_credentials() -> None:
    found = server(credentialsSecretRef={"name": "rasa-x"})

    own, spec = environment(**SQL), merged_spec(environment(**SQL), found)

    assert Resolved(own, found, spec, named_values(own, found, spec), ()).secrets == {PASSWORDS, CREDENTIALS}
    assert Resolved(environment(), server(), spec, (), ()).secrets == set()


def test_values_that_are_shown_are_hidden() -> None:
    assert KEPT not in repr(Issued({"RASA_TOKEN": KEPT}, salt=KEPT))


@given(
    value=st.text(min_size=1).filter(lambda text: not text.endswith(("\r", "\n"))),
    end=st.sampled_from(["", "\n", "\r\n"]),
)
def test_only_the_end_of_the_line_is_dropped(value: str, end: str) -> None:
    assert decoded((value + end).encode(errors="replace")) == value.encode(errors="replace").decode()


def test_what_is_no_text_is_no_value() -> None:
    assert decoded(b"\xff\xfe") == ""
