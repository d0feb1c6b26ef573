"""The secret values of an environment: taken from where people keep them, or generated once and kept."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.base import JsonObject, ObjectKey
from rasa_environments.api.conditions import Reason
from rasa_environments.api.deployment_environment import ROTATE_TOKEN_ANNOTATION, DeploymentEnvironment
from rasa_environments.api.model_server import ModelServer
from rasa_environments.cluster.secrets import Secrets
from rasa_environments.desired.context import ROTATED_AT_ANNOTATION
from rasa_environments.desired.errors import SpecError
from rasa_environments.desired.merging import merged_spec
from rasa_environments.judge.findings import Problem
from rasa_environments.reconcile.secret_values import (
    SecretValues,
    decoded,
    gathered,
    generated_token,
    secrets_of,
    wanted_variables,
)
from tests.reconcile.objects import environment_body, server

FIRST, SECOND = "2026-01-01", "2026-02-02"
KEPT = "4f" * 32
PASSWORDS, SHARED, CREDENTIALS = (
    ObjectKey("bots", "passwords"),
    ObjectKey("platform", "shared"),
    ObjectKey("bots", "rasa-x"),
)
SECRET: JsonObject = {"secretKeyRef": {"name": "passwords", "key": "k"}}
SQL_HOST: JsonObject = {"host": "db", "username": "u"}
SQL: JsonObject = {"trackerStore": {"sql": {**SQL_HOST, "password": SECRET}}}

Contents = Mapping[ObjectKey, Mapping[str, bytes]]


def environment(rotate: str | None = None, **spec: Any) -> DeploymentEnvironment:
    """An environment, perhaps with the annotation that asks for a new token."""
    body = environment_body("support", uid="uid-1", **spec)
    if rotate is not None:
        body["metadata"]["annotations"] = {ROTATE_TOKEN_ANNOTATION: rotate}
    return DeploymentEnvironment.model_validate(body)


def own_secret(token: str = KEPT, *, rotated_at: str | None = None, owner: str = "uid-1") -> JsonObject:
    """The environment's Secret as the API server shows it."""
    return {
        "metadata": {
            "annotations": {ROTATED_AT_ANNOTATION: rotated_at} if rotated_at else None,
            "ownerReferences": [{"uid": owner}],
        },
        "data": {"token": b64encode(token.encode()).decode()},
    }


async def values_of(
    environment: DeploymentEnvironment,
    contents: Contents | None = None,
    *,
    model_server: ModelServer | None = None,
    own: JsonObject | None = None,
    settled: SecretValues | None = None,
) -> SecretValues | Problem:
    """What is gathered where these Secrets are there."""
    reader = Mock(spec=Secrets)
    reader.read = AsyncMock(side_effect=(contents or {}).get)
    found = model_server or server()
    variables = wanted_variables(environment, found, merged_spec(environment, found))
    return await gathered(reader, environment, found, variables, own=own, settled=settled)


async def values(environment: DeploymentEnvironment, contents: Contents | None = None, **more: Any) -> dict[str, str]:
    """The values, where none is missing."""
    found = await values_of(environment, contents, **more)
    assert isinstance(found, SecretValues), found
    return found.values


async def problem(environment: DeploymentEnvironment, contents: Contents | None = None, **more: Any) -> Problem:
    """What is missing."""
    found = await values_of(environment, contents, **more)
    assert isinstance(found, Problem), found
    return found


def test_a_new_environment_gets_a_token_of_its_own() -> None:
    token, rotated_at = generated_token(environment(), None, None)

    assert re.fullmatch("[0-9a-f]{64}", token)
    assert rotated_at is None
    assert token != generated_token(environment(), None, None)[0]


def test_the_token_in_the_own_secret_is_kept() -> None:
    assert generated_token(environment(), own_secret(rotated_at=FIRST), None) == (KEPT, FIRST)


