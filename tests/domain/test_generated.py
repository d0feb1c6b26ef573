"""The token, the JWT secret and the salt of an environment: generated once, and kept."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Any

import pytest

from rasa_environments.api.base import JsonObject
from rasa_environments.api.deployment_environment import DeploymentEnvironment
from rasa_environments.domain.generated import Issued, generate
from rasa_environments.reconcile.environment import new_token
from tests.domain.planning import (
    CREDENTIALS,
    KEPT,
    PASSWORDS,
    RASA_X,
    SECRET,
    Contents,
    environment,
    own_secret,
    values,
    values_of,
)
from tests.reconcile.objects import server

FIRST, SECOND = "2026-01-01", "2026-02-02"
JWT: JsonObject = {"jwt": {"key": SECRET}}


def with_jwt_secret(secret: str, *, owner: str = "uid-1") -> JsonObject:
    """The environment's Secret as the API server shows it, with a JWT secret."""
    own = own_secret(owner=owner)
    return {**own, "data": {**own["data"], "jwt-secret": b64encode(secret.encode()).decode()}}


def with_salt(own: JsonObject, salt: str = "kept-salt") -> JsonObject:
    """The environment's Secret with a salt in it."""
    return {**own, "data": {**own["data"], "salt": b64encode(salt.encode()).decode()}}


def salt_of(environment: DeploymentEnvironment, contents: Contents | None = None, **more: Any) -> str | None:
    """The salt, where no value is missing."""
    found = values_of(environment, contents, **more)
    assert isinstance(found, Issued)
    return found.salt


def token_of(
    environment: DeploymentEnvironment, own: JsonObject | None, issued: Issued | None
) -> tuple[str, str | None]:
    """The generated token, and the rotation that it stands for."""
    found = generate(environment, own, issued, new_token)
    return found.token, found.token_rotated_at


def test_a_new_environment_gets_a_token_of_its_own() -> None:
    token, rotated_at = token_of(environment(), None, None)

    assert re.fullmatch("[0-9a-f]{64}", token)
    assert rotated_at is None
    assert token != token_of(environment(), None, None)[0]


def test_the_token_in_the_own_secret_is_kept() -> None:
    assert token_of(environment(), own_secret(rotated_at=FIRST), None) == (KEPT, FIRST)


def test_the_token_of_this_process_counts_where_the_secret_is_lost() -> None:
    issued = Issued({"RASA_TOKEN": KEPT}, FIRST)

    assert token_of(environment(), None, issued) == (KEPT, FIRST)
    assert token_of(environment(), own_secret("changed by hand"), issued) == (KEPT, FIRST)


def test_a_rotation_of_another_operator_is_not_undone() -> None:
    mine = Issued({"RASA_TOKEN": "of mine"}, None)

    assert token_of(environment(rotate=FIRST), own_secret(rotated_at=FIRST), mine) == (KEPT, FIRST)
    assert token_of(environment(), own_secret(rotated_at=FIRST), mine) == (KEPT, FIRST), "not seen yet here"


def test_a_token_that_was_edited_goes_back_to_that_of_the_same_rotation() -> None:
    issued = Issued({"RASA_TOKEN": KEPT}, FIRST)

    assert token_of(environment(rotate=FIRST), own_secret("edited", rotated_at=FIRST), issued) == (KEPT, FIRST)


def test_a_secret_from_before_the_rotation_does_not_bring_its_token_back() -> None:
    issued = Issued({"RASA_TOKEN": KEPT}, SECOND)

    assert token_of(environment(rotate=SECOND), own_secret("old", rotated_at=FIRST), issued) == (KEPT, SECOND)


def test_a_secret_of_a_former_environment_is_nobodys_token() -> None:
    token, _ = token_of(environment(), own_secret(owner="former"), None)

    assert token != KEPT


def test_an_empty_token_is_none() -> None:
    token, _ = token_of(environment(), own_secret(""), None)

    assert re.fullmatch("[0-9a-f]{64}", token)


def test_a_new_value_of_the_annotation_asks_for_a_new_token_once() -> None:
    asked = environment(rotate=SECOND)

    token, rotated_at = token_of(asked, own_secret(rotated_at=FIRST), Issued({"RASA_TOKEN": KEPT}, FIRST))

    assert token != KEPT
    assert rotated_at == SECOND
    assert token_of(asked, own_secret(token, rotated_at=SECOND), None) == (token, SECOND)
    assert token_of(asked, None, Issued({"RASA_TOKEN": token}, SECOND)) == (token, SECOND)


