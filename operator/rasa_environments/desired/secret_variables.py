"""The secret values that an environment needs, and the variables through which its server reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from rasa_environments.api.base import SecretKeyRef, SecretValue
from rasa_environments.api.deployment_environment import EnvironmentSpec
from rasa_environments.desired.errors import SpecError
from rasa_environments.desired.merging import is_secret_value
from rasa_environments.desired.tls import is_required

TOKEN_KEY = "token"
MODEL_SERVER_TOKEN_KEY = "model-server-token"
SALT_KEY = "salt"
TOKEN_VARIABLE = "RASA_TOKEN"
MODEL_SERVER_TOKEN_VARIABLE = "RASA_X_TOKEN"
JWT_VARIABLE = "JWT_SECRET"
LICENSE_VARIABLE = "RASA_LICENSE"
LICENSE_PATH = "spec.rasa.license"
FIXED_KEYS: Mapping[str, str] = {TOKEN_VARIABLE: TOKEN_KEY, MODEL_SERVER_TOKEN_VARIABLE: MODEL_SERVER_TOKEN_KEY}

PASSWORDS: Mapping[str, str] = {
    "RABBITMQ_PASSWORD": "event_broker.rabbitmq.password",
    "KAFKA_PASSWORD": "event_broker.kafka.password",
    "EVENT_BROKER_DB_PASSWORD": "event_broker.sql.password",
    "DB_PASSWORD": "tracker_store.sql.password",
    "TRACKER_STORE_PASSWORD": "tracker_store.redis.password",
    "REDIS_PASSWORD": "lock_store.redis.password",
    "LOCK_STORE_PASSWORD": "lock_store.concurrent_redis.password",
    "ACTION_ENDPOINT_TOKEN": "action_endpoint.token",
    LICENSE_VARIABLE: "rasa.license",
}
"""Field of the spec that holds a variable's value, by variable."""


@dataclass(frozen=True)
class SecretVariable:
    """A variable of the Rasa server whose value is in a user's Secret."""

    name: str
    source: SecretKeyRef
    path: str
    """Field of the spec that refers to it, for messages."""
    in_address: bool = False
    """Whether Rasa inserts the value into a URL without escaping it, so that it must be escaped."""

    @property
    def key(self) -> str:
        """Key in the environment's own Secret."""
        return key_of(self.name)


def key_of(variable: str) -> str:
    """Return the key in the environment's Secret that holds a variable's value."""
    return FIXED_KEYS.get(variable, variable.lower().replace("_", "-"))


def secret_variables(spec: EnvironmentSpec) -> tuple[SecretVariable, ...]:
    """Return all secret values of the merged spec, besides the two tokens, in a stable order.

    Raises SpecError where a reference is incomplete, or two of them would share a variable.
    """
    found: dict[str, SecretVariable] = {}
    for variable in (*_typed(spec), *_free_form(("endpoints",), "spec.endpoints", spec.endpoints), *_of_channels(spec)):
        other = found.setdefault(variable.name, variable)
        if other.source != variable.source:
            raise SpecError(
                f"{other.path} and {variable.path} both become the variable {variable.name}: rename one of them"
            )
    return tuple(found[name] for name in sorted(found))


def variable_of(*path: str) -> str:
    """Return the variable for a secret value at a path of a free-form field, for example CHANNELS_SLACK_SLACK_TOKEN."""
    return re.sub(r"[^A-Z0-9]+", "_", "_".join(path).upper())


def _typed(spec: EnvironmentSpec) -> Iterator[SecretVariable]:
    for variable, path in PASSWORDS.items():
        value = _at(spec, path.split("."))
        if isinstance(value, SecretValue):
            in_address = variable == "RABBITMQ_PASSWORD" and _by_amqps(spec)
            yield SecretVariable(variable, value.secret_key_ref, f"spec.{_shown(path)}", in_address)
    if spec.jwt is not None and spec.jwt.key is not None:
        yield SecretVariable(JWT_VARIABLE, spec.jwt.key.secret_key_ref, "spec.jwt.key")


def _by_amqps(spec: EnvironmentSpec) -> bool:
    """Return whether Rasa builds a URL that contains RabbitMQ's password (rasa/core/brokers/pika.py)."""
    broker = spec.event_broker.rabbitmq if spec.event_broker is not None else None
    return broker is not None and is_required(broker.tls)


def _at(value: object, path: Sequence[str]) -> object:
    for name in path:
        value = getattr(value, name, None)
    return value


def _shown(path: str) -> str:
    return ".".join(to_camel(name) for name in path.split("."))


def _of_channels(spec: EnvironmentSpec) -> Iterator[SecretVariable]:
    for channel in spec.channels or ():
        yield from _free_form(("channels", channel.name), f"spec.channels[{channel.name}].config", channel.config)


def _free_form(root: tuple[str, ...], place: str, value: Mapping[str, Any] | None) -> Iterator[SecretVariable]:
    for path, reference in _references((), value or {}):
        where = ".".join((place, *path))
        try:
            source = SecretKeyRef.model_validate(reference)
        except ValidationError as error:
            raise SpecError(f"{where}.secretKeyRef must be {{name: <Secret>, key: <key in it>}}") from error
        yield SecretVariable(variable_of(*root, *path), source, where)


def _references(path: tuple[str, ...], value: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    if is_secret_value(value):
        yield path, value["secretKeyRef"]
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _references((*path, str(key)), inner)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _references((*path, str(index)), item)


def with_variables(path: tuple[str, ...], value: Any) -> Any:
    """Return the value at `path` of a free-form field with `${VARIABLE}` instead of every secret value.

    Nulls are left out: `kubectl apply` does not send them, so they mean nothing.
    """
    if is_secret_value(value):
        return f"${{{variable_of(*path)}}}"
    if isinstance(value, Mapping):
        return {key: with_variables((*path, str(key)), inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [with_variables((*path, str(index)), item) for index, item in enumerate(value)]
    return value