def test_the_token_of_this_process_counts_where_the_secret_is_lost() -> None:
    settled = SecretValues({"RASA_TOKEN": KEPT}, FIRST)

    assert generated_token(environment(), None, settled) == (KEPT, FIRST)
    assert generated_token(environment(), own_secret("changed by hand"), settled) == (KEPT, FIRST)


def test_a_rotation_of_another_operator_is_not_undone() -> None:
    mine = SecretValues({"RASA_TOKEN": "of mine"}, None)

    assert generated_token(environment(rotate=FIRST), own_secret(rotated_at=FIRST), mine) == (KEPT, FIRST)
    assert generated_token(environment(), own_secret(rotated_at=FIRST), mine) == (KEPT, FIRST), "not seen yet here"


def test_a_token_that_was_edited_goes_back_to_that_of_the_same_rotation() -> None:
    settled = SecretValues({"RASA_TOKEN": KEPT}, FIRST)

    assert generated_token(environment(rotate=FIRST), own_secret("edited", rotated_at=FIRST), settled) == (KEPT, FIRST)


def test_a_secret_from_before_the_rotation_does_not_bring_its_token_back() -> None:
    settled = SecretValues({"RASA_TOKEN": KEPT}, SECOND)

    assert generated_token(environment(rotate=SECOND), own_secret("old", rotated_at=FIRST), settled) == (KEPT, SECOND)


def test_a_secret_of_a_former_environment_is_nobodys_token() -> None:
    token, _ = generated_token(environment(), own_secret(owner="former"), None)

    assert token != KEPT


def test_an_empty_token_is_none() -> None:
    token, _ = generated_token(environment(), own_secret(""), None)

    assert re.fullmatch("[0-9a-f]{64}", token)


def test_a_new_value_of_the_annotation_asks_for_a_new_token_once() -> None:
    asked = environment(rotate=SECOND)

    token, rotated_at = generated_token(asked, own_secret(rotated_at=FIRST), SecretValues({"RASA_TOKEN": KEPT}, FIRST))

    assert token != KEPT
    assert rotated_at == SECOND
    assert generated_token(asked, own_secret(token, rotated_at=SECOND), None) == (token, SECOND)
    assert generated_token(asked, None, SecretValues({"RASA_TOKEN": token}, SECOND)) == (token, SECOND)


def test_a_rotation_that_was_done_before_this_process_began_is_not_done_again() -> None:
    assert generated_token(environment(rotate=FIRST), own_secret(rotated_at=FIRST), None) == (KEPT, FIRST)


def test_taking_the_annotation_away_keeps_the_token() -> None:
    assert generated_token(environment(), own_secret(rotated_at=FIRST), None) == (KEPT, FIRST)


async def test_the_token_is_the_users_where_the_spec_names_one() -> None:
    own = environment(authToken={"secretKeyRef": {"name": "passwords", "key": "k"}})

    assert await values(own, {PASSWORDS: {"k": b"mine"}}, own=own_secret()) == {"RASA_TOKEN": "mine"}


async def test_the_token_is_that_of_the_server_where_it_names_one() -> None:
    shared = server(authToken={"secretKeyRef": {"name": "shared", "key": "t"}})

    assert await values(environment(), {ObjectKey("bots", "shared"): {"t": b"ours"}}, model_server=shared) == {
        "RASA_TOKEN": "ours"
    }


async def test_of_a_server_in_another_namespace_only_the_token_to_pull_is_copied() -> None:
    elsewhere = server(
        namespace="platform",
        profile="RasaX-0.2",
        authToken={"secretKeyRef": {"name": "shared", "key": "t"}},
        credentialsSecretRef={"name": "rasa-x"},
    )
    guest = environment(modelServerRef={"namespace": "platform"})
    there = {"token": b"pull", "apiToken": b"write", "jwtSecret": b"signs-logins", "password": b"mine"}
    contents = {SHARED: {"t": b"ours"}, ObjectKey("platform", "rasa-x"): there}

    found = await values(guest, contents, model_server=elsewhere)

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
        wanted_variables(guest, elsewhere, merged_spec(guest, elsewhere))

    assert str(refused.value) == (
        f"spec.defaults.{field} of ModelServer platform/default names a Secret in namespace platform, and secret "
        f"values do not cross into namespace bots: set spec.{field} of this environment to a Secret of its own "
        "namespace"
    )


