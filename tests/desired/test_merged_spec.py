"""The spec of an environment merged with its ModelServer's defaults."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasa_environments.api.base import JsonObject, SecretRef
from rasa_environments.api.deployment_environment import DEFAULT_FIELDS
from rasa_environments.desired.errors import SpecError
from rasa_environments.desired.merging import is_secret_value, merge
from tests.desired.contexts import children_by_kind, context
from tests.desired.test_merging import NAMES, SCALARS, SECRET_VALUES, references


def ref(name: str) -> JsonObject:
    """Return a secret value that claims to be in another namespace."""
    return {"secretKeyRef": {"name": name, "key": "k", "namespace": "kube-system"}}


def channels(**configs: JsonObject) -> list[JsonObject]:
    """Generate channels with their required fields."""
    return [{"name": name, "config": config} for name, config in configs.items()]


CERTIFICATES = {"certSecretRef": {"name": "of-the-server", "namespace": "kube-system"}}


def test_each_reference_of_the_merged_spec_has_the_namespace_of_its_author() -> None:
    tls = {"mode": "Required", **CERTIFICATES}
    defaults = {
        "trackerStore": {"sql": {"host": "db", "username": "rasa", "password": ref("of-the-server"), "tls": tls}},
        "actionEndpoint": {"url": "http://actions:5055", "token": ref("of-the-server")},
        "channels": channels(slack={"token": ref("of-the-server")}, custom={"list": [ref("of-the-server")]}),
    }
    own = {
        "rasa": {"version": "3.6.21"},
        "jwt": {"key": ref("own")},
        "authToken": ref("own"),
        "actionEndpoint": {"token": ref("own")},
        "channels": channels(telegram={"token": ref("own")}),
    }

    merged = context(own, defaults=defaults, server_namespace="platform").spec

    found = {(each["name"], each["namespace"]) for each in references(merged.model_dump(by_alias=True))}
    assert found == {("of-the-server", "platform"), ("own", "bots")}
    sql = merged.tracker_store.sql if merged.tracker_store is not None else None
    assert sql is not None
    assert sql.tls is not None
    assert sql.tls.cert_secret_ref == SecretRef(name="of-the-server", namespace="platform")


def test_what_looks_like_certificates_in_a_free_form_field_stays_as_it_is() -> None:
    merged = context({"rasa": {"version": "3.6.21"}, "endpoints": {"nlg": CERTIFICATES}}).spec

    assert merged.endpoints == {"nlg": CERTIFICATES}


MEMBERS: dict[str, dict[str, Any]] = {
    "eventBroker": {
        "rabbitmq": {"host": "rabbitmq"},
        "kafka": {"bootstrapServers": ["kafka:9092"]},
        "sql": {"host": "db"},
    },
    "trackerStore": {"sql": {"host": "db"}, "redis": {"host": "redis"}},
    "lockStore": {"redis": {"host": "redis"}, "concurrentRedis": {"host": "redis"}},
    "podDisruptionBudget": {"minAvailable": 1, "maxUnavailable": 1},
}
ALTERNATIVES = [
    (union, default, own)
    for union, members in MEMBERS.items()
    for default in members
    for own in members
    if default != own
]


@pytest.mark.parametrize(("union", "default", "own"), ALTERNATIVES)
def test_naming_another_member_drops_that_of_the_defaults(union: str, default: str, own: str) -> None:
    members = MEMBERS[union]

    merged = merged_of({union: {own: members[own]}}, {union: {default: members[default]}})

    assert set(merged[union]) == {own}


ADDRESSES: dict[str, Any] = {
    "host": "redis",
    "sentinel": {"endpoints": ["redis:26379"], "masterName": "main"},
    "cluster": {"endpoints": ["redis:6379"]},
}


@pytest.mark.parametrize(
    ("union", "member"), [("trackerStore", "redis"), ("lockStore", "redis"), ("lockStore", "concurrentRedis")]
)
@pytest.mark.parametrize(("default", "own"), list(permutations(ADDRESSES, 2)))
def test_another_way_to_a_redis_drops_that_of_the_defaults_and_nothing_else(
    union: str, member: str, default: str, own: str
) -> None:
    defaults = {union: {member: {default: ADDRESSES[default], "database": 3}}}

    merged = merged_of({union: {member: {own: ADDRESSES[own]}}}, defaults)

    assert merged[union][member] == {own: ADDRESSES[own], "database": 3}


def test_the_same_member_is_merged_field_by_field() -> None:
    merged = merged_of(
        {"trackerStore": {"sql": {"database": "chats"}}},
        {"trackerStore": {"sql": {"host": "db", "username": "rasa", "port": 6543}}},
    )

    assert merged["trackerStore"] == {"sql": {"host": "db", "username": "rasa", "port": 6543, "database": "chats"}}


NAMED = st.dictionaries(NAMES, st.none() | st.dictionaries(NAMES, SCALARS | SECRET_VALUES, max_size=2), max_size=3)


def channel_list(named: Mapping[str, JsonObject | None]) -> list[JsonObject]:
    """Channels by their names as a manifest lists them."""
    return [{"name": name, **({"config": config} if config is not None else {})} for name, config in named.items()]


@given(defaults=NAMED, own=NAMED)
def test_channels_merge_by_their_names(
    defaults: dict[str, JsonObject | None], own: dict[str, JsonObject | None]
) -> None:
    merged = merged_channels(own, defaults)

    assert list(merged) == list({**defaults, **own})
    for name, config in merged.items():
        above, below = without_references(own.get(name)), without_references(defaults.get(name))
        expected = below if above is None else merge(below or {}, above)
        assert without_references(config) == expected


@given(defaults=NAMED, own=NAMED)
def test_channels_of_ignored_defaults_are_none(
    defaults: dict[str, JsonObject | None], own: dict[str, JsonObject | None]
) -> None:
    merged = merged_channels(own, defaults, ignoreDefaults=["channels"])

    assert without_references(merged) == without_references(own)


def merged_channels(
    own: Mapping[str, JsonObject | None], defaults: Mapping[str, JsonObject | None], **more: Any
) -> dict[str, JsonObject | None]:
    """The channels of the merged spec by their names."""
    merged = merged_of({"channels": channel_list(own), **more}, {"channels": channel_list(defaults)})
    return {channel["name"]: channel.get("config") for channel in merged["channels"]}


def without_references(value: Any) -> Any:
    """A value with secret values by their name and key alone."""
    if is_secret_value(value):
        reference = value["secretKeyRef"]
        return {"secretKeyRef": {"name": reference["name"], "key": reference["key"]}}
    if isinstance(value, Mapping):
        return {key: without_references(inner) for key, inner in value.items()}
    return value


def test_a_list_without_channels_leaves_those_of_the_defaults() -> None:
    merged = merged_of({"channels": []}, {"channels": [{"name": "rest"}]})

    assert merged["channels"] == [{"name": "rest"}]


DEFAULTS: JsonObject = {
    "rasa": {"port": 5006},
    "model": {"required": False},
    "jwt": {"key": ref("jwt")},
    "eventBroker": {"rabbitmq": {"host": "rabbitmq"}},
    "trackerStore": {"redis": {"host": "redis"}},
    "lockStore": {"redis": {"host": "redis"}},
    "actionEndpoint": {"url": "http://actions:5055"},
    "endpoints": {"nlg": {"url": "http://nlg"}},
    "channels": [{"name": "slack"}],
    "service": {"port": 80},
    "serviceAccount": {"annotations": {"a": "1"}},
    "deploymentStrategy": {"type": "Recreate"},
    "ingress": {"hosts": [{"host": "chat.example.com"}]},
    "networkPolicy": {"from": "None"},
    "podDisruptionBudget": {"minAvailable": 1},
    "autoscaling": {"maxReplicas": 3},
    "resources": {"limits": {"memory": "2Gi"}},
    "podTemplate": {"metadata": {"annotations": {"a": "1"}}},
}
FIELDS = st.lists(st.sampled_from(DEFAULT_FIELDS), unique=True)


@given(ignored=FIELDS)
def test_ignored_defaults_are_as_if_they_were_not_there(ignored: list[str]) -> None:
    own = {"rasa": {"version": "3.6.21"}}
    left = {field: value for field, value in DEFAULTS.items() if field not in ignored}

    made = children_by_kind(context({**own, "ignoreDefaults": ignored}, defaults=DEFAULTS))

    assert made == children_by_kind(context(own, defaults=left))


def test_there_is_a_default_of_each_field() -> None:
    assert set(DEFAULTS) | {"actionServer"} == set(DEFAULT_FIELDS)  # not together with actionEndpoint


def merged_of(own: JsonObject, defaults: JsonObject) -> JsonObject:
    """The merged spec as a manifest would have it."""
    spec = context({"rasa": {"version": "3.6.21"}, **own}, defaults=defaults).spec
    return spec.model_dump(by_alias=True, exclude_none=True)


@pytest.mark.parametrize(
    ("own", "told"),
    [
        (
            {"trackerStore": {"sql": {"database": "a"}}},
            "spec.trackerStore.sql.host: must be set, here or in spec.defau",
        ),
        ({"trackerStore": {}}, "spec.trackerStore: must have exactly one of sql, redis"),
        ({"autoscaling": {"minReplicas": 2}}, "spec.autoscaling.maxReplicas: must be set"),
        ({"ingress": {"className": "nginx"}}, "spec.ingress.hosts: must be set"),
        ({"jwt": {"method": "HS256"}}, "spec.jwt.key: must be set"),
        ({"service": {"nodePort": 30000}}, "spec.service.nodePort: may only be set with type NodePort or LoadBalancer"),
    ],
)
def test_what_is_set_nowhere_is_asked_for(own: JsonObject, told: str) -> None:
    with pytest.raises(SpecError) as refusal:
        context(own)

    assert str(refusal.value).startswith(told)


def test_a_null_means_nothing() -> None:
    """`kubectl apply` drops nulls, other ways keep them: both have the same effect."""
    defaults = {"endpoints": {"nlg": {"url": "http://nlg", "kwargs": {"a": None}}}}

    merged = merged_of({"endpoints": {"nlg": {"url": None}}, "channels": [{"name": "rest", "config": None}]}, defaults)

    assert merged["endpoints"] == {"nlg": {"url": "http://nlg", "kwargs": {}}}
    assert merged["channels"] == [{"name": "rest"}]


def test_values_that_do_not_fit_together_are_reported_with_their_field_and_server() -> None:
    message = (
        "with the defaults of ModelServer platform/default: spec.autoscaling.minReplicas: may not be greater than "
        "maxReplicas (spec.ignoreDefaults names fields of the defaults to do without)"
    )

    with pytest.raises(SpecError, match=f"^{re.escape(message)}$"):
        context(
            {"autoscaling": {"maxReplicas": 2}},
            defaults={"autoscaling": {"minReplicas": 3, "maxReplicas": 4}},
            server_namespace="platform",
        )
