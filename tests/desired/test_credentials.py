"""credentials.yml: the channels through which users reach the environment."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.base import JsonObject
from rasa_environments.desired.credentials import open_channels
from rasa_environments.desired.errors import SpecError
from tests.desired.contexts import children_by_kind, context
from tests.desired.pages import files, secret_variables

RASA = {"rasa": {"version": "3.6.21"}}
ENTERPRISE = {"profile": "RasaEnterprise-1.0"}
NAMES = st.sampled_from(["rest", "slack", "socketio", "addons.custom.MyInput"])
CONFIGS = st.none() | st.dictionaries(
    st.sampled_from(["token", "of-all"]), st.integers() | st.text(max_size=5), max_size=2
)


def token(key: str = "token") -> JsonObject:
    """A secret value."""
    return {"secretKeyRef": {"name": "slack", "key": key}}


def credentials(spec: JsonObject, **details: Any) -> JsonObject:
    """What credentials.yml says."""
    found: JsonObject = files(children_by_kind(context({**RASA, **spec}, **details)))["credentials.yml"]
    return found


def test_where_the_spec_is_silent_there_is_rest() -> None:
    assert credentials({}) == {"rest": None}


@given(configs=st.dictionaries(NAMES, CONFIGS))
def test_there_are_the_channels_that_the_spec_names(configs: dict[str, JsonObject | None]) -> None:
    named = [{"name": name, **({} if config is None else {"config": config})} for name, config in configs.items()]

    made = credentials({"channels": named})

    assert list(made.items()) == list(configs.items())


def test_a_secret_value_is_a_variable_with_the_name_of_its_channel() -> None:
    spec = {**RASA, "channels": [{"name": "slack", "config": {"slack_token": token(), "list": [token()]}}]}
    children = children_by_kind(context(spec))

    shown = files(children)["credentials.yml"]["slack"]

    assert shown == {"slack_token": "${CHANNELS_SLACK_SLACK_TOKEN}", "list": ["${CHANNELS_SLACK_LIST_0}"]}
    assert {"CHANNELS_SLACK_SLACK_TOKEN", "CHANNELS_SLACK_LIST_0"} <= secret_variables(children)


def test_two_secret_values_of_one_variable_are_refused() -> None:
    channels = [{"name": "a.b", "config": {"t": token("one")}}, {"name": "a_b", "config": {"t": token("two")}}]

    with pytest.raises(SpecError, match=r"spec\.channels\[a\.b\]\.config\.t and spec\.channels\[a_b\]\.config\.t both"):
        context({**RASA, "channels": channels})


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, ("rest",)),
        ({"channels": []}, ()),
        ({"channels": [{"name": "rasa", "config": {"url": "http://rasa-x/api"}}]}, ()),
        ({"channels": [{"name": "slack"}, {"name": "addons.custom.MyInput"}]}, ("slack", "addons.custom.MyInput")),
    ],
)
@pytest.mark.parametrize("server", [{}, ENTERPRISE], ids=["OpenSource", "RasaEnterprise-1.0"])
def test_users_reach_every_channel_but_that_of_the_model_server(
    server: JsonObject, spec: JsonObject, expected: tuple[str, ...]
) -> None:
    assert open_channels(context({**RASA, **spec}, server=server)) == expected


def test_an_environment_may_do_without_the_channels_of_the_defaults() -> None:
    spec = {"channels": [], "ignoreDefaults": ["channels"]}
    defaults = {"channels": [{"name": "slack"}]}

    assert credentials(spec, defaults=defaults) == {}
    assert yaml.safe_load(children_by_kind(context({**RASA, **spec}))["ConfigMap"]["data"]["credentials.yml"]) == {}