async def test_an_environment_elsewhere_may_set_its_own_secret_in_the_place_of_a_default() -> None:
    elsewhere = server(namespace="platform", defaults={"trackerStore": {"sql": {**SQL_HOST, "password": SECRET}}})
    guest = environment(**SQL, modelServerRef={"namespace": "platform"})

    found = await values(guest, {PASSWORDS: {"k": b"mine"}}, model_server=elsewhere)

    assert found["DB_PASSWORD"] == "mine"


async def test_the_own_token_wins_over_that_of_the_server() -> None:
    shared = server(authToken={"secretKeyRef": {"name": "shared", "key": "t"}})
    own = environment(authToken={"secretKeyRef": {"name": "passwords", "key": "k"}})

    assert await values(own, {PASSWORDS: {"k": b"mine"}}, model_server=shared) == {"RASA_TOKEN": "mine"}


async def test_a_rotation_does_not_touch_a_token_that_a_person_keeps() -> None:
    own = environment(rotate=FIRST, authToken={"secretKeyRef": {"name": "passwords", "key": "k"}})

    found = await values_of(own, {PASSWORDS: {"k": b"mine"}})

    assert isinstance(found, SecretValues)
    assert (found.values, found.token_rotated_at) == ({"RASA_TOKEN": "mine"}, None)


async def test_named_values_stand_beside_the_generated_token() -> None:
    found = await values(environment(**SQL), {PASSWORDS: {"k": b"secret\n"}}, own=own_secret())

    assert found == {"RASA_TOKEN": KEPT, "DB_PASSWORD": "secret"}


async def test_the_token_to_pull_is_that_of_the_credentials() -> None:
    with_credentials = server(credentialsSecretRef={"name": "rasa-x"})

    found = await values(environment(), {CREDENTIALS: {"token": b"pull\n"}}, model_server=with_credentials)

    assert found["RASA_X_TOKEN"] == "pull"


JWT: JsonObject = {"jwt": {"key": SECRET}}
RASA_X = server(profile="RasaX-0.32", credentialsSecretRef={"name": "rasa-x"})


@pytest.mark.parametrize("character", ["+", "&", "#", "%", " ", "é", "\n"])
async def test_a_token_that_rasa_x_would_not_get_as_it_is_is_refused_without_being_named(character: str) -> None:
    token = f"pull{character}token"

    found = await problem(environment(), {CREDENTIALS: {"token": token.encode()}}, model_server=RASA_X)

    assert found.reason == Reason.INVALID_SPEC
    assert "has a character that an address must escape" in found.message
    assert token not in found.message


def with_jwt_secret(secret: str, *, owner: str = "uid-1") -> JsonObject:
    """The environment's Secret as the API server shows it, with a JWT secret."""
    own = own_secret(owner=owner)
    return {**own, "data": {**own["data"], "jwt-secret": b64encode(secret.encode()).decode()}}


async def test_the_jwt_secret_is_that_of_the_spec_before_the_own_one_and_never_that_of_the_server() -> None:
    own, shared = with_jwt_secret("kept"), {CREDENTIALS: {"token": b"pull", "jwtSecret": b"shared\n"}}
    named = {**shared, PASSWORDS: {"k": b"named"}}

    for spec, contents, secret in ((JWT, named, "named"), ({}, shared, "kept")):
        found = await values(environment(**spec), contents, model_server=RASA_X, own=own)
        assert found == {"RASA_TOKEN": KEPT, "RASA_X_TOKEN": "pull", "JWT_SECRET": secret}