def test_a_rotation_that_was_done_before_this_process_began_is_not_done_again() -> None:
    assert token_of(environment(rotate=FIRST), own_secret(rotated_at=FIRST), None) == (KEPT, FIRST)


def test_taking_the_annotation_away_keeps_the_token() -> None:
    assert token_of(environment(), own_secret(rotated_at=FIRST), None) == (KEPT, FIRST)


def test_a_rotation_does_not_touch_a_token_that_a_person_keeps() -> None:
    own = environment(rotate=FIRST, authToken={"secretKeyRef": {"name": "passwords", "key": "k"}})

    found = values_of(own, {PASSWORDS: {"k": b"mine"}})

    assert isinstance(found, Issued)
    assert (found.values, found.token_rotated_at) == ({"RASA_TOKEN": "mine"}, None)


def test_the_jwt_secret_is_that_of_the_spec_before_the_own_one_and_never_that_of_the_server() -> None:
    own, shared = with_jwt_secret("kept"), {CREDENTIALS: {"token": b"pull", "jwtSecret": b"shared\n"}}
    named = {**shared, PASSWORDS: {"k": b"named"}}

    for spec, contents, secret in ((JWT, named, "named"), ({}, shared, "kept")):
        found = values(environment(**spec), contents, model_server=RASA_X, own=own)
        assert found == {"RASA_TOKEN": KEPT, "RASA_X_TOKEN": "pull", "JWT_SECRET": secret}


@pytest.mark.parametrize("profile", ["RasaX-0.2", "RasaX-0.32"])
def test_a_jwt_secret_that_nobody_gives_is_generated_and_is_not_the_token(profile: str) -> None:
    found, other = [values(environment(), model_server=server(profile=profile)) for _ in range(2)]

    assert re.fullmatch("[0-9a-f]{64}", found["JWT_SECRET"])
    assert len({found["JWT_SECRET"], other["JWT_SECRET"], found["RASA_TOKEN"]}) == 3


def test_a_generated_jwt_secret_is_kept_whatever_becomes_of_the_token() -> None:
    first = values_of(environment(), model_server=server(profile="RasaX-0.2"))
    assert isinstance(first, Issued)
    secret = first.values["JWT_SECRET"]
    rotated = environment(rotate=FIRST)

    for kept_in in ({"issued": first}, {"own": with_jwt_secret(secret)}):
        found = values(rotated, model_server=server(profile="RasaX-0.2"), **kept_in)
        assert found["JWT_SECRET"] == secret
        assert found["RASA_TOKEN"] not in (KEPT, first.values["RASA_TOKEN"])


def test_the_jwt_secret_of_a_former_environment_is_nobodys() -> None:
    found = values(
        environment(), model_server=server(profile="RasaX-0.2"), own=with_jwt_secret("theirs", owner="former")
    )

    assert found["JWT_SECRET"] != "theirs"


@pytest.mark.parametrize("profile", ["RasaEnterprise-1.0", "OpenSource"])
def test_where_the_command_wants_no_jwt_secret_there_is_none_but_that_of_the_spec(profile: str) -> None:
    open_source = server(profile=profile, credentialsSecretRef={"name": "rasa-x"})
    contents = {CREDENTIALS: {"jwtSecret": b"shared"}, PASSWORDS: {"k": b"named"}}

    assert set(values(environment(), contents, model_server=open_source)) == {"RASA_TOKEN"}
    assert (values(environment(**JWT), contents, model_server=open_source))["JWT_SECRET"] == "named"


def test_a_new_environment_gets_a_salt_of_its_own_and_keeps_it() -> None:
    first = values_of(environment())
    assert isinstance(first, Issued)

    assert re.fullmatch("[0-9a-f]{64}", first.salt or "")
    assert salt_of(environment()) != first.salt
    assert salt_of(environment(), issued=first) == first.salt
    assert salt_of(environment(), own=with_salt(own_secret())) == "kept-salt"


def test_a_token_that_a_person_keeps_may_be_known_to_others_so_there_is_a_salt() -> None:
    known = environment(authToken=SECRET)

    assert salt_of(known, {PASSWORDS: {"k": KEPT.encode()}}, own=own_secret()) is not None
