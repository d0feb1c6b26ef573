"""Types of values, in terms of our own resources: what is valid here is valid in the CRDs."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import BeforeValidator, Field, TypeAdapter
from pydantic_core import PydanticCustomError

from rasa_environments.api.base import ObjectName, SecretKey, TagName, Text
from rasa_environments.api.base import Port as ApiPort
from rasa_environments.api.connections import ActionEndpoint as ApiActionEndpoint
from rasa_environments.api.connections import BoundedText, DatabaseName, KeyPrefix
from rasa_environments.api.deployment_environment import Channel
from rasa_environments.api.rules import BOUNDED_KEYS
from rasa_environments.api.traffic import AnnotationMap, HostName, IpBlock, LabelMap
from rasa_environments.api.traffic import Ingress as ApiIngress
from rasa_environments.api.traffic import Service as ApiService
from rasa_environments.api.urls import Host
from rasa_environments.api.workload import (
    Argument,
    Autoscaling,
    DeploymentStrategy,
    Image,
    Jwt,
    Origin,
    Resources,
    Version,
)


def as_text(value: object) -> object:
    """Return numbers as the text that a template prints."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def as_flag(value: object) -> object:
    """Return a switch; text that says no is refused, as a template takes any text that is not empty for true."""
    if isinstance(value, str) and value.strip().lower() in ("false", "no", "off", "n", "f", "0"):
        raise PydanticCustomError(
            "text_for_false", "it is text, which Helm takes for true: write it without quotes, or leave it out"
        )
    return value


def as_number(value: object) -> object:
    """Return digits in quotes as a number."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10 else value


def as_pull_secret(value: object) -> object:
    """Return the name of a pull secret, which is given as a string or under `name`."""
    return value["name"] if isinstance(value, dict) and set(value) == {"name"} else value


def without_scheme(value: object) -> object:
    """Return the host of a broker's URL; the charts insert a URL with a scheme unchanged."""
    parts = parts_of_amqp(value)
    return value if parts is None or needs_whole(parts) else parts.hostname


def parts_of_amqp(value: object) -> SplitResult | None:
    """Return the parts of a broker's URL; None if it has no AMQP scheme."""
    try:
        return urlsplit(value) if isinstance(value, str) and is_amqp(value) else None
    except ValueError:
        return None


def needs_whole(parts: SplitResult) -> bool:
    """Return whether a broker's URL has more than host and port: a user, a virtual host or parameters."""
    return parts.username is not None or parts.path not in ("", "/") or bool(parts.query)


def is_amqp(value: object) -> bool:
    """Return whether a broker's URL has an AMQP scheme."""
    return isinstance(value, str) and value.startswith(("amqp://", AMQPS))


def with_texts(value: object) -> object:
    """Return a mapping whose values are text, as a template prints them."""
    if not isinstance(value, dict):
        return value
    return {str(key): _printed(item) for key, item in value.items()}


def _printed(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else as_text(value)


AMQPS = "amqps://"
"""Prefix of a broker's URL that requires TLS."""
TEXT = TypeAdapter[str](Annotated[Text, BeforeValidator(as_text)])
TEXT_OR_FLAG = TypeAdapter[bool](bool)
"""A switch that releases of a chart compare with a text: debugMode of rasa-x is "false" by default before 1.1.2."""
FLAG = TypeAdapter[bool](Annotated[bool, BeforeValidator(as_flag)])
PORT = TypeAdapter[int](Annotated[ApiPort, BeforeValidator(as_number)])
REPLICAS = TypeAdapter[int](Annotated[int, Field(ge=0, le=1000, strict=True), BeforeValidator(as_number)])
SERVERS = TypeAdapter[int](Annotated[int, Field(ge=1, le=1000, strict=True), BeforeValidator(as_number)])
REDIS_DATABASE = TypeAdapter[int](Annotated[int, Field(ge=0, le=1024, strict=True), BeforeValidator(as_number)])
HOST = TypeAdapter[str](Host)
BROKER = TypeAdapter[str](Annotated[Host, BeforeValidator(without_scheme)])
INGRESS_HOST = TypeAdapter[str](HostName)
DATABASE = TypeAdapter[str](DatabaseName)
QUERY = TypeAdapter[dict[str, str]](
    Annotated[dict[str, BoundedText], Field(max_length=32), BOUNDED_KEYS, BeforeValidator(with_texts)]
)
KEY_PREFIX = TypeAdapter[str](KeyPrefix)
NAME = TypeAdapter[str](ObjectName)
KEY = TypeAdapter[str](SecretKey)
TAG = TypeAdapter[str](Annotated[TagName, BeforeValidator(as_text)])
IMAGE = TypeAdapter[str](Image)
VERSION = TypeAdapter[str](Version)
URL = TypeAdapter[str](ApiActionEndpoint.model_fields["url"].rebuild_annotation())
RESOURCES = TypeAdapter[Resources](Resources)
TEXTS = TypeAdapter[dict[str, str]](Annotated[AnnotationMap, BeforeValidator(with_texts)])
ARGUMENT = TypeAdapter[str](Annotated[Argument, BeforeValidator(as_text)])
LABELS = TypeAdapter[dict[str, str]](Annotated[LabelMap, BeforeValidator(with_texts)])
ORIGIN = TypeAdapter[str](Origin)
CHANNEL = TypeAdapter[Channel](Channel)
ITEMS = TypeAdapter[list[Any]](list[Any])
WORDS = TypeAdapter[list[str]](list[Annotated[str, BeforeValidator(as_text)]])
QUEUES = TypeAdapter[list[str]](Annotated[list[Text], Field(max_length=15)])
MAPPING = TypeAdapter[dict[str, Any]](dict[str, Any])
OBJECTS = TypeAdapter[list[dict[str, Any]]](list[dict[str, Any]])
PULL_SECRETS = TypeAdapter[list[str]](
    Annotated[list[Annotated[ObjectName, BeforeValidator(as_pull_secret)]], Field(max_length=16)]
)
IP_BLOCK = TypeAdapter[IpBlock](IpBlock)
INGRESS = TypeAdapter[ApiIngress](ApiIngress)
SERVICE = TypeAdapter[ApiService](ApiService)
AUTOSCALING = TypeAdapter[Autoscaling](Autoscaling)
STRATEGY = TypeAdapter[DeploymentStrategy](DeploymentStrategy)
JWT_METHOD = TypeAdapter[str](Jwt.model_fields["method"].rebuild_annotation())
PULL_POLICY = TypeAdapter[str](Literal["Always", "IfNotPresent", "Never"])
SECONDS = TypeAdapter[int](Annotated[int, Field(ge=1, le=86400, strict=True), BeforeValidator(as_number)])