async def test_a_jwt_secret_of_the_server_that_an_earlier_version_copied_is_replaced() -> None:
    shared = {CREDENTIALS: {"token": b"pull", "jwtSecret": b"shared\n"}}

    found = await values(environment(), shared, model_server=RASA_X, own=with_jwt_secret("shared"))

    assert re.fullmatch("[0-9a-f]{64}", found["JWT_SECRET"])


@pytest.mark.parametrize("profile", ["RasaX-0.2", "RasaX-0.32"])
async def test_a_jwt_secret_that_nobody_gives_is_generated_and_is_not_the_token(profile: str) -> None:
    found, other = [await values(environment(), model_server=server(profile=profile)) for _ in range(2)]

    assert re.fullmatch("[0-9a-f]{64}", found["JWT_SECRET"])
    assert len({found["JWT_SECRET"], other["JWT_SECRET"], found["RASA_TOKEN"]}) == 3


async def test_a_generated_jwt_secret_is_kept_whatever_becomes_of_the_token() -> None:
    first = await values_of(environment(), model_server=server(profile="RasaX-0.2"))
    assert isinstance(first, SecretValues)
    secret = first.values["JWT_SECRET"]
    rotated = environment(rotate=FIRST)

    for kept_in in ({"settled": first}, {"own": with_jwt_secret(secret)}):
        found = await values(rotated, model_server=server(profile="RasaX-0.2"), **kept_in)
        assert found["JWT_SECRET"] == secret
        assert found["RASA_TOKEN"] not in (KEPT, first.values["RASA_TOKEN"])


async def test_the_jwt_secret_of_a_former_environment_is_nobodys() -> None:
    found = await values(
        environment(), model_server=server(profile="RasaX-0.2"), own=with_jwt_secret("theirs", owner="former")
    )

    assert found["JWT_SECRET"] != "theirs"


@pytest.mark.parametrize("profile", ["RasaEnterprise-1.0", "OpenSource"])
async def test_where_the_command_wants_no_jwt_secret_there_is_none_but_that_of_the_spec(profile: str) -> None:
    open_source = server(profile=profile, credentialsSecretRef={"name": "rasa-x"})
    contents = {CREDENTIALS: {"jwtSecret": b"shared"}, PASSWORDS: {"k": b"named"}}

    assert set(await values(environment(), contents, model_server=open_source)) == {"RASA_TOKEN"}
    assert (await values(environment(**JWT), contents, model_server=open_source))["JWT_SECRET"] == "named"


async def test_credentials_without_a_token_to_pull_are_none() -> None:
    with_credentials = server(credentialsSecretRef={"name": "rasa-x"})

    found = await values(environment(), {CREDENTIALS: {"apiToken": b"write"}}, model_server=with_credentials)

    assert set(found) == {"RASA_TOKEN"}


MISSING: list[tuple[Contents, str, str]] = [
    (
        {},
        "SecretNotFound",
        "spec.trackerStore.sql.password: Secret bots/passwords is not there: create it with the key k",
    ),
    (
        {PASSWORDS: {"b": b"1", "a": b"2"}},
        "SecretKeyNotFound",
        "key k of Secret bots/passwords is not in it (it holds a, b): put the value there, or name another key",
    ),
    ({PASSWORDS: {}}, "SecretKeyNotFound", "key k of Secret bots/passwords is not in it (it holds nothing): "),
    ({PASSWORDS: {"k": b""}}, "SecretKeyNotFound", "key k of Secret bots/passwords is empty: put the value there"),
    ({PASSWORDS: {"k": b"\n"}}, "SecretKeyNotFound", "key k of Secret bots/passwords is empty"),
]


@pytest.mark.parametrize(("contents", "reason", "message"), MISSING)
async def test_what_is_missing_is_told_with_its_place(contents: Contents, reason: str, message: str) -> None:
    found = await problem(environment(**SQL), contents)

    assert found.reason == reason
    assert found.message.startswith("spec.trackerStore.sql.password: ")
    assert message in found.message
    assert not found.stalled


