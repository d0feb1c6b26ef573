"""credentials.yml: the channels of the Rasa server (https://rasa.com/docs/rasa, credentials.yml)."""

from __future__ import annotations

from rasa_environments.api.base import JsonObject
from rasa_environments.api.deployment_environment import Channel
from rasa_environments.desired.context import Context
from rasa_environments.desired.endpoints import as_yaml
from rasa_environments.desired.profiles import profile_of
from rasa_environments.desired.secret_variables import with_variables

RASA_CHANNEL = "rasa"
SOCKET_CHANNEL = "socketio"
DEFAULT_CHANNELS = (Channel(name="rest"),)


def credentials_yaml(context: Context) -> str:
    """Return the text of credentials.yml."""
    return as_yaml(channels(context))


def channels(context: Context) -> JsonObject:
    """Return the channels and their configuration: those of the spec or REST, and `rasa` if the server uses it."""
    named = DEFAULT_CHANNELS if context.spec.channels is None else context.spec.channels
    described = {
        channel.name: None if channel.config is None else with_variables(("channels", channel.name), channel.config)
        for channel in named
    }
    return {**rasa_channel(context), **described}


def rasa_channel(context: Context) -> JsonObject:
    """Return the channel `rasa`, which points to the server ("The rasa channel credentials", Rasa Enterprise 1.0)."""
    return {RASA_CHANNEL: {"url": f"{context.server_url}/api"}} if profile_of(context).rasa_channel else {}


def open_channels(context: Context) -> tuple[str, ...] | None:
    """Return the channels open to users, that is all but `rasa`; None if the model server configures them."""
    if profile_of(context).configured_by_server:
        return None
    return tuple(name for name in channels(context) if name != RASA_CHANNEL)
