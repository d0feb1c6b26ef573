"""Logins: whose they are, and when they end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest

from rasa_model_server.authentication import Authenticator, Permission
from rasa_model_server.credentials import Credentials, Secret
from rasa_model_server.errors import ApiError
from rasa_model_server.logins import Account, Logins
from rasa_model_server.users import Caller, UsersOfFile

JWT_SECRET = "s" * 40
CREDENTIALS = Credentials(
    api_token=Secret("api-token"), username=Secret("me"), password=Secret("horse"), jwt_secret=Secret(JWT_SECRET)
)
ANN = "{username: ann, password: staple, permissions: [environments.test.write]}"


@pytest.fixture
def users_file(tmp_path: Path) -> Path:
    file = tmp_path / "users.yml"
    file.write_text(f"users: [{ANN}]")
    return file


def caller(authenticator: Authenticator, login: str) -> Caller | None:
    try:
        return authenticator.authorize(Permission.READ_MODELS, {}, {"authorization": f"Bearer {login}"})
    except ApiError:
        return None


def test_a_login_names_a_user_and_no_role(users_file: Path) -> None:
    authenticator = Authenticator(CREDENTIALS, UsersOfFile(users_file))
    login = authenticator.log_in("me", "horse", "10.0.0.1")

    claims = jwt.decode(login, options={"verify_signature": False})

    assert claims["user"] == {"username": "me"}
    assert caller(authenticator, login) == Caller("me", admin=True)


@pytest.mark.parametrize(
    "changed",
    [
        {"username": Secret("you")},
        {"password": Secret("another")},
        {"jwt_secret": Secret("t" * 40)},
        {"api_token": Secret("another")},
        {"username": Secret(), "password": Secret()},
    ],
    ids=" ".join,
)
def test_an_admins_login_ends_when_a_credential_changes(changed: dict[str, Secret]) -> None:
    login = Authenticator(CREDENTIALS).log_in("me", "horse", "10.0.0.1")

    assert caller(Authenticator(CREDENTIALS), login) is not None
    assert caller(Authenticator(replace(CREDENTIALS, **changed)), login) is None


@pytest.mark.parametrize(
    "content", ["users: []", f"users: [{ANN.replace('staple', 'other')}]", "users: [{username: ann}]", "broken: [", ""]
)
def test_a_users_login_ends_with_the_user_or_the_password_without_a_restart(users_file: Path, content: str) -> None:
    authenticator = Authenticator(CREDENTIALS, UsersOfFile(users_file))
    login = authenticator.log_in("ann", "staple", "10.0.0.1")
    before = caller(authenticator, login)

    users_file.write_text(content)

    assert before == Caller("ann", permissions=frozenset({"environments.test.write"}))
    assert caller(authenticator, login) is None


def test_a_permission_that_is_taken_away_is_gone_at_the_next_request(users_file: Path) -> None:
    authenticator = Authenticator(CREDENTIALS, UsersOfFile(users_file))
    login = authenticator.log_in("ann", "staple", "10.0.0.1")

    users_file.write_text("users: [{username: ann, password: staple}]")

    assert caller(authenticator, login) == Caller("ann")


def test_a_user_with_the_admins_name_and_password_is_no_admin(users_file: Path) -> None:
    users_file.write_text("users: [{username: me, password: horse}]")
    of_user = Logins(CREDENTIALS).issue(Account(Caller("me"), "horse"))

    assert caller(Authenticator(CREDENTIALS, UsersOfFile(users_file)), of_user) == Caller("me")


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"user": {"username": "me", "roles": ["admin"]}},
        {"user": {"username": "me"}, "account": ""},
        {"user": {"username": "me"}, "account": "\ud800"},
        {"user": {"username": "nobody"}, "account": "0" * 64},
        {"user": "me", "account": "0" * 64},
    ],
)
def test_what_is_signed_with_the_right_key_but_has_no_fingerprint_is_nobodys(claims: dict[str, object]) -> None:
    logins = Logins(CREDENTIALS)
    soon = datetime.now(UTC) + timedelta(minutes=5)

    token = jwt.encode(claims | {"exp": soon}, logins._key(), "HS256")

    assert caller(Authenticator(CREDENTIALS), token) is None


def test_an_expired_login_is_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rasa_model_server.logins.TOKEN_LIFETIME", timedelta(minutes=-1))
    login = Authenticator(CREDENTIALS).log_in("me", "horse", "10.0.0.1")

    assert caller(Authenticator(CREDENTIALS), login) is None


def statuses(authenticator: Authenticator, username: str, address: str, passwords: Iterator[str]) -> Iterator[int]:
    for password in passwords:
        try:
            authenticator.log_in(username, password, address)
        except ApiError as error:
            yield error.status
        else:
            yield 200


@pytest.mark.parametrize("username", ["me", "nobody"])
def test_who_guesses_is_answered_429_for_a_while_whatever_the_password(username: str) -> None:
    authenticator = Authenticator(CREDENTIALS)

    guesses = list(statuses(authenticator, username, "10.0.0.1", iter(["wrong"] * 8)))

    assert guesses == [401] * 5 + [429] * 3
    with pytest.raises(ApiError) as refused:
        authenticator.log_in(username, "horse", "10.0.0.1")
    assert (refused.value.status, int(refused.value.headers["Retry-After"])) == (429, 12)


def test_the_right_password_from_another_address_still_logs_in() -> None:
    authenticator = Authenticator(CREDENTIALS)
    for number in range(300):
        list(statuses(authenticator, "me", f"10.0.1.{number % 250}", iter(["wrong"])))

    assert authenticator.log_in("me", "horse", "10.0.0.1")


def test_one_address_cannot_try_one_user_after_another() -> None:
    authenticator = Authenticator(CREDENTIALS)

    found = [next(statuses(authenticator, f"user{number}", "10.0.0.1", iter(["wrong"]))) for number in range(40)]

    assert found == [401] * 20 + [429] * 20


def test_all_addresses_of_one_ipv6_network_are_one() -> None:
    authenticator = Authenticator(CREDENTIALS)

    found = [next(statuses(authenticator, "me", f"fd00::{number:x}", iter(["wrong"]))) for number in range(8)]

    assert found == [401] * 5 + [429] * 3