async def test_missing_credentials_are_told_with_what_to_create() -> None:
    found = await problem(environment(), model_server=server(credentialsSecretRef={"name": "rasa-x"}))

    assert found.message == (
        "ModelServer bots/default: spec.credentialsSecretRef: Secret bots/rasa-x is not there: "
        "create it with the keys token and apiToken"
    )


async def test_a_missing_token_of_the_server_names_the_server() -> None:
    found = await problem(
        environment(), model_server=server(authToken={"secretKeyRef": {"name": "shared", "key": "t"}})
    )

    assert found.message.startswith("ModelServer bots/default: spec.authToken: Secret bots/shared is not there")


@pytest.mark.parametrize(("tls", "value"), [(None, "a/b@c"), ("Disabled", "a/b@c"), ("Required", "a%2Fb%40c")])
async def test_a_password_that_rasa_puts_into_an_address_is_escaped(tls: str | None, value: str) -> None:
    rabbitmq: JsonObject = {"host": "rabbit", "password": SECRET, **({} if tls is None else {"tls": {"mode": tls}})}

    found = await values(environment(eventBroker={"rabbitmq": rabbitmq}), {PASSWORDS: {"k": b"a/b@c"}})

    assert found["RABBITMQ_PASSWORD"] == value


def test_the_secrets_that_concern_an_environment_are_those_named_and_the_credentials() -> None:
    found = server(credentialsSecretRef={"name": "rasa-x"})

    variables = wanted_variables(environment(), found, merged_spec(environment(**SQL), found))

    assert secrets_of(variables, (), found) == {PASSWORDS, CREDENTIALS}
    assert secrets_of([], (), server()) == set()


def with_salt(own: JsonObject, salt: str = "kept-salt") -> JsonObject:
    """The environment's Secret with a salt in it."""
    return {**own, "data": {**own["data"], "salt": b64encode(salt.encode()).decode()}}


async def salt_of(environment: DeploymentEnvironment, contents: Contents | None = None, **more: Any) -> str | None:
    """The salt, where no value is missing."""
    found = await values_of(environment, contents, **more)
    assert isinstance(found, SecretValues)
    return found.salt


async def test_a_new_environment_gets_a_salt_of_its_own_and_keeps_it() -> None:
    first = await values_of(environment())
    assert isinstance(first, SecretValues)

    assert re.fullmatch("[0-9a-f]{64}", first.salt or "")
    assert await salt_of(environment()) != first.salt
    assert await salt_of(environment(), settled=first) == first.salt
    assert await salt_of(environment(), own=with_salt(own_secret())) == "kept-salt"


async def test_an_environment_that_0_1_0_made_gets_a_salt_when_its_pods_are_restarted_anyway() -> None:
    assert await salt_of(environment(), own=own_secret()) is None
    assert await salt_of(environment(rotate=FIRST), own=own_secret()) is not None


async def test_a_token_that_a_person_keeps_may_be_known_to_others_so_there_is_a_salt() -> None:
    known = environment(authToken=SECRET)

    assert await salt_of(known, {PASSWORDS: {"k": KEPT.encode()}}, own=own_secret()) is not None


def test_values_that_are_shown_are_hidden() -> None:
    assert KEPT not in repr(SecretValues({"RASA_TOKEN": KEPT}, salt=KEPT))


@given(
    value=st.text(min_size=1).filter(lambda text: not text.endswith(("\r", "\n"))),
    end=st.sampled_from(["", "\n", "\r\n"]),
)
def test_only_the_end_of_the_line_is_dropped(value: str, end: str) -> None:
    assert decoded((value + end).encode(errors="replace")) == value.encode(errors="replace").decode()


def test_what_is_no_text_is_no_value() -> None:
    assert decoded(b"\xff\xfe") == ""
