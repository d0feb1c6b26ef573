"""Passwords and tokens of a file stay in Secrets: never in a spec, a finding or a remark."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rasa_chart_import.findings import Outcome
from rasa_chart_import.report import report
from rasa_environments.api.base import JsonObject

from .cases import ENTERPRISE, RASA_X_0_2, RASA_X_0_4, defaults, finding, from_values, from_yaml, secret_key

CHANNELS = """
rasa:
  additionalChannelCredentials:
    rest:
    facebook: {verify: rasa-bot, secret: abc, page-access-token: def}
    socketio: {user_message_evt: user_uttered, session_persistence: true}
    callback: {url: "https://example.com/back?token=ghi"}
    telegram: {access_token: "${TELEGRAM_TOKEN}"}
"""


def test_channels_keep_their_secrets_in_a_secret() -> None:
    result = from_yaml(CHANNELS)

    channels = {channel["name"]: channel.get("config") for channel in defaults(result)["channels"]}
    assert channels == {
        "rest": None,
        "facebook": {
            "verify": secret_key("my-imported", "additionalChannelCredentials-facebook-verify"),
            "secret": secret_key("my-imported", "additionalChannelCredentials-facebook-secret"),
            "page-access-token": secret_key("my-imported", "additionalChannelCredentials-facebook-page-access-token"),
        },
        "socketio": {"user_message_evt": "user_uttered", "session_persistence": True},
        "callback": {"url": secret_key("my-imported", "additionalChannelCredentials-callback-url")},
        "telegram": {"access_token": "${TELEGRAM_TOKEN}"},
    }
    assert sorted(result.secrets.contents["my-imported"].values()) == [
        "abc",
        "def",
        "https://example.com/back?token=ghi",
        "rasa-bot",
    ]
    assert finding(result, "rasa.additionalChannelCredentials.rest").outcome is Outcome.MAPPED


def test_with_rasa_x_0_32_channels_stay_where_the_servers_read_them() -> None:
    result = from_yaml(CHANNELS, RASA_X_0_4)

    assert "channels" not in defaults(result)
    assert finding(result, "rasa.additionalChannelCredentials.facebook.secret").outcome is Outcome.NOT_NEEDED


def test_variables_that_look_like_secrets_become_references() -> None:
    result = from_yaml("""
        rasa:
          extraEnvs:
            - {name: LOG_FORMAT, value: json}
            - {name: TWILIO_AUTH_TOKEN, value: abc}
            - {name: DATABASE_URL, value: "postgresql://rasa:def@db/rasa"}
            - {name: LICENSE, value: 8f14e45fceea167a5a36dedd4bea2543}
            - {name: SID, valueFrom: {secretKeyRef: {name: twilio, key: sid}}}
            - {name: RASA_ENVIRONMENT, value: other}
        """)

    (container,) = defaults(result)["podTemplate"]["spec"]["containers"]
    sources = {entry["name"]: entry.get("value") or entry["valueFrom"] for entry in container["env"]}
    del sources["RASA_DUCKLING_HTTP_URL"]
    assert sources == {
        "LOG_FORMAT": "json",
        "TWILIO_AUTH_TOKEN": secret_key("my-imported", "rasa-extraEnvs-TWILIO_AUTH_TOKEN"),
        "DATABASE_URL": secret_key("my-imported", "rasa-extraEnvs-DATABASE_URL"),
        "LICENSE": secret_key("my-imported", "rasa-extraEnvs-LICENSE"),
        "SID": secret_key("twilio", "sid"),
    }
    assert "RASA_ENVIRONMENT" in finding(result, "rasa.extraEnvs").text


def test_an_argument_that_looks_like_a_secret_is_left_out() -> None:
    result = from_yaml('rasa: {extraArgs: ["--connector-token=abc", --quiet]}')

    assert defaults(result)["rasa"]["extraArgs"] == ["--quiet"]
    assert "--connector-token" in finding(result, "rasa.extraArgs").text
    assert "abc" not in finding(result, "rasa.extraArgs").text


def test_the_token_and_the_first_user_of_rasa_x_are_the_model_server_s_credentials() -> None:
    result = from_yaml("rasax: {token: abc, initialUser: {username: me, password: def}}")

    assert result.secrets.contents["my-model-server"] == {"token": "abc", "username": "me", "password": "def"}


def test_a_secret_of_one_s_own_is_used_and_values_beside_it_are_not() -> None:
    result = from_yaml("rasaSecret: tokens\nrasax: {token: abc}\nrasa: {token: def}")

    assert defaults(result)["jwt"] == {"key": secret_key("tokens", "jwtSecret")}
    assert finding(result, "rasax.token").outcome is Outcome.NOT_NEEDED
    assert result.secrets.contents == {}


def test_the_password_of_a_service_of_one_s_own_is_kept_where_no_secret_is_named() -> None:
    result = from_yaml("redis: {install: false, existingHost: redis, auth: {password: abc}}")

    assert defaults(result)["lockStore"]["redis"]["password"] == secret_key("my-imported", "redis-password")
    assert result.secrets.contents == {"my-imported": {"redis-password": "abc"}}


def planted(secret: str) -> JsonObject:
    """Values with a secret in every place where the chart accepts one."""
    return {
        "rasax": {"token": secret, "jwtSecret": secret, "passwordSalt": secret, "initialUser": {"password": secret}},
        "rasa": {
            "tag": "2.8.15-full",
            "token": secret,
            "additionalChannelCredentials": {"slack": {"slack_token": secret, "list": [secret, {"deep": secret}]}},
            "additionalEndpoints": {"nlg": {"url": "http://nlg", "token": secret}},
            "extraEnvs": [{"name": "MY_PASSWORD", "value": secret}],
            "extraArgs": [f"--my-token={secret}", "--my-secret", secret],
            "trackerStore": {"query": {"sslpassword": secret}},
        },
        "rabbitmq": {"auth": {"password": secret, "erlangCookie": secret}, "rabbitmq": {"password": secret}},
        "redis": {"auth": {"password": secret}, "password": secret},
        "postgresql": {"postgresqlPostgresPassword": secret},
        "global": {"postgresql": {"postgresqlPassword": secret}, "redis": {"password": secret}},
        "unknown": {"password": secret},
    }


def without_install(values: JsonObject) -> JsonObject:
    """The same with external services."""
    installs = {name: {"install": False, "existingHost": "host"} for name in ("rabbitmq", "redis", "postgresql")}
    return values | {name: {**values[name], **more} for name, more in installs.items()}


@pytest.mark.parametrize("chart", [RASA_X_0_2, RASA_X_0_4, ENTERPRISE])
@settings(deadline=None, max_examples=15)
@given(secret=st.text(alphabet="QZ*~", min_size=3, max_size=30))
def test_no_secret_of_a_file_is_in_a_resource_or_in_the_report(chart: tuple[int, ...], secret: str) -> None:
    for values in (planted(secret), without_install(planted(secret))):
        result = from_values(values, chart)

        assert secret not in str(result.resources)
        assert secret not in report(result, {}, with_secrets=False)
        assert secret not in report(result, {}, with_secrets=True)
        assert secret not in repr(result)
